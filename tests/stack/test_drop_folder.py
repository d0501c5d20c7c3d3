"""Files in the drop folder, with realistic names and contents."""

import json
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.images import encode, grey_file
from tests.stack.client import TASK, Client, wait_for

NAMES = [
    "plain.png",
    "with spaces  twice.png",
    "a+b.png",
    "Mädchen ünd 日本.png",
    "100%25.png",
    "a&b=c;d.png",
    "quote'\".png",
    "~tilde#hash?q.png",
    "sub/folder/x.png",
    ".hidden",
    "ends with a space ",
]


def noise(seed: int) -> bytes:
    """A unique image."""
    pixels = np.random.default_rng(seed).integers(0, 256, (96, 64), dtype=np.uint8)
    return encode(Image.fromarray(pixels), "PNG")


def test_file_names_are_kept_as_written(client: Client) -> None:
    known = client.ids()
    for seed, name in enumerate(NAMES):
        client.drop(f"{TASK}/{name}", noise(seed))

    results = client.finished(len(NAMES), known)

    assert [result["status"] for result in results] == ["classified"] * len(NAMES)
    assert all(result["arrival"] == "drop-folder" for result in results)


@pytest.mark.parametrize(
    ("key", "content", "task", "code"),
    [
        (f"{TASK}/zero.png", b"", TASK, "EmptyImage"),
        (f"{TASK}/cut-off.jpg", grey_file("JPEG", 400, 300)[:2000], TASK, "DamagedImage"),
        (f"{TASK}/letter.txt", b"Dear colleague,", TASK, "NotAnImage"),
        ("no-such-task/x.png", grey_file(), "unknown", "UnknownTask"),
        ("beside the folders.png", grey_file(), "unknown", "UnknownTask"),
    ],
)
def test_unusable_files_are_quarantined_with_a_reason(
    client: Client, key: str, content: bytes, task: str, code: str
) -> None:
    known = client.ids()

    client.drop(key, content)

    (result,) = client.finished(1, known)
    assert (result["status"], result["label"]) == ("quarantined", None)
    assert [reason["code"] for reason in result["reasons"]] == [code]
    name = key.split("/")[-1]
    assert f"quarantine/{task}/{result['id']}/{name}" in client.keys(f"quarantine/{task}/")
    # The original goes last, so that nothing is lost if its Lambda dies before.
    wait_for(lambda: f"inbox/{key}" not in client.keys("inbox/"))


def test_repeated_event_changes_nothing(client: Client) -> None:
    known = client.ids()
    client.drop(f"{TASK}/once.png", noise(2000))
    (before,) = client.finished(1, known)

    event = created_event(client, f"inbox/{TASK}/once.png")
    for _ in range(3):
        answer = client.functions.invoke(FunctionName="negatoscope-local-prepare", Payload=event)
        assert "FunctionError" not in answer, answer["Payload"].read()

    (after,) = client.finished(1, known)
    assert after == before
    versions = client.s3.list_object_versions(
        Bucket="negatoscope-local-data-000000000000", Prefix=f"results/{TASK}/{before['id']}.json"
    )
    assert len(versions["Versions"]) == 1


def created_event(client: Client, key: str) -> str:
    """The event of S3 for an object, with the members that the app reads."""
    bucket = "negatoscope-local-data-000000000000"
    head: dict[str, Any] = client.s3.head_object(Bucket=bucket, Key=key)
    item = {"key": key, "size": head["ContentLength"], "eTag": head["ETag"].strip('"')}
    return json.dumps(
        {"Records": [{"eventSource": "aws:s3", "s3": {"bucket": {"name": bucket}, "object": item}}]}
    )

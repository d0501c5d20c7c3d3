"""A batch in the state machine and the Lambdas that are deployed: stopped in the middle, and resumed."""

import gzip
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from local.account import ACCOUNT
from local.stack import BUCKET
from tests import images
from tests.stack.client import TASK, Client, wait_for
from tests.stack.model_deployer import ENDPOINT, ModelDeployer
from tests.stack.sagemaker_harness import SageMakerHarness

FOLDER = "archive/stack/"
COUNT = 30


@pytest.fixture
def archive(client: Client) -> Iterator[list[str]]:
    """The keys of thirty images and a letter."""
    keys = [f"{FOLDER}ward {number % 3}/{number}.png" for number in range(COUNT)]
    for number, key in enumerate(keys):
        client.s3.put_object(Bucket=BUCKET, Key=key, Body=images.grey_file(height=100 + number))
    letter = f"{FOLDER}letter.txt"
    client.s3.put_object(Bucket=BUCKET, Key=letter, Body=b"Dear colleague,")
    yield [*keys, letter]
    for key in client.keys(FOLDER):
        client.s3.delete_object(Bucket=BUCKET, Key=key)


def ask(client: Client, method: str, path: str, **body: Any) -> Any:
    """The answer to a request about batches."""
    data = json.dumps(body).encode() if body else None
    answer = client.api(method, f"/api/batches{path}", data, Content_Type="application/json")
    assert answer.status in (200, 201), answer.body
    return answer.json


def follow(client: Client, name: str) -> Any:
    """A batch in detail."""
    return ask(client, "GET", f"/{name}")


def report(client: Client, name: str) -> Any:
    """The report of a batch, after its end."""
    ended = wait_for(lambda: found if (found := follow(client, name))["status"] != "running" else None)
    assert ended["status"] == "ended", ended
    return ended["report"]


def archived(client: Client) -> list[Any]:
    """The results of the images of the archive: their heights tell them from those of other tests."""
    heights = range(100, 100 + COUNT)
    return [
        result
        for result in client.results()
        if result["arrival"] == "archive" and result["source"]["rows"] in heights
    ]


def test_batch_that_was_stopped_is_finished_by_another_pass(client: Client, archive: list[str]) -> None:
    estimate = ask(client, "POST", "", task=TASK, source=FOLDER, dry_run=True)["estimate"]
    assert estimate["images"] == COUNT + 1
    name = ask(client, "POST", "", task=TASK, source=FOLDER, concurrency=1)["name"]
    wait_for(lambda: (follow(client, name)["progress"] or {}).get("done"))
    assert ask(client, "POST", f"/{name}/stop")["status"] == "stopped"
    stopped = wait_for(lambda: found if (found := follow(client, name))["progress"]["running"] == 0 else None)
    assert 0 < stopped["progress"]["done"] < len(archive)
    assert stopped["report"] is None

    assert ask(client, "POST", f"/{name}/continue")["status"] == "running"
    found = report(client, name)

    assert (found["images"], found["classified"], found["failures"]) == (COUNT + 1, COUNT, {"NotAnImage": 1})
    results = archived(client)
    assert sorted(result["source"]["rows"] for result in results) == [100 + number for number in range(COUNT)]
    assert {result["status"] for result in results} == {"classified"}
    arrays = {f"prepared/{TASK}/{result['id']}.npy" for result in results}
    assert arrays <= set(client.keys(f"prepared/{TASK}/"))

    # Another batch over the same images, named in a list, has nothing to do.
    lines = ["Key", *(f'"{key}"' for key in archive[:4])]
    client.s3.put_object(Bucket=BUCKET, Key=f"{FOLDER}list.csv", Body="\n".join(lines).encode())
    again = ask(client, "POST", "", task=TASK, source=f"{FOLDER}list.csv")["name"]
    assert report(client, again)["current"] == 4

    # Likewise one over an inventory, as S3 writes it: its keys are encoded as in URLs.
    manifest = inventory(client, [*archive, f"{FOLDER}gone é.png"])
    listed = ask(client, "POST", "", task=TASK, source=manifest)["name"]
    found = report(client, listed)
    assert (found["images"], found["current"]) == (COUNT + 2, COUNT)
    assert found["failures"] == {"NotAnImage": 1, "FileRemoved": 1}


def inventory(client: Client, keys: list[str]) -> str:
    """Write an inventory in two lists; returns the key of its manifest.

    See Amazon S3's user guide, "Locating your inventory list".
    """
    folder = f"{FOLDER}inventory/{BUCKET}/daily"
    rows = [f'"{BUCKET}","{quote(key)}","9","true"\n' for key in keys]
    files = []
    for number, part in enumerate((rows[:9], rows[9:])):
        body = gzip.compress("".join(part).encode())
        files.append(
            {
                "key": f"{folder}/data/{number}.csv.gz",
                "size": len(body),
                "MD5checksum": hashlib.md5(body).hexdigest(),
            }
        )
        client.s3.put_object(Bucket=BUCKET, Key=files[-1]["key"], Body=body)
    manifest = {
        "sourceBucket": BUCKET,
        "destinationBucket": f"arn:aws:s3:::{BUCKET}",
        "version": "2016-11-30",
        "fileFormat": "CSV",
        "fileSchema": "Bucket, Key, Size, IsLatest",
        "files": files,
    }
    key = f"{folder}/2026-11-30T01-00Z/manifest.json"
    client.s3.put_object(Bucket=BUCKET, Key=key, Body=json.dumps(manifest).encode())
    return key


@pytest.fixture
def served(harness: SageMakerHarness, tmp_path: Path) -> Iterator[str]:
    """A version that is deployed on an endpoint, which has been taken down."""
    deployer = ModelDeployer(harness, tmp_path)
    # Jobs have the role that the stage's models have.
    deployer.role = f"arn:aws:iam::{ACCOUNT}:role/negatoscope-local-sagemaker"
    before = deployer.registry.current(TASK)
    assert before is not None
    deployer.registry.promote(TASK, "for-batches", ENDPOINT, deployer.register("for-batches"))
    deployer.restart_lambdas()
    yield "for-batches"
    deployer.registry.promote(TASK, before.version, None, None)
    deployer.restart_lambdas()


def test_transform_job_classifies_if_the_model_is_on_an_endpoint(
    client: Client, archive: list[str], served: str
) -> None:
    started = ask(client, "POST", "", task=TASK, source=FOLDER)
    assert started["estimate"]["transform"]
    name = started["name"]
    # Stopped while the job starts: Step Functions stops the job, and what is prepared waits.
    sagemaker = client.aws("sagemaker")
    request = {"NameContains": "negatoscope-local-batch-"}
    (job,) = wait_for(lambda: sagemaker.list_transform_jobs(**request)["TransformJobSummaries"])
    assert ask(client, "POST", f"/{name}/stop")["status"] == "stopped"
    described = {"TransformJobName": job["TransformJobName"]}
    stopped = wait_for(lambda: ended(sagemaker.describe_transform_job(**described)))
    assert follow(client, name)["progress"]["step"] == "transform"
    assert len(client.keys(f"batches/{name}/arrays/")) == COUNT

    ask(client, "POST", f"/{name}/continue")
    found = report(client, name)

    assert stopped == "Stopped"
    assert (found["images"], found["classified"], found["failures"]) == (COUNT + 1, COUNT, {"NotAnImage": 1})
    assert follow(client, name)["progress"]["step"] == "record"
    results = archived(client)
    assert len(results) == COUNT
    assert {(one["model"]["version"], one["model"]["backend"]) for one in results} == {(served, "transform")}
    assert client.keys(f"batches/{name}/arrays/") + client.keys(f"batches/{name}/answers/") == []


def ended(job: Any) -> str | None:
    """The status of a job that has ended."""
    status: str = job["TransformJobStatus"]
    return status if status in ("Completed", "Failed", "Stopped") else None

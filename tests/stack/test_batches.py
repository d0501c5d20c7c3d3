"""A batch in the state machine and the Lambdas that are deployed: stopped in the middle, and resumed."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from local.stack import BUCKET
from tests import images
from tests.stack.client import TASK, Client, wait_for

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
    results = [result for result in client.results() if result["arrival"] == "archive"]
    assert sorted(result["source"]["rows"] for result in results) == [100 + number for number in range(COUNT)]
    assert {result["status"] for result in results} == {"classified"}
    arrays = {f"prepared/{TASK}/{result['id']}.npy" for result in results}
    assert arrays <= set(client.keys(f"prepared/{TASK}/"))

    # Another batch over the same images, named in a list, has nothing to do.
    lines = ["Key", *(f'"{key}"' for key in archive[:4])]
    client.s3.put_object(Bucket=BUCKET, Key=f"{FOLDER}list.csv", Body="\n".join(lines).encode())
    again = ask(client, "POST", "", task=TASK, source=f"{FOLDER}list.csv")["name"]
    assert report(client, again)["current"] == 4

"""Commands that bring back what was lost."""

import json
from importlib import import_module
from types import ModuleType
from typing import Any

import boto3
import pytest

from chalicelib import results
from chalicelib.decisions import Decisions
from chalicelib.results import Result
from chalicelib.storage import DataBucket
from chalicelib.table import ResultsTable
from tests.stage import BUCKET, ROOT, TABLE

pytestmark = pytest.mark.usefixtures("cloud")


@pytest.fixture(autouse=True)
def _scripts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(ROOT / ".chalice")


def script(name: str) -> ModuleType:
    return import_module(name)


def decisions() -> Decisions:
    table = ResultsTable(boto3.resource("dynamodb"), TABLE)
    return Decisions(DataBucket(boto3.client("s3"), BUCKET), table)


def decided(number: int) -> Result:
    result = results.received(f"{number:032x}", "chest-xray", "api") | {"status": results.CLASSIFIED}
    found = decisions().decide(result)
    decisions().table.finish(found.result)
    return found.result


def forget(result: Result) -> None:
    boto3.resource("dynamodb").Table(TABLE).delete_item(Key={"id": result["id"]})


def test_lost_table_is_rebuilt_and_nothing_newer_is_overwritten() -> None:
    lost, changed, kept = decided(1), decided(2), decided(3)
    changed = decisions().change(changed["id"], lambda result: result | {"review": {"label": "normal"}})
    for result in (lost, changed):
        forget(result)

    assert script("restore").rebuild(BUCKET, TABLE) == (3, 2)
    assert script("restore").rebuild(BUCKET, TABLE) == (3, 0)

    table = decisions().table
    assert [table.get(result["id"]) for result in (lost, changed, kept)] == [lost, changed, kept]
    # Changes go on where they were.
    again = decisions().change(changed["id"], lambda result: result | {"review": None})
    assert table.get(changed["id"]) == again


def test_document_that_is_older_than_the_table_changes_nothing() -> None:
    result = decided(1)
    reviewed = result | {"review": {"label": "normal"}}
    decisions().table.end_change(reviewed, 1)
    assert script("restore").rebuild(BUCKET, TABLE) == (1, 0)
    assert decisions().table.get(result["id"]) == reviewed


class Functions:
    """Accepts every event but those of `broken`."""

    def __init__(self, broken: str = ""):
        self.accepted: list[tuple[str, Any]] = []
        self.broken = broken

    def invoke(self, FunctionName: str, InvocationType: str, Payload: str) -> None:  # noqa: N803
        assert InvocationType == "Event"
        if self.broken and FunctionName.endswith(self.broken):
            from botocore.exceptions import ClientError

            raise ClientError({"Error": {"Code": "ResourceNotFoundException"}}, "Invoke")
        self.accepted.append((FunctionName, json.loads(Payload)))


def lose(queue: Any, *functions: str) -> None:
    for function in functions:
        arn = f"arn:aws:lambda:us-east-1:123456789012:function:{function}:$LATEST"
        record = {"requestContext": {"functionArn": arn}, "requestPayload": {"of": function}}
        queue.send_message(MessageBody=json.dumps(record))


@pytest.fixture
def queue() -> Any:
    return boto3.resource("sqs").create_queue(QueueName="negatoscope-test-lost-events")


def redrive(monkeypatch: pytest.MonkeyPatch, functions: Functions) -> tuple[int, int]:
    client = boto3.client
    monkeypatch.setattr(boto3, "client", lambda name: functions if name == "lambda" else client(name))
    counts: tuple[int, int] = script("redrive").redrive("negatoscope-test-lost-events")
    return counts


def waiting(queue: Any) -> int:
    queue.load()
    shown, hidden = "ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"
    return int(queue.attributes[shown]) + int(queue.attributes[hidden])


def test_lost_events_go_to_the_functions_they_were_for(queue: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    lose(queue, *(f"negatoscope-test-{name}" for name in ["prepare", "classify"] * 6))
    functions = Functions()
    assert redrive(monkeypatch, functions) == (12, 0)
    assert waiting(queue) == 0
    assert {name.split(":")[-1] for name, _ in functions.accepted} == {
        "negatoscope-test-prepare",
        "negatoscope-test-classify",
    }
    assert all(name.endswith(payload["of"]) for name, payload in functions.accepted)


def test_empty_queue(queue: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    assert redrive(monkeypatch, Functions()) == (0, 0)


def test_what_cannot_be_sent_stays_in_the_queue(queue: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    lose(queue, "negatoscope-test-prepare", "negatoscope-test-classify")
    queue.send_message(MessageBody="not Lambda's")
    assert redrive(monkeypatch, Functions(broken="classify")) == (1, 2)
    assert waiting(queue) == 2


def test_deleted_object_comes_back_from_its_version() -> None:
    """As docs/operations.md says: take the delete marker away."""
    s3 = boto3.client("s3")
    s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
    result = decided(1)
    key = results.key(result)
    decisions().bucket.delete(key)
    assert decisions().find(result) is None
    (marker,) = s3.list_object_versions(Bucket=BUCKET, Prefix=key)["DeleteMarkers"]
    s3.delete_object(Bucket=BUCKET, Key=key, VersionId=marker["VersionId"])
    found = decisions().find(result)
    assert found
    assert found.result == result

"""Commands that bring back what was lost."""

import json
import os
import sys
from collections.abc import Callable
from functools import cache
from importlib import import_module
from typing import Any

import boto3
import pytest

from chalicelib.models.review_rule import Reason
from chalicelib.results import result_document
from chalicelib.results.decisions import Decisions
from chalicelib.results.result_document import Result, Review
from chalicelib.results.table import ResultsTable
from chalicelib.storage.bucket import DataBucket
from deploy import redrive, restore, results_table, stacks
from tests.stage import BUCKET, TABLE

pytestmark = pytest.mark.usefixtures("cloud")


@cache
def decisions() -> Decisions:
    """Made once for all tests, because making its AWS clients takes longer than most tests."""
    table = ResultsTable(boto3.resource("dynamodb"), TABLE)
    return Decisions(DataBucket(boto3.client("s3"), BUCKET), table)


def decided(number: int) -> Result:
    result = result_document.received(f"{number:032x}", "chest-xray", "api") | {
        "status": result_document.CLASSIFIED
    }
    found = decisions().decide(result)
    decisions().table.finish(found.result)
    return found.result


def restored() -> Any:
    bucket, table = decisions().bucket, decisions().table
    return restore.run(bucket, table)


def counts(report: Any) -> tuple[int, int, int]:
    return report.documents, report.written, report.replaced


def indexes(table: Any) -> list[Any]:
    parts = ("IndexName", "KeySchema", "Projection")
    return [[index[part] for part in parts] for index in table["GlobalSecondaryIndexes"]]


REVIEW: Review = {"label": "normal", "comment": None, "reviewed_at": "then", "reviewer": "me"}


def forget(result: Result) -> None:
    boto3.resource("dynamodb").Table(TABLE).delete_item(Key={"id": result["id"]})


def test_restore_rebuilds_a_lost_table_and_keeps_newer_items() -> None:
    lost, changed, kept = decided(1), decided(2), decided(3)
    changed = decisions().change(changed["id"], lambda result: result | {"review": REVIEW})
    for result in (lost, changed):
        forget(result)

    assert counts(restored()) == (3, 2, 0)
    assert counts(restored()) == (3, 0, 0)

    table = decisions().table
    assert [table.get(result["id"]) for result in (lost, changed, kept)] == [lost, changed, kept]
    # Changes go on where they were.
    again = decisions().change(changed["id"], lambda result: result | {"review": None})
    assert table.get(changed["id"]) == again


def test_restore_ignores_a_document_older_than_the_table() -> None:
    result = decided(1)
    reviewed = result | {"review": REVIEW}
    decisions().table.end_change(reviewed, 1)
    assert counts(restored()) == (1, 0, 0)
    assert decisions().table.get(result["id"]) == reviewed


def test_restore_writes_a_missing_document_from_the_table() -> None:
    """Earlier versions of this application wrote the table first, and sometimes no document."""
    whole, lost, waiting = (
        decided(1),
        decided(2),
        result_document.received(f"{3:032x}", "chest-xray", "upload"),
    )
    decisions().table.announce(waiting)
    decisions().bucket.delete(result_document.key(lost))

    assert counts(restored()) == (1, 0, 1)
    assert counts(restored()) == (2, 0, 0)

    found = decisions().find(lost)
    assert found
    assert found.result == lost
    assert decisions().find(waiting) is None, "it has not been decided"
    assert decisions().table.get(whole["id"]) == whole


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b"\xff", b'{"id": "1", "task": "chest-xray"}'])
def test_restore_names_objects_that_are_not_documents(body: bytes) -> None:
    lost, key = decided(1), f"results/chest-xray/{2:032x}.json"
    forget(lost)
    decisions().bucket.write(key, body, "application/json")

    report = restored()

    assert counts(report) == (1, 1, 0)
    assert report.unreadable == [key]
    assert decisions().bucket.read(key).body == body


def test_restore_leaves_an_interrupted_quarantine_to_the_sweep() -> None:
    """The sweep moves the file before it removes the mark by which it finds it."""
    result = result_document.received(f"{1:032x}", "chest-xray", "drop-folder")
    decisions().table.receive(result, {"Records": []})
    decisions().decide(result_document.quarantined(result, Reason("NotAnImage", "It is not an image.")))

    assert counts(restored()) == (1, 0, 0)

    entry = decisions().table.entry(result["id"])
    assert entry
    assert entry.unfinished_since


def test_restore_creates_a_deleted_table_from_the_template(monkeypatch: pytest.MonkeyPatch) -> None:
    dynamodb = boto3.client("dynamodb")
    before = dynamodb.describe_table(TableName=TABLE)["Table"]
    dynamodb.delete_table(TableName=TABLE)
    key = boto3.client("kms").create_key()["KeyMetadata"]["KeyId"]
    monkeypatch.setattr(stacks, "resources", lambda _: {"DataKey": key})

    for _ in range(2):
        results_table.ensure("test", TABLE)

    table = dynamodb.describe_table(TableName=TABLE)["Table"]
    for part in ("AttributeDefinitions", "KeySchema", "BillingModeSummary"):
        assert table[part] == before[part]
    assert indexes(table) == indexes(before)
    assert table["SSEDescription"]["KMSMasterKeyArn"].endswith(key)
    expiry = dynamodb.describe_time_to_live(TableName=TABLE)["TimeToLiveDescription"]
    assert expiry == {"TimeToLiveStatus": "ENABLED", "AttributeName": "expires_at"}
    backups = dynamodb.describe_continuous_backups(TableName=TABLE)["ContinuousBackupsDescription"]
    assert backups["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"] == "ENABLED"


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


def redriven(monkeypatch: pytest.MonkeyPatch, functions: Functions) -> tuple[int, int]:
    sqs = boto3.client("sqs")
    monkeypatch.setattr(redrive, "WAIT_SECONDS", 0)
    return redrive.redrive(sqs, functions, redrive.queue_url(sqs, "test"))


def waiting(queue: Any) -> int:
    queue.load()
    shown, hidden = "ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"
    return int(queue.attributes[shown]) + int(queue.attributes[hidden])


def test_redrive_sends_lost_events_to_their_functions(queue: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    lose(queue, *(f"negatoscope-test-{name}" for name in ["prepare", "classify"] * 6))
    functions = Functions()
    assert redriven(monkeypatch, functions) == (12, 0)
    assert waiting(queue) == 0
    assert {name.split(":")[-1] for name, _ in functions.accepted} == {
        "negatoscope-test-prepare",
        "negatoscope-test-classify",
    }
    assert all(name.endswith(payload["of"]) for name, payload in functions.accepted)


def test_redrive_of_an_empty_queue_sends_nothing(queue: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    assert redriven(monkeypatch, Functions()) == (0, 0)


def test_redrive_keeps_unsent_events_in_the_queue(queue: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    lose(queue, "negatoscope-test-prepare", "negatoscope-test-classify")
    queue.send_message(MessageBody="not Lambda's")
    assert redriven(monkeypatch, Functions(broken="classify")) == (1, 2)
    assert waiting(queue) == 2


def test_redrive_tries_an_unsendable_event_only_once(queue: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A message that was kept comes into sight again while others are still being sent."""
    monkeypatch.setattr(redrive, "HIDDEN_SECONDS", 0)
    lose(queue, "negatoscope-test-classify")
    assert redriven(monkeypatch, Functions(broken="classify")) == (0, 1)


COMMANDS = ("redrive", "restore")


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Runs a command on a machine with these variables, and returns what it stops with."""

    def run(command: str, stage: str, **environment: str) -> str:
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            monkeypatch.delenv(name)
        for name, value in {
            "HOME": "/nonexistent",
            "AWS_EC2_METADATA_DISABLED": "true",
            **environment,
        }.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
        monkeypatch.setattr(sys, "argv", [f"{command}.py", stage])
        with pytest.raises(SystemExit) as stopped:
            import_module(f"deploy.{command}").main()
        assert isinstance(stopped.value.code, str), "which Python prints, and exits with 1"
        return stopped.value.code

    return run


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize(
    ("stage", "environment", "reason"),
    [
        ("Prod", {}, "cannot be the name of a stage"),
        ("local", {}, "AWS_ENDPOINT_URL"),
        ("local", {"AWS_ENDPOINT_URL": "http://localhost:9"}, "You must specify a region"),
        (
            "local",
            {"AWS_ENDPOINT_URL": "http://localhost:9", "AWS_DEFAULT_REGION": "us-east-1"},
            "Unable to locate credentials",
        ),
    ],
)
def test_command_exits_with_a_message(
    said: Callable[..., str], command: str, stage: str, environment: dict[str, str], reason: str
) -> None:
    assert reason in said(command, stage, **environment)


def test_restore_refuses_a_stage_that_was_never_deployed(said: Callable[..., str]) -> None:
    assert "The stage nowhere has not been deployed" in said("restore", "nowhere")


def test_redrive_refuses_an_unknown_stage(said: Callable[..., str]) -> None:
    environment = {"AWS_DEFAULT_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x"}
    assert "The stage nowhere does not exist in this account and region" in said(
        "redrive", "nowhere", **environment
    )

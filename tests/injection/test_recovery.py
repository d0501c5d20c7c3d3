"""`make redrive` and `make restore` in which each call fails in turn, and which are then repeated."""

import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import boto3
import pytest
from botocore.exceptions import BotoCoreError, ClientError

from chalicelib import dependencies
from chalicelib.results import result_document
from chalicelib.storage.errors import StorageFailed
from deploy import foundation, redrive, restore, results_table, stacks
from tests import images
from tests.injection.conftest import NewWorld
from tests.injection.faults import FEW_KINDS, Fault, faults
from tests.injection.invariant import problems
from tests.injection.scenarios import CLASSES, CLASSIFY, RESULT
from tests.injection.test_images import Trial, check
from tests.injection.world import World
from tests.models import TASK
from tests.stage import TABLE

ARN = "arn:aws:lambda:us-east-1:123456789012:function:negatoscope-local-{}:$LATEST"
STOPPED = (ClientError, BotoCoreError, StorageFailed)
"""Exceptions with which the commands end in a message."""


@pytest.fixture(autouse=True)
def _commands(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(restore, "THREADS", 1)  # so that calls have the same order each time
    for setting in ("HIDDEN_SECONDS", "WAIT_SECONDS"):
        monkeypatch.setattr(redrive, setting, 0)


def attempt(world: World, action: Callable[[], Any], fault: Fault | None = None) -> int:
    """Run a command, and return the number of its calls."""
    with world.process(fault):
        if fault is None:
            action()
        else:
            with suppress(*STOPPED):
                action()
    return len(world.last_calls)


def test_redrive_recovers(new_world: NewWorld) -> None:
    sqs, functions = boto3.client("sqs"), boto3.client("lambda")

    def lost() -> tuple[World, str]:
        """Two events in the queue, of files that are processed quickly."""
        world = new_world()
        url = sqs.create_queue(QueueName="lost-events")["QueueUrl"]
        for name in ("a", "b"):
            world.drop(f"inbox/{TASK}/{name}.txt", b"Dear colleague,")
        for function, event in world.pending:
            record = {"requestContext": {"functionArn": ARN.format(function)}, "requestPayload": event}
            sqs.send_message(QueueUrl=url, MessageBody=json.dumps(record))
        world.pending.clear()
        return world, url

    def left(world: World, url: str) -> list[str]:
        """The problems after the command has been repeated."""
        attempt(world, lambda: redrive.redrive(sqs, functions, url))
        world.settle()
        found = problems(world, expected=2, counted=2)
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        waiting = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
        return found if set(waiting.values()) == {"0"} else [*found, "an event is still in the queue"]

    world, url = lost()
    calls = attempt(world, lambda: redrive.redrive(sqs, functions, url))
    assert left(world, url) == []

    def trials() -> Iterator[Trial]:
        for fault in faults(calls, FEW_KINDS):
            world, url = lost()
            attempt(world, lambda url=url: redrive.redrive(sqs, functions, url), fault)  # type: ignore[misc]
            yield fault, "repeated", left(world, url)

    check(calls, trials())


def damage(world: World) -> None:
    """Remove an item with a review from the table, and the document of another one from the bucket."""
    table = dependencies.table()._table
    for item in table.scan()["Items"]:
        if item["review"]:
            table.delete_item(Key={"id": item["id"]})
        else:
            dependencies.bucket().delete(result_document.key(item))


def test_restore_recovers(new_world: NewWorld) -> None:
    world = new_world()
    _, result = world.ask("POST", CLASSIFY, images.grey_file(), task=TASK)
    world.ask("PUT", f"{RESULT}/review", {"label": CLASSES[1]}, id=result["id"])
    world.drop(f"inbox/{TASK}/a.txt", b"Dear colleague,")
    world.settle()
    assert problems(world, expected=2, counted=1) == []
    before = sorted(dependencies.table()._table.scan()["Items"], key=lambda item: item["id"])

    def restored() -> Any:
        return restore.run(dependencies.bucket(), dependencies.table())

    damage(world)
    calls = attempt(world, restored)

    def trials() -> Iterator[Trial]:
        for fault in faults(calls, FEW_KINDS):
            damage(world)
            attempt(world, restored, fault)
            attempt(world, restored)
            found = problems(world, expected=2, counted=1)
            if sorted(dependencies.table()._table.scan()["Items"], key=lambda item: item["id"]) != before:
                found.append("the table is not what it was")
            yield fault, "repeated", found

    check(calls, trials())


def test_table_creation_recovers(new_world: NewWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    dynamodb, key = boto3.client("dynamodb"), "arn:aws:kms:us-east-1:123456789012:key/k"
    monkeypatch.setattr(boto3, "client", lambda _: dynamodb)
    world = new_world()
    monkeypatch.setattr(stacks, "resources", lambda _: {"DataKey": key})
    template = foundation.data_template()
    monkeypatch.setattr(foundation, "data_template", lambda: template)  # slow to parse

    def ensure() -> None:
        results_table.ensure("test", TABLE)

    def trials() -> Iterator[Trial]:
        for fault in faults(calls, FEW_KINDS):
            foundation.delete_table(TABLE)
            attempt(world, ensure, fault)
            attempt(world, ensure)
            expiry = dynamodb.describe_time_to_live(TableName=TABLE)["TimeToLiveDescription"]
            backups = dynamodb.describe_continuous_backups(TableName=TABLE)["ContinuousBackupsDescription"]
            recovery = backups["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"]
            whole = (expiry["TimeToLiveStatus"], recovery) == ("ENABLED", "ENABLED")
            yield fault, "repeated", [] if whole else [f"{expiry}, {recovery}"]

    foundation.delete_table(TABLE)
    calls = attempt(world, ensure)
    check(calls, trials())

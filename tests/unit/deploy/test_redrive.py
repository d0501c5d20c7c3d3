"""The command that sends lost events again."""

import json
from collections.abc import Callable
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from deploy import redrive
from tests.unit.deploy.commands import REFUSALS

pytestmark = pytest.mark.usefixtures("cloud")


class Functions:
    """Accepts every event but those of `broken`."""

    def __init__(self, broken: str = ""):
        self.accepted: list[tuple[str, Any]] = []
        self.broken = broken

    def invoke(self, FunctionName: str, InvocationType: str, Payload: str) -> None:  # noqa: N803
        assert InvocationType == "Event"
        if self.broken and FunctionName.endswith(self.broken):
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


def test_redrive_refuses_an_unknown_stage(refusal: Callable[..., str]) -> None:
    environment = {"AWS_DEFAULT_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x"}
    assert "The stage nowhere does not exist in this account and region" in refusal(
        "redrive", "nowhere", **environment
    )


@REFUSALS
def test_redrive_exits_with_a_message(
    refusal: Callable[..., str], stage: str, environment: dict[str, str], reason: str
) -> None:
    assert reason in refusal("redrive", stage, **environment)

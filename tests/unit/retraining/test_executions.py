"""Executions of the state machine."""

import pytest
from botocore.exceptions import ClientError

from chalicelib.errors import NothingToApprove
from chalicelib.retraining.executions import Executions
from tests.stage import RETRAINING_ARN
from tests.stepfunctions import FakeStepFunctions

REQUEST = {"task": "chest-xray"}


class Refusing(FakeStepFunctions):
    """Refuses everything."""

    def describe_execution(self, executionArn: str) -> dict[str, object]:  # noqa: N803
        raise ClientError({"Error": {"Code": "ThrottlingException", "Message": "?"}}, "DescribeExecution")

    def send_task_success(self, taskToken: str, output: str) -> None:  # noqa: N803
        raise ClientError({"Error": {"Code": "AccessDeniedException", "Message": "?"}}, "SendTaskSuccess")


@pytest.fixture
def states() -> FakeStepFunctions:
    return FakeStepFunctions()


@pytest.fixture
def executions(states: FakeStepFunctions) -> Executions:
    return Executions(states, RETRAINING_ARN)


def test_execution_is_found_by_its_name(executions: Executions) -> None:
    arn = executions.start("run-1", REQUEST)

    assert arn == executions.arn("run-1")
    described = executions.describe(arn)
    assert described is not None
    assert (described["status"], described["input"], described["ended_at"]) == ("RUNNING", REQUEST, None)
    assert described["started_at"] == "2026-01-01T12:00:00.000000Z"
    assert executions.is_running(arn)


def test_ended_execution_is_not_running(executions: Executions, states: FakeStepFunctions) -> None:
    arn = executions.start("run-1", REQUEST)
    states.end(arn, "FAILED", error="TrainingFailed", cause="Why.")

    described = executions.describe(arn)

    assert described is not None
    assert (described["error"], described["cause"]) == ("TrainingFailed", "Why.")
    assert described["ended_at"] == "2026-01-01T13:00:00.000000Z"
    assert not executions.is_running(arn)


def test_expired_execution_is_not_running_and_has_no_states(executions: Executions) -> None:
    arn = executions.arn("long-ago")

    assert executions.describe(arn) is None
    assert not executions.is_running(arn)
    assert executions.states(arn) == []


def test_states_are_listed_each_time_they_are_entered(
    executions: Executions, states: FakeStepFunctions
) -> None:
    arn = executions.start("run-1", REQUEST)
    for second, name in enumerate(("Wait", "Look", "Wait")):
        states.enter(arn, name, 2 * second)
        if second < 2:
            states.leave(arn, name, 2 * second + 1)

    told = executions.states(arn)

    assert [(state["name"], state["exited_at"] is None) for state in told] == [
        ("Wait", False),
        ("Look", False),
        ("Wait", True),
    ]


def test_waiting_task_is_answered_once(executions: Executions, states: FakeStepFunctions) -> None:
    states.waiting.add("token")

    executions.answer("token", {"approved": True})

    assert states.answers == {"token": {"approved": True}}
    with pytest.raises(NothingToApprove, match="no longer waits"):
        executions.answer("token", {"approved": True})


def test_other_errors_are_raised() -> None:
    executions = Executions(Refusing(), RETRAINING_ARN)

    with pytest.raises(ClientError, match="Throttling"):
        executions.is_running("arn")
    with pytest.raises(ClientError, match="AccessDenied"):
        executions.answer("token", {})

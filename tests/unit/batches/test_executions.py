"""Executions of batches."""

import pytest
from botocore.exceptions import ClientError

from chalicelib.batches.executions import RECORDING, BatchExecutions
from chalicelib.errors import BatchesNotDeployed
from tests.stage import BATCH_ARN
from tests.stepfunctions import FakeStepFunctions
from tests.unit.batches.test_part import batch

ARN = f"{BATCH_ARN.replace(':stateMachine:', ':execution:')}:batch-1.1"


@pytest.fixture
def states() -> FakeStepFunctions:
    return FakeStepFunctions()


@pytest.fixture
def executions(states: FakeStepFunctions) -> BatchExecutions:
    found = BatchExecutions(states, BATCH_ARN)
    found.start(batch(), 1)
    return found


def test_passes_have_executions_of_their_own(executions: BatchExecutions, states: FakeStepFunctions) -> None:
    assert list(states.executions) == [ARN]
    assert executions.status("batch-1", 1) == ("running", None)
    assert executions.status("batch-1", 2) == ("stopped", None)


@pytest.mark.parametrize(
    ("ended", "status", "outcome"),
    [
        ("SUCCEEDED", "ended", None),
        ("ABORTED", "stopped", None),
        ("TIMED_OUT", "failed", "TIMED_OUT"),
        ("FAILED", "failed", "FAILED"),
    ],
)
def test_status_tells_how_a_pass_has_ended(
    executions: BatchExecutions, states: FakeStepFunctions, ended: str, status: str, outcome: str | None
) -> None:
    states.end(ARN, ended)
    assert executions.status("batch-1", 1) == (status, outcome)


def test_failure_says_its_error(executions: BatchExecutions, states: FakeStepFunctions) -> None:
    states.end(ARN, "FAILED", error="States.ExceedToleratedFailureThreshold")
    assert executions.status("batch-1", 1)[1] == "States.ExceedToleratedFailureThreshold"


def test_progress_counts_images(executions: BatchExecutions, states: FakeStepFunctions) -> None:
    assert executions.progress("batch-1", 1) is None
    assert executions.progress("batch-1", 2) is None
    states.map(ARN, total=60, succeeded=24, running=12, pending=10, failed=3, timedOut=1, aborted=10)

    assert executions.progress("batch-1", 1) == {
        "step": "classify",
        "images": 60,
        "done": 24,
        "failed": 4,
        "running": 12,
        "pending": 20,
    }


def test_progress_tells_the_step_of_a_batch_with_a_transform_job(
    executions: BatchExecutions, states: FakeStepFunctions
) -> None:
    executions.start({**batch(), "transform": True}, 1)

    def step() -> str:
        progress = executions.progress("batch-1", 1)
        assert progress
        return progress["step"]

    states.map(ARN, total=60, running=12)
    assert step() == "prepare"
    states.map(ARN, status="SUCCEEDED", total=60, succeeded=60)
    assert step() == "transform"
    states.map(ARN, RECORDING, total=50, running=12)
    assert step() == "record"


def test_start_can_be_repeated(executions: BatchExecutions, states: FakeStepFunctions) -> None:
    def refuse(**_: str) -> None:
        raise ClientError({"Error": {"Code": "ExecutionAlreadyExists", "Message": "?"}}, "StartExecution")

    states.start_execution = refuse  # type: ignore[assignment]
    executions.start(batch(), 1)


def test_stage_without_a_state_machine_says_so(states: FakeStepFunctions) -> None:
    with pytest.raises(BatchesNotDeployed, match="make deploy"):
        BatchExecutions(states, None).start(batch(), 1)

"""Stopping retrainings, wherever they are."""

from pathlib import Path

import pytest

from chalicelib.errors import NothingToStop, UnknownRetraining
from chalicelib.retraining.repository import STOPPED
from chalicelib.retraining.stopper import DEPLOYING, OUTCOME, Stopper
from statemachine.definition import DEFINITION
from tests.models import TASK
from tests.sagemaker import endpoint_manager
from tests.unit.retraining.test_rollout import SageMaker
from tests.unit.retraining.test_task_lock import FORGOTTEN, OWN, Stage

pytestmark = pytest.mark.usefixtures("cloud")


@pytest.fixture
def sagemaker() -> SageMaker:
    """Of the jobs of the first retraining, the transform job runs."""
    sagemaker = SageMaker("InService", "old")
    sagemaker.running = {("transform_job", OWN)}
    return sagemaker


@pytest.fixture
def stage(tmp_path: Path, sagemaker: SageMaker) -> Stage:
    stage = Stage(tmp_path, sagemaker)
    plan = {"run": "first", "task": TASK, "name": OWN, "tuning_name": "tuning"}
    stage.bucket.write_json(f"retrainings/{TASK}/first/plan.json", plan)
    return stage


@pytest.fixture
def stopper(stage: Stage, sagemaker: SageMaker) -> Stopper:
    manager = endpoint_manager(sagemaker)
    return Stopper(
        stage.repository, stage.executions, stage.bucket, stage.registry, manager, lambda: sagemaker
    )


def test_stop_stops_jobs_discards_the_model_and_unlocks(
    stage: Stage, stopper: Stopper, sagemaker: SageMaker
) -> None:
    stage.train()

    for _ in range(2):
        stopper.stop("first", "me")

    record = stage.recorded()
    assert (record["status"], record["outcome"], record["stopped_by"]) == (STOPPED, OUTCOME, "me")
    assert (record["waiting_for"], stage.repository.token("first")) == (None, None)
    assert sagemaker.stopped == [("transform_job", OWN)] * 2
    assert sagemaker.calls[:2] == FORGOTTEN
    assert stage.registry.record(TASK, "2")["decision"]["reasons"] == [OUTCOME]
    assert stage.repository.holder(TASK) is None
    assert not stage.executions.is_running(stage.first)


def test_stop_of_a_retraining_without_a_plan_stops_its_execution(stage: Stage, stopper: Stopper) -> None:
    stopper.stop("next", "me")

    assert not stage.executions.is_running(stage.next)
    assert stage.repository.holder(TASK) == stage.first


def test_stop_keeps_another_end(stage: Stage, stopper: Stopper) -> None:
    stage.repository.update("first", status="rejected")

    with pytest.raises(NothingToStop, match="ended already"):
        stopper.stop("first", "me")
    stage.repository.stop("first", "me", OUTCOME)

    assert stage.recorded()["status"] == "rejected"


def test_stop_leaves_a_deployment_that_began_in_between_to_the_next_retraining(
    stage: Stage, stopper: Stopper, monkeypatch: pytest.MonkeyPatch
) -> None:
    stop = stage.states.stop_execution

    def late(**request: str) -> None:
        stage.states.enter(stage.first, DEPLOYING, 1)
        stop(**request)

    monkeypatch.setattr(stage.states, "stop_execution", late)
    stopper.stop("first", "me")

    assert stage.recorded()["status"] == "running"
    assert stage.repository.holder(TASK) == stage.first
    with pytest.raises(NothingToStop, match="being deployed"):
        stopper.stop("first", "me")


def test_stop_of_an_unknown_retraining_is_refused(stopper: Stopper) -> None:
    with pytest.raises(UnknownRetraining):
        stopper.stop("none", "me")


def test_the_deployment_begins_with_a_state_of_the_machine() -> None:
    assert DEPLOYING in DEFINITION["States"]

"""Retrainings that start after one that was stopped, wherever it was."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import pytest

from chalicelib.errors import AlreadyRetraining, EndpointNotChanged
from chalicelib.models.archive import pack, package_files
from chalicelib.models.registry import Registry
from chalicelib.retraining.executions import Executions
from chalicelib.retraining.locations import plan_key
from chalicelib.retraining.repository import RetrainingRepository, empty_record
from chalicelib.retraining.rollout import Rollout
from chalicelib.retraining.task_lock import TaskLock
from chalicelib.storage.bucket import DataBucket
from chalicelib.tasks import load_task
from tests.models import TASK, write_package
from tests.sagemaker import endpoint_manager, refusal
from tests.stage import BUCKET, RETRAINING_ARN, RETRAININGS_TABLE
from tests.stepfunctions import FakeStepFunctions
from tests.unit.retraining.test_rollout import SageMaker

pytestmark = pytest.mark.usefixtures("cloud")
ENDPOINT, OWN = f"negatoscope-test-{TASK}", f"negatoscope-test-{TASK}-0"
FORGOTTEN = [f"delete config {OWN}", f"delete model {OWN}"]


@dataclass
class Stage:
    """A stage whose version `1` is deployed with the configuration `old`, and another retraining of it."""

    folder: Path
    sagemaker: SageMaker = field(default_factory=lambda: SageMaker("InService", "old"))
    states: FakeStepFunctions = field(default_factory=FakeStepFunctions)

    def __post_init__(self) -> None:
        self.bucket = DataBucket(boto3.client("s3"), BUCKET)
        self.repository = RetrainingRepository(boto3.resource("dynamodb"), RETRAININGS_TABLE)
        self.registry = Registry(self.bucket)
        self.executions = Executions(self.states, RETRAINING_ARN)
        rollout = Rollout(endpoint_manager(self.sagemaker), lambda: None)
        self.task_lock = TaskLock(
            self.bucket, self.repository, self.registry, rollout, self.executions, lambda: self.sagemaker
        )
        self.register("1")
        self.registry.promote(TASK, "1", ENDPOINT, "old")
        self.first = self.executions.start("first", {"task": TASK})
        self.next = self.executions.start("next", {"task": TASK})
        assert self.lock(self.first) is None
        names = {"name": OWN, "tuning_name": "t"}
        plan = {"run": "first", "task": TASK, **names, "serving": {"endpoint": ENDPOINT}}
        self.bucket.write_json(plan_key(TASK, "first"), plan)
        self.repository.create(empty_record("first", self.first, {"task": TASK}) | {"started_at": "2026"})

    def register(self, version: str) -> None:
        """Another version that may be deployed."""
        package = write_package(self.folder / version, load_task(TASK), version=version)
        self.registry.add(TASK, pack(package_files(package)), {})

    def train(self) -> None:
        """Let the first retraining train version `2`, which passes the gate."""
        self.register("2")
        self.registry.decide(TASK, "2", accepted=True, reasons=["Better."])
        self.repository.update("first", candidate="2", accepted=True, task_token="t", waiting_for="approval")

    def stop(self, status: str = "ABORTED") -> None:
        """Stop the first retraining."""
        self.states.end(self.first, status)

    def lock(self, execution: str) -> str | None:
        """The result of acquiring the lock for an execution."""
        return self.task_lock.acquire(load_task(TASK), execution)

    def follow_on(self) -> list[str]:
        """Let the next retraining wait for the lock; returns the requests to SageMaker."""
        for _ in range(5):
            if self.lock(self.next) is None:
                assert self.repository.holder(TASK) == self.next
                return self.sagemaker.calls
            assert self.repository.holder(TASK) == self.first
            # SageMaker completes its operation.
            self.sagemaker.status = "InService" if self.sagemaker.status == "Updating" else None
        raise AssertionError("never settled")

    def recorded(self) -> Any:
        """The record of the first retraining."""
        return self.repository.get("first")


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return Stage(tmp_path)


def test_acquire_fails_while_a_retraining_runs(stage: Stage) -> None:
    with pytest.raises(AlreadyRetraining, match="is being retrained by first"):
        stage.lock(stage.next)
    assert stage.recorded()["status"] == "running"
    assert stage.sagemaker.calls == []


@pytest.mark.parametrize(
    ("execution", "status", "outcome"),
    [
        ("ABORTED", "stopped", "It was stopped. The current model stays."),
        ("TIMED_OUT", "failed", "It exceeded its time limit. The current model stays."),
        ("FAILED", "failed", "It failed. The current model stays."),
    ],
)
def test_acquire_records_the_end_and_deletes_what_is_left(
    stage: Stage, execution: str, status: str, outcome: str
) -> None:
    stage.train()
    stage.stop(execution)

    assert stage.follow_on() == FORGOTTEN

    record = stage.recorded()
    assert (record["status"], record["outcome"], record["waiting_for"]) == (status, outcome, None)
    assert record["ended_at"] == "2026-01-01T13:00:00.000000Z"
    assert stage.repository.token("first") is None
    decision = stage.registry.record(TASK, "2")["decision"]
    assert (decision["accepted"], decision["reasons"]) == (False, [outcome])


@pytest.mark.parametrize("status", ["InService", "Updating"])
def test_acquire_restores_the_endpoint_first(stage: Stage, status: str) -> None:
    stage.train()
    stage.sagemaker.status, stage.sagemaker.config = status, OWN
    stage.stop()

    assert stage.lock(stage.next) == "first"
    assert stage.recorded()["status"] == "stopped", "it is known at once"
    assert not set(stage.sagemaker.calls) & set(FORGOTTEN), "the endpoint still uses them"

    assert stage.follow_on() == [f"update {ENDPOINT} to old", *FORGOTTEN]


@pytest.mark.parametrize("status", ["InService", "Failed"])
def test_acquire_deletes_an_endpoint_that_no_deployed_version_has(stage: Stage, status: str) -> None:
    stage.registry.promote(TASK, "1", None, None)
    stage.sagemaker.status, stage.sagemaker.config = status, OWN
    stage.stop()

    assert stage.follow_on() == [f"delete {ENDPOINT}", *FORGOTTEN]


def test_interrupted_cleanup_is_repeated(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    stage.stop()
    with monkeypatch.context() as patch:
        patch.setattr(stage.sagemaker, "delete_endpoint_config", None)
        with pytest.raises(TypeError):
            stage.lock(stage.next)

    assert stage.follow_on() == FORGOTTEN
    assert stage.recorded()["status"] == "stopped"


@pytest.mark.parametrize("rolled_back", [False, True])
def test_acquire_keeps_a_promoted_model(stage: Stage, rolled_back: bool) -> None:
    stage.train()
    stage.registry.promote(TASK, "2", ENDPOINT, OWN)
    stage.sagemaker.config = OWN
    stage.stop()
    if rolled_back:
        stage.registry.roll_back(TASK, stage.registry.current(TASK))

    assert stage.follow_on() == []

    record = stage.recorded()
    assert (record["status"], record["outcome"]) == (
        "deployed",
        "2 was deployed; the retraining was stopped after that.",
    )
    assert stage.registry.record(TASK, "2")["decision"]["accepted"] is True


def test_acquire_keeps_a_recorded_end(stage: Stage) -> None:
    stage.train()
    stage.repository.update("first", status="rejected", ended_at="2026", outcome="It is worse.")
    stage.stop()

    assert stage.follow_on() == FORGOTTEN

    assert (stage.recorded()["status"], stage.recorded()["outcome"]) == ("rejected", "It is worse.")
    assert stage.registry.record(TASK, "2")["decision"]["reasons"] == ["It is worse."]


def test_expired_execution_has_ended(stage: Stage) -> None:
    del stage.states.executions[stage.first]

    assert stage.follow_on() == FORGOTTEN
    assert stage.recorded()["status"] == "ended"


def test_retraining_stopped_before_its_plan_has_left_nothing(stage: Stage) -> None:
    stage.stop()
    stage.lock(stage.next)
    calls = [*stage.sagemaker.calls]
    stage.states.end(stage.next, "ABORTED")  # it has a lock, but no record

    assert stage.lock("arn:third") is None
    assert stage.sagemaker.calls == calls


def test_endpoint_that_cannot_be_restored_says_what_to_do(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def update_endpoint(**_: str) -> None:
        raise refusal("Could not find endpoint configuration.", "UpdateEndpoint")

    monkeypatch.setattr(stage.sagemaker, "update_endpoint", update_endpoint)
    stage.sagemaker.config = OWN
    stage.stop()

    with pytest.raises(
        EndpointNotChanged, match=r"Could not find .* the model that first left .* Delete the endpoint"
    ):
        stage.lock(stage.next)
    assert (stage.repository.holder(TASK), stage.sagemaker.calls) == (stage.first, [])


def test_jobs_of_a_stopped_retraining_are_stopped(stage: Stage) -> None:
    """Step Functions stops the one that it waits for, but none whose creation was never confirmed."""
    stage.sagemaker.running = {("training_job", OWN)}
    stage.stop()

    stage.follow_on()

    assert ("training_job", OWN) in stage.sagemaker.stopped


def test_another_process_may_restore_the_endpoint(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    def update_endpoint(**_: str) -> None:
        stage.sagemaker.status, stage.sagemaker.config = "Updating", "old"
        raise refusal("Cannot update in-progress endpoint.", "UpdateEndpoint")

    monkeypatch.setattr(stage.sagemaker, "update_endpoint", update_endpoint)
    stage.sagemaker.config = OWN
    stage.stop()

    assert stage.follow_on() == FORGOTTEN

"""Retrainings that come after one that was stopped, wherever it was."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import pytest

from chalicelib.errors import AlreadyRetraining, EndpointNotChanged
from chalicelib.models.archive import pack, package_files
from chalicelib.models.registry import Registry
from chalicelib.retraining.executions import Executions
from chalicelib.retraining.planning import plan_key
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
        self.task_lock = TaskLock(self.bucket, self.repository, self.registry, rollout, self.executions)
        self.register("1")
        self.registry.promote(TASK, "1", ENDPOINT, "old")
        self.first = self.executions.start("first", {"task": TASK})
        self.next = self.executions.start("next", {"task": TASK})
        assert self.lock(self.first) is None
        plan = {"run": "first", "task": TASK, "name": OWN, "serving": {"endpoint": ENDPOINT}}
        self.bucket.write_json(plan_key(TASK, "first"), plan)
        self.repository.create(empty_record("first", self.first, {"task": TASK}) | {"started_at": "2026"})

    def register(self, version: str) -> None:
        """Another version that may be deployed."""
        package = write_package(self.folder / version, load_task(TASK), version=version)
        self.registry.add(TASK, pack(package_files(package)), {})

    def train(self) -> None:
        """Let the first retraining come to version `2`, which was good enough."""
        self.register("2")
        self.registry.decide(TASK, "2", accepted=True, reasons=["Better."])
        self.repository.update("first", candidate="2", accepted=True, task_token="t", waiting_for="approval")

    def stop(self, status: str = "ABORTED") -> None:
        """Somebody stops it."""
        self.states.end(self.first, status)

    def lock(self, execution: str) -> str | None:
        """What becomes of an execution that wants the lock."""
        return self.task_lock.lock(load_task(TASK), execution)

    def follow_on(self) -> list[str]:
        """Let the next retraining wait until it has the lock; returns what was done to SageMaker."""
        for _ in range(5):
            if self.lock(self.next) is None:
                assert self.repository.holder(TASK) == self.next
                return self.sagemaker.calls
            assert self.repository.holder(TASK) == self.first
            # SageMaker comes to the end of what it does.
            self.sagemaker.status = "InService" if self.sagemaker.status == "Updating" else None
        raise AssertionError("never settled")

    def told(self) -> Any:
        """What the repository itself says of the first retraining."""
        return self.repository.get("first")


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return Stage(tmp_path)


def test_nobody_takes_over_from_one_that_runs(stage: Stage) -> None:
    with pytest.raises(AlreadyRetraining, match="is being retrained by first"):
        stage.lock(stage.next)
    assert stage.told()["status"] == "running"
    assert stage.sagemaker.calls == []


@pytest.mark.parametrize(
    ("execution", "status", "outcome"),
    [
        ("ABORTED", "stopped", "Somebody stopped it. The current model stays."),
        ("TIMED_OUT", "failed", "It ran out of time. The current model stays."),
        ("FAILED", "failed", "It failed. The current model stays."),
    ],
)
def test_the_end_is_noted_and_what_is_left_is_deleted(
    stage: Stage, execution: str, status: str, outcome: str
) -> None:
    stage.train()
    stage.stop(execution)

    assert stage.follow_on() == FORGOTTEN

    told = stage.told()
    assert (told["status"], told["outcome"], told["waiting_for"]) == (status, outcome, None)
    assert told["ended_at"] == "2026-01-01T13:00:00.000000Z"
    assert stage.repository.token("first") is None
    decision = stage.registry.record(TASK, "2")["decision"]
    assert (decision["accepted"], decision["reasons"]) == (False, [outcome])


@pytest.mark.parametrize("status", ["InService", "Updating"])
def test_an_endpoint_that_was_being_changed_goes_back_first(stage: Stage, status: str) -> None:
    stage.train()
    stage.sagemaker.status, stage.sagemaker.config = status, OWN
    stage.stop()

    assert stage.lock(stage.next) == "first"
    assert stage.told()["status"] == "stopped", "it is known at once"
    assert not set(stage.sagemaker.calls) & set(FORGOTTEN), "the endpoint still uses them"

    assert stage.follow_on() == [f"update {ENDPOINT} to old", *FORGOTTEN]


@pytest.mark.parametrize("status", ["InService", "Failed"])
def test_an_endpoint_that_no_deployed_version_has_goes_away(stage: Stage, status: str) -> None:
    stage.registry.promote(TASK, "1", None, None)
    stage.sagemaker.status, stage.sagemaker.config = status, OWN
    stage.stop()

    assert stage.follow_on() == [f"delete {ENDPOINT}", *FORGOTTEN]


def test_what_was_cut_short_is_done_again(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    stage.stop()
    with monkeypatch.context() as patch:
        patch.setattr(stage.sagemaker, "delete_endpoint_config", None)
        with pytest.raises(TypeError):
            stage.lock(stage.next)

    assert stage.follow_on() == FORGOTTEN
    assert stage.told()["status"] == "stopped"


@pytest.mark.parametrize("rolled_back", [False, True])
def test_a_model_that_was_promoted_stays(stage: Stage, rolled_back: bool) -> None:
    stage.train()
    stage.registry.promote(TASK, "2", ENDPOINT, OWN)
    stage.sagemaker.config = OWN
    stage.stop()
    if rolled_back:
        stage.registry.roll_back(TASK, stage.registry.current(TASK))

    assert stage.follow_on() == []

    told = stage.told()
    assert (told["status"], told["outcome"]) == (
        "deployed",
        "2 was deployed; what was left to be done was cut short.",
    )
    assert stage.registry.record(TASK, "2")["decision"]["accepted"] is True


def test_an_end_that_was_noted_stands(stage: Stage) -> None:
    stage.train()
    stage.repository.update("first", status="rejected", ended_at="2026", outcome="It is worse.")
    stage.stop()

    assert stage.follow_on() == FORGOTTEN

    assert (stage.told()["status"], stage.told()["outcome"]) == ("rejected", "It is worse.")
    assert stage.registry.record(TASK, "2")["decision"]["reasons"] == ["It is worse."]


def test_an_execution_that_nobody_remembers_is_over(stage: Stage) -> None:
    del stage.states.executions[stage.first]

    assert stage.follow_on() == FORGOTTEN
    assert stage.told()["status"] == "ended"


def test_one_that_was_stopped_while_it_was_planned_has_left_nothing(stage: Stage) -> None:
    stage.stop()
    stage.lock(stage.next)
    calls = [*stage.sagemaker.calls]
    stage.states.end(stage.next, "ABORTED")  # it has a lock, but no entry

    assert stage.lock("arn:third") is None
    assert stage.sagemaker.calls == calls


def test_an_endpoint_that_cannot_go_back_says_what_to_do(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def update_endpoint(**_: str) -> None:
        raise refusal("Could not find endpoint configuration.", "UpdateEndpoint")

    monkeypatch.setattr(stage.sagemaker, "update_endpoint", update_endpoint)
    stage.sagemaker.config = OWN
    stage.stop()

    with pytest.raises(EndpointNotChanged, match=r"Could not find .* what first left .* Delete the endpoint"):
        stage.lock(stage.next)
    assert (stage.repository.holder(TASK), stage.sagemaker.calls) == (stage.first, [])


def test_somebody_else_may_bring_it_back(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    def update_endpoint(**_: str) -> None:
        stage.sagemaker.status, stage.sagemaker.config = "Updating", "old"
        raise refusal("Cannot update in-progress endpoint.", "UpdateEndpoint")

    monkeypatch.setattr(stage.sagemaker, "update_endpoint", update_endpoint)
    stage.sagemaker.config = OWN
    stage.stop()

    assert stage.follow_on() == FORGOTTEN

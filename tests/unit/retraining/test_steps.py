"""The steps of a retraining that are no jobs, one by one."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import numpy as np
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from chalicelib.errors import (
    EndpointNotChanged,
    EndpointNotReady,
    ModelChanged,
    StepInterrupted,
)
from chalicelib.models.archive import pack, package_files
from chalicelib.models.backend import Backend
from chalicelib.models.registry import Registry
from chalicelib.results.table import ResultsTable
from chalicelib.retraining import steps
from chalicelib.retraining.candidate import Candidates
from chalicelib.retraining.creation import Creations
from chalicelib.retraining.executions import Executions
from chalicelib.retraining.planning import Planner
from chalicelib.retraining.repository import RetrainingRepository
from chalicelib.retraining.rollout import Rollout
from chalicelib.retraining.steps import Steps
from chalicelib.retraining.task_lock import TaskLock
from chalicelib.storage.bucket import DataBucket
from chalicelib.storage.errors import StorageFailed
from chalicelib.tasks import load_task
from tests.models import TASK, VERSION, FakeBackend, write_package
from tests.sagemaker import endpoint_manager
from tests.stage import BUCKET, RETRAINING_ARN, RETRAININGS_TABLE, TABLE
from tests.stepfunctions import FakeStepFunctions
from tests.unit.retraining.test_candidate import ARCHIVE, FOLDER, TRAINED
from tests.unit.retraining.test_candidate import SageMaker as Packages
from tests.unit.retraining.test_rollout import SageMaker as Endpoint

pytestmark = pytest.mark.usefixtures("cloud")
EXECUTION = "arn:aws:states:us-east-1:123456789012:execution:negatoscope-test-retrain:run"
CODE = {"code": f"s3://{BUCKET}/code/0", "commit": "c"}
FOUND = {"state": "ready", "config": "old", "retain": False}
ERROR = {"Error": "States.TaskFailed", "Cause": '{"FailureReason": "No memory left."}'}


class SageMaker(Endpoint, Packages):
    """One endpoint and the registry."""

    def __init__(self) -> None:
        Endpoint.__init__(self)
        Packages.__init__(self)


@dataclass
class Stage:
    """A stage whose state machine has come to some step."""

    folder: Path
    sagemaker: SageMaker = field(default_factory=SageMaker)
    states: FakeStepFunctions = field(default_factory=FakeStepFunctions)
    told: list[tuple[str, str, str]] = field(default_factory=list)
    asked: list[tuple[str, str | None, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.bucket = DataBucket(boto3.client("s3"), BUCKET)
        self.repository = RetrainingRepository(boto3.resource("dynamodb"), RETRAININGS_TABLE)
        self.registry = Registry(self.bucket)
        table = ResultsTable(boto3.resource("dynamodb"), TABLE)
        rollout = Rollout(endpoint_manager(self.sagemaker), lambda: None)
        executions = Executions(self.states, RETRAINING_ARN)
        task_lock = TaskLock(self.bucket, self.repository, self.registry, rollout, executions)
        planner = Planner("test", self.bucket, table, self.registry, self.repository, {}, {}, task_lock.lock)
        self.steps = Steps(
            self.bucket,
            self.repository,
            planner,
            Candidates(self.bucket, self.registry, lambda: self.sagemaker, "test"),
            rollout,
            Creations(lambda: self.sagemaker, rollout.endpoint_manager),
            self.backend,
            lambda *message: self.told.append(message),
        )
        self.bucket.write(f"datasets/{TASK}/left-cc/a.png", b"x", "image/png")
        archive = pack(package_files(write_package(self.folder / TASK)))
        self.bucket.write(ARCHIVE, archive, "application/gzip")
        self.state: dict[str, Any] = {}

    def backend(self, task: str, endpoint: str | None, version: str) -> Backend:
        self.asked.append((task, endpoint, version))
        return FakeBackend([1.0])

    def run(self, step: str, into: str = "", **arguments: Any) -> Any:
        """Do a step with the state as it is; its result goes into the state."""
        answer = self.steps.run({"step": step, "state": self.state, **arguments})
        self.state |= {into or step: answer}
        return answer

    def plan(self, **wish: Any) -> dict[str, Any]:
        """The plan of a retraining."""
        given = {"task": TASK, **wish}
        plan: dict[str, Any] = self.steps.run({"step": "plan", "wish": given, "execution": EXECUTION, **CODE})
        self.state = {"plan": plan}
        return plan

    def register(self) -> None:
        """A candidate that has been judged to be better."""
        self.plan()
        self.state["trained"] = TRAINED
        self.run("register", "candidate", image="image")
        self.state["decision"] = {"accepted": True, "reasons": "It is better."}

    def deploy(self, version: str, config: str) -> None:
        """Another version that is deployed on the task's endpoint."""
        package = write_package(self.folder / version, load_task(TASK), version=version)
        self.registry.add(TASK, pack(package_files(package)), {})
        self.registry.promote(TASK, version, f"negatoscope-test-{TASK}", config)

    def is_over(self, status: str) -> Any:
        """What is known of a retraining that has ended and holds no lock."""
        entry = self.repository.get("run")
        assert (entry["status"], self.repository.holder(TASK)) == (status, None)
        assert entry["ended_at"]
        return entry


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return Stage(tmp_path)


@pytest.mark.parametrize(
    ("wish", "current", "unchanged"),
    [({}, "f00", True), ({"force": True}, "f00", False), ({}, "f01", False), ({}, None, False)],
)
def test_only_what_is_new_is_learnt(
    stage: Stage, wish: dict[str, Any], current: str | None, unchanged: bool
) -> None:
    plan = stage.plan(**wish)
    plan["current"]["fingerprint"] = current
    facts = {"fingerprint": "f00", "split": {"train": 1}, "findings": ["20 corrections"], "more": 1}
    stage.bucket.write_json(f"{FOLDER}data/data.json", facts)

    assert stage.run("review-data", "data")["unchanged"] is unchanged
    assert stage.repository.get("run")["data"] == {
        "images": 1,
        "corrections": 0,
        "fingerprint": "f00",
        "split": {"train": 1},
        "findings": ["20 corrections"],
    }


def test_whoever_asks_in_no_known_form_is_refused(stage: Stage) -> None:
    answer = stage.steps.run({"step": "plan", "wish": TASK, "execution": EXECUTION, **CODE})

    assert "A retraining is asked for as" in answer["refused"]


def test_a_person_is_asked_with_the_reasons(stage: Stage) -> None:
    stage.register()

    stage.run("ask", token="token", topic="topic")

    ((topic, subject, message),) = stage.told
    assert (topic, subject) == ("topic", f"{TASK}: may the new model be deployed?")
    assert "It is better." in message
    assert "/api/retrainings/run/approval" in message
    assert stage.repository.token("run") == "token"
    assert stage.repository.get("run")["waiting_for"] == "approval"


def test_what_will_answer_is_tested(stage: Stage) -> None:
    stage.register()
    stage.bucket.write(f"{FOLDER}data/manifest.csv", b"part,class,sha256\ntest,left-cc,a\n", "text/csv")
    path = stage.folder / "array.npy"
    np.save(path, np.zeros((1, 4, 4), np.uint8))
    array = path.read_bytes()
    stage.bucket.write(f"{FOLDER}data/test/a.npy", array, "application/x-npy")
    stage.bucket.write_json(f"{FOLDER}answers/a.npy.out", {"probabilities": [[1.0]]})

    tested = stage.run("smoke-test", "smoke_test")

    assert stage.asked == [(TASK, f"negatoscope-test-{TASK}", VERSION)]
    assert "Another model answered" in tested["reason"]
    assert stage.repository.get("run")["smoke_test"]["passed"] is False
    stage.state["plan"]["serving"]["kind"] = "embedded"
    stage.run("smoke-test", "smoke_test")
    assert stage.asked[1] == (TASK, None, VERSION)


def test_a_deployed_model_ends_the_retraining(stage: Stage) -> None:
    stage.register()
    stage.run("promote", "promoted")

    told = stage.run("close", "told", outcome="deployed")

    assert told["subject"] == f"{TASK}: retraining deployed"
    assert told["message"] == f"It is better. {VERSION} classifies from now on."
    assert stage.is_over("deployed")["outcome"] == told["message"]
    current = stage.registry.current(TASK)
    assert current is not None
    assert current.config == stage.state["plan"]["name"]


@pytest.mark.parametrize(
    ("outcome", "approval", "status", "sentence"),
    [
        ("rejected", {}, "rejected", "It is better. The current model stays."),
        ("declined", {}, "rejected", "Nobody approved the new model in time."),
        ("declined", {"approval": {"by": "4711", "comment": "No."}}, "rejected", "declined by 4711. No."),
        ("unchanged", {}, "unchanged", '{"force": true} trains anyway.'),
    ],
)
def test_any_other_end_leaves_the_current_model(
    stage: Stage, outcome: str, approval: dict[str, Any], status: str, sentence: str
) -> None:
    stage.register()
    stage.state |= approval

    assert sentence in stage.run("close", "told", outcome=outcome)["message"]

    assert sentence in stage.is_over(status)["outcome"]
    assert stage.registry.current(TASK) is None
    forgotten = stage.sagemaker.calls != []
    assert forgotten is (outcome != "unchanged")
    refused = stage.registry.record(TASK, VERSION)["decision"]
    assert (refused is not None) is (outcome == "declined")


def test_subjects_are_what_topics_take(stage: Stage) -> None:
    stage.register()
    stage.state["plan"] |= {"title": "Gewebe der weiblichen\nBrust, gefärbt " * 9}

    subject = stage.run("close", "told", outcome="rejected")["subject"]

    assert subject.isascii()
    assert subject.isprintable()
    assert len(subject) < 100


def test_a_failed_training_is_told_with_what_to_do(stage: Stage) -> None:
    stage.plan()
    stage.state |= {"failed": "TrainingFailed", "error": ERROR}

    undone = stage.run("undo", "undone")

    assert undone["settled"] is True
    assert undone["cause"].startswith("No memory left. Its log in /aws/sagemaker/TrainingJobs says more.")
    assert undone["subject"] == f"{TASK}: retraining failed"
    assert stage.is_over("failed")["outcome"] == undone["cause"]


def test_a_failed_deployment_goes_back_step_by_step(stage: Stage) -> None:
    stage.deploy("before", "old")
    stage.register()
    stage.sagemaker.status, stage.sagemaker.config = "InService", "old"
    assert stage.run("look-at-endpoint", "endpoint") == FOUND
    stage.sagemaker.config, stage.sagemaker.reason = stage.state["plan"]["name"], "No answer to /ping."
    stage.state["failed"] = "DeploymentFailed"

    assert stage.run("undo", "undone")["settled"] is False
    assert stage.repository.holder(TASK) == EXECUTION
    stage.sagemaker.status, stage.sagemaker.reason = "InService", ""
    undone = stage.run("undo", "undone")

    assert undone["settled"] is True
    assert undone["cause"].startswith("No answer to /ping. The endpoint's log")  # of the first attempt
    assert stage.sagemaker.config == "old"
    assert stage.is_over("failed")
    assert stage.registry.record(TASK, VERSION)["decision"]["accepted"] is False
    assert stage.sagemaker.packages[stage.state["candidate"]["package"]]["ModelApprovalStatus"] == "Rejected"


def test_what_was_promoted_stays_if_the_step_dies_right_after(stage: Stage) -> None:
    stage.deploy("before", "old")
    stage.register()
    stage.sagemaker.status, stage.sagemaker.config = "InService", "old"
    stage.run("look-at-endpoint", "endpoint")
    own = stage.sagemaker.config = stage.state["plan"]["name"]
    stage.run("promote", "promoted")
    stage.state |= {"failed": "PromotionFailed", "error": {"Error": "Lambda.Unknown", "Cause": "Timed out"}}

    undone = stage.run("undo", "undone")

    assert undone["settled"] is True
    assert undone["subject"] == f"{TASK}: retraining deployed"
    assert undone["cause"].startswith(f"{VERSION} classifies from now on, but noting that down failed. Timed")
    assert stage.is_over("deployed")["outcome"] == undone["cause"]
    current = stage.registry.current(TASK)
    assert current is not None
    assert (current.version, current.config) == (VERSION, own)
    assert stage.sagemaker.config == own
    assert stage.sagemaker.calls == []
    assert stage.sagemaker.packages[stage.state["candidate"]["package"]]["ModelApprovalStatus"] == "Approved"


def test_what_nobody_deployed_is_no_way_back(stage: Stage) -> None:
    stage.deploy("before", "old")
    stage.register()
    stage.sagemaker.status, stage.sagemaker.config = "InService", "by-hand"
    assert stage.run("look-at-endpoint", "endpoint") == FOUND | {"config": "by-hand"}
    stage.sagemaker.config = stage.state["plan"]["name"]
    stage.state |= {"failed": "SmokeTestFailed", "smoke_test": {"reason": "It is off."}}

    stage.run("undo", "undone")

    assert stage.sagemaker.calls == [f"update negatoscope-test-{TASK} to old"]


def test_the_way_back_is_to_what_classifies_now(stage: Stage) -> None:
    """Somebody has rolled back while the new model was being deployed."""
    stage.deploy("first", "first")
    stage.deploy("before", "old")
    stage.register()
    stage.sagemaker.status, stage.sagemaker.config = "InService", "old"
    stage.run("look-at-endpoint", "endpoint")
    stage.registry.roll_back(TASK, stage.registry.current(TASK))
    stage.sagemaker.config = stage.state["plan"]["name"]

    with pytest.raises(ModelChanged, match="first has become the current model"):
        stage.run("promote")
    stage.state |= {"failed": "PromotionFailed", "error": ERROR}
    stage.run("undo", "undone")

    assert stage.sagemaker.calls == [f"update negatoscope-test-{TASK} to first"]
    current = stage.registry.current(TASK)
    assert current is not None
    assert current.version == "first"


def test_a_promotion_that_is_repeated_after_a_rollback_does_not_undo_it(stage: Stage) -> None:
    stage.deploy("before", "old")
    stage.register()
    stage.run("promote", "promoted")
    stage.registry.roll_back(TASK, stage.registry.current(TASK))

    with pytest.raises(ModelChanged, match="has been rolled back since"):
        stage.run("promote")

    stage.state |= {"failed": "PromotionFailed", "error": ERROR}
    assert "was deployed and rolled back, but noting" in stage.run("undo", "undone")["cause"]
    assert stage.sagemaker.calls == [], "a rollback of the rollback finds all it needs"


@pytest.mark.parametrize(
    "failure",
    [
        StorageFailed("PutObject: SlowDown"),
        EndpointNotChanged("It is being changed."),
        EndpointNotReady("It is overloaded."),
        ClientError({"Error": {"Code": "ThrottlingException", "Message": "?"}}, "UpdateItem"),
        EndpointConnectionError(endpoint_url="https://dynamodb"),
    ],
)
def test_what_may_pass_is_told_from_what_does_not(
    stage: Stage, failure: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage.register()

    def fail(*_: object, **__: object) -> None:
        raise failure

    monkeypatch.setattr(Candidates, "promote", fail)

    with pytest.raises(StepInterrupted, match=type(failure).__name__):
        stage.run("promote")


def test_an_undo_that_fails_is_told_with_the_state_of_the_endpoint(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    metrics: list[tuple[str, str]] = []
    monkeypatch.setattr(steps, "count", lambda *metric: metrics.append(metric))
    stage.deploy("before", "old")
    stage.register()
    stage.sagemaker.status, stage.sagemaker.config = "Updating", "by-hand"
    stage.state |= {"failed": "PromotionFailed", "error": ERROR}

    told = stage.run("report-failed-rollback", "told")

    assert metrics == [("RollbackFailed", TASK)]
    assert told["subject"] == f"{TASK}: a failed retraining could not be undone"
    assert "No memory left." in told["message"]
    assert f"The endpoint negatoscope-test-{TASK} is Updating and serves by-hand." in told["message"]
    entry = stage.repository.get("run")
    assert (entry["status"], entry["outcome"]) == ("failed", told["message"])
    assert entry["ended_at"]
    assert stage.repository.holder(TASK) == EXECUTION, "the next retraining takes it over and finishes"


def test_an_endpoint_that_was_taken_down_goes_away_again(stage: Stage) -> None:
    stage.deploy("before", "old")
    stage.register()

    assert stage.run("look-at-endpoint", "endpoint") == {"state": "absent", "config": None, "retain": False}
    stage.sagemaker.status, stage.sagemaker.config = "InService", stage.state["plan"]["name"]
    stage.state |= {"failed": "SmokeTestFailed", "smoke_test": {"reason": "It is off."}}
    stage.run("undo", "undone")

    assert stage.sagemaker.calls == [f"delete negatoscope-test-{TASK}"]


def test_a_damaged_package_is_undone_too(stage: Stage) -> None:
    stage.plan()
    stage.state |= {"failed": "RegistrationFailed", "error": {"Error": "InvalidModelPackage", "Cause": "x"}}

    assert stage.run("undo", "undone")["settled"] is True
    assert stage.is_over("failed")["outcome"].startswith("x. The current model stays.")

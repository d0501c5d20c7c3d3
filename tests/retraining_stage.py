"""A stage whose state machine has come to some step of the Lambda."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3

from chalicelib.models.archive import pack, package_files
from chalicelib.models.backend import Backend
from chalicelib.models.registry import Registry
from chalicelib.results.table import ResultsTable
from chalicelib.retraining.candidate import Candidates
from chalicelib.retraining.creation_checker import CreationChecker
from chalicelib.retraining.executions import Executions
from chalicelib.retraining.finalization import Finalization
from chalicelib.retraining.planning.builder import PlanBuilder
from chalicelib.retraining.planning.planner import Planner
from chalicelib.retraining.repository import RetrainingRepository
from chalicelib.retraining.rollout import Rollout
from chalicelib.retraining.steps import Steps
from chalicelib.retraining.task_lock import TaskLock
from chalicelib.storage.bucket import DataBucket
from chalicelib.tasks import load_task
from tests.models import TASK, FakeBackend, write_package
from tests.sagemaker import endpoint_manager
from tests.stage import BUCKET, RETRAINING_ARN, RETRAININGS_TABLE, TABLE
from tests.stepfunctions import FakeStepFunctions
from tests.unit.retraining.test_candidate import ARCHIVE, TRAINED
from tests.unit.retraining.test_candidate import SageMaker as Packages
from tests.unit.retraining.test_rollout import SageMaker as Endpoint

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
        task_lock = TaskLock(
            self.bucket, self.repository, self.registry, rollout, executions, lambda: self.sagemaker
        )
        builder = PlanBuilder("test", self.bucket, table, self.registry, {TASK: "serverless"})
        planner = Planner(builder, self.bucket, self.repository, {}, task_lock.acquire)
        candidates = Candidates(self.bucket, self.registry, lambda: self.sagemaker, "test")
        self.steps = Steps(
            self.bucket,
            self.repository,
            planner,
            candidates,
            rollout,
            CreationChecker(lambda: self.sagemaker, rollout.endpoint_manager),
            Finalization(self.repository, candidates, rollout),
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

    def plan(self, **request: Any) -> dict[str, Any]:
        """The plan of a retraining."""
        given = {"task": TASK, **request}
        plan: dict[str, Any] = self.steps.run(
            {"step": "plan", "request": given, "execution": EXECUTION, **CODE}
        )
        self.state = {"plan": plan}
        return plan

    def register(self) -> None:
        """A candidate that has been found to be better."""
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
        """The record of a retraining that has ended and holds no lock."""
        record = self.repository.get("run")
        assert (record["status"], self.repository.holder(TASK)) == (status, None)
        assert record["ended_at"]
        return record

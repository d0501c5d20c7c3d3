"""Retrainings whose executions know more than their records."""

from typing import Any

import boto3
import pytest

from chalicelib.errors import UnknownRetraining
from chalicelib.retraining.executions import Executions
from chalicelib.retraining.record import FollowedRetraining
from chalicelib.retraining.repository import RetrainingRepository, empty_record
from chalicelib.retraining.service import RetrainingService
from chalicelib.retraining.training_jobs import TrainingJobs
from chalicelib.storage.bucket import DataBucket
from tests.sagemaker import refusal
from tests.stage import BUCKET, RETRAINING_ARN, RETRAININGS_TABLE
from tests.stepfunctions import FakeStepFunctions

pytestmark = pytest.mark.usefixtures("cloud")
TASK = "chest-xray"


class SageMaker:
    """Knows one training job."""

    def describe_training_job(self, TrainingJobName: str) -> dict[str, Any]:  # noqa: N803
        if TrainingJobName != "best":
            raise refusal("Requested resource not found.", "DescribeTrainingJob")
        return {"FinalMetricDataList": [{"MetricName": "objective", "Value": 0.25}]}


class Stage:
    """One retraining that has been planned."""

    def __init__(self) -> None:
        self.states = FakeStepFunctions()
        self.repository = RetrainingRepository(boto3.resource("dynamodb"), RETRAININGS_TABLE)
        executions = Executions(self.states, RETRAINING_ARN)
        bucket = DataBucket(boto3.client("s3"), BUCKET)
        self.service = RetrainingService(self.repository, executions, bucket, TrainingJobs(SageMaker))
        self.name = self.service.start({"task": TASK}, "me")["name"]
        self.arn = executions.arn(self.name)
        record = empty_record(self.name, self.arn, {"task": TASK})
        self.repository.create(record | {"started_at": "2026", "job": "job"})

    def follow(self) -> FollowedRetraining:
        return self.service.follow(self.name)


@pytest.fixture
def stage() -> Stage:
    return Stage()


@pytest.mark.parametrize(
    ("execution", "cause", "status", "sentence"),
    [
        ("ABORTED", "", "stopped", "It was stopped. The current model stays."),
        ("ABORTED", "Not today.", "stopped", "Not today."),
        ("TIMED_OUT", "", "failed", "It exceeded its time limit."),
        ("FAILED", "No role.", "failed", "No role."),
        ("SUCCEEDED", "", "ended", "its outcome was not recorded"),
    ],
)
def test_follow_has_the_end_of_the_execution_if_none_was_recorded(
    stage: Stage, execution: str, cause: str, status: str, sentence: str
) -> None:
    stage.states.end(stage.arn, execution, cause=cause)

    followed = stage.follow()

    assert (followed["status"], followed["ended_at"]) == (status, "2026-01-01T13:00:00.000000Z")
    assert sentence in (followed["outcome"] or "")
    assert stage.service.page(10, None)[0][0]["status"] == status


def test_follow_keeps_a_recorded_end(stage: Stage) -> None:
    stage.repository.update(stage.name, status="deployed", outcome="Better.")
    stage.states.end(stage.arn, "SUCCEEDED")

    assert (stage.follow()["status"], stage.follow()["outcome"]) == ("deployed", "Better.")


def test_follow_keeps_the_record_of_an_expired_execution(stage: Stage) -> None:
    stage.states.executions.clear()

    assert (stage.follow()["status"], stage.follow()["states"]) == ("running", [])
    with pytest.raises(UnknownRetraining):
        stage.service.follow("none")


def test_metrics_are_those_of_the_job_of_the_candidate(stage: Stage) -> None:
    assert stage.follow()["metrics"] == {}, "the job has not started"
    stage.repository.update(stage.name, trials=4, job="best")
    assert stage.follow()["metrics"] == {}, "the best job is not known yet"

    stage.repository.update(stage.name, candidate="1")

    assert stage.follow()["metrics"] == {"objective": 0.25}

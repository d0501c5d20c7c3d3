"""Metrics of training jobs."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from chalicelib.retraining.training_jobs import TrainingJobs
from tests.sagemaker import refusal


class SageMaker:
    """Describes every training job alike, or refuses to."""

    def __init__(self, described: dict[str, Any] | ClientError) -> None:
        self.described = described
        self.asked: list[str] = []

    def describe_training_job(self, TrainingJobName: str) -> dict[str, Any]:  # noqa: N803
        self.asked.append(TrainingJobName)
        if isinstance(self.described, ClientError):
            raise self.described
        return self.described


def metrics(described: dict[str, Any] | ClientError) -> dict[str, float]:
    sagemaker = SageMaker(described)
    found = TrainingJobs(lambda: sagemaker).metrics("job")
    assert sagemaker.asked == ["job"]
    return found


def test_metrics_are_the_latest_of_the_job() -> None:
    printed = [{"MetricName": "accuracy", "Value": 0.9}, {"MetricName": "loss", "Value": 0.25}]

    assert metrics({"FinalMetricDataList": printed}) == {"accuracy": 0.9, "loss": 0.25}


def test_job_that_has_printed_nothing_has_no_metrics() -> None:
    assert metrics({}) == {}


def test_job_that_does_not_exist_yet_has_no_metrics() -> None:
    assert metrics(refusal("Requested resource not found.", "DescribeTrainingJob")) == {}


def test_other_errors_are_raised() -> None:
    denied = ClientError({"Error": {"Code": "AccessDeniedException", "Message": "?"}}, "DescribeTrainingJob")

    with pytest.raises(ClientError, match="AccessDenied"):
        metrics(denied)

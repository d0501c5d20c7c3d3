"""What there is of something that SageMaker was asked to create, when its answer was lost."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from chalicelib.retraining.creation import Creations
from tests.memory import MemoryS3, MemorySageMaker
from tests.sagemaker import endpoint_manager

PLAN = {"name": "n", "tuning_name": "t", "serving": {"endpoint": "e"}}
ERROR = {"Error": "SageMaker.AmazonSageMakerException", "Cause": "Rate exceeded"}


@pytest.fixture
def sagemaker() -> MemorySageMaker:
    return MemorySageMaker(MemoryS3())


def check(sagemaker: MemorySageMaker, creating: str) -> dict[str, Any]:
    return Creations(lambda: sagemaker, endpoint_manager(sagemaker)).check(creating, PLAN, ERROR)


@pytest.mark.parametrize(
    "creating", ["data", "training", "transform", "evaluation", "model", "config", "endpoint"]
)
def test_what_was_not_created_has_failed_as_it_was_said(sagemaker: MemorySageMaker, creating: str) -> None:
    assert check(sagemaker, creating) == {
        "creating": creating,
        "status": "failed",
        "job": None,
        "error": ERROR,
    }


@pytest.mark.parametrize(
    ("creating", "kind", "name", "job"),
    [
        ("data", "ProcessingJob", "n-data", None),
        ("evaluation", "ProcessingJob", "n-judge", None),
        ("judgement", "ProcessingJob", "n-judge", None),  # in executions that release 0.1 started
        ("transform", "TransformJob", "n", None),
        ("training", "TrainingJob", "n", "n"),
    ],
)
@pytest.mark.parametrize(
    ("job_status", "status"),
    [("InProgress", "running"), ("Stopping", "running"), ("Completed", "completed"), ("Stopped", "failed")],
)
def test_a_job_is_as_far_as_it_says(
    sagemaker: MemorySageMaker,
    creating: str,
    kind: str,
    name: str,
    job: str | None,
    job_status: str,
    status: str,
) -> None:
    sagemaker.job(kind, name)[f"{kind}Status"] = job_status

    checked = check(sagemaker, creating)

    assert (checked["status"], checked["job"]) == (status, job if status == "completed" else None)
    assert (checked["error"] != ERROR) == (status == "failed")


def test_a_job_that_failed_says_why(sagemaker: MemorySageMaker) -> None:
    sagemaker.job("TrainingJob", "n", FailureReason="No memory left.")["TrainingJobStatus"] = "Failed"

    assert check(sagemaker, "training")["error"]["Cause"] == "No memory left."


def test_a_search_names_its_best_job(sagemaker: MemorySageMaker, monkeypatch: pytest.MonkeyPatch) -> None:
    def describe(HyperParameterTuningJobName: str) -> dict[str, Any]:  # noqa: N803
        assert HyperParameterTuningJobName == "t"
        best = {"TrainingJobName": "t-007"}
        return {"HyperParameterTuningJobStatus": "Completed", "BestTrainingJob": best}

    monkeypatch.setattr(sagemaker, "describe_hyper_parameter_tuning_job", describe, raising=False)

    assert (check(sagemaker, "tuning")["status"], check(sagemaker, "tuning")["job"]) == ("completed", "t-007")


@pytest.mark.parametrize(
    ("endpoint", "status"),
    [
        ({"EndpointStatus": "Creating", "pending": "n"}, "completed"),
        ({"EndpointStatus": "Updating", "EndpointConfigName": "old", "pending": "n"}, "completed"),
        ({"EndpointStatus": "InService", "EndpointConfigName": "n"}, "completed"),
        ({"EndpointStatus": "InService", "EndpointConfigName": "old"}, "failed"),
    ],
)
def test_an_endpoint_is_on_its_way_or_there(
    sagemaker: MemorySageMaker, endpoint: dict[str, Any], status: str
) -> None:
    sagemaker.endpoints["e"] = endpoint

    assert check(sagemaker, "endpoint")["status"] == status


def test_what_could_not_be_looked_for_is_not_missing(
    sagemaker: MemorySageMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    def describe_model(**_: str) -> None:
        raise ClientError({"Error": {"Code": "AccessDeniedException", "Message": "?"}}, "DescribeModel")

    monkeypatch.setattr(sagemaker, "describe_model", describe_model)

    with pytest.raises(ClientError, match="AccessDenied"):
        check(sagemaker, "model")

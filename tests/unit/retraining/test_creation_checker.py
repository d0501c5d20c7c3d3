"""Jobs and resources whose creation seemed to fail."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from chalicelib.retraining.creation_checker import CreationChecker
from tests.memory import MemoryS3, MemorySageMaker
from tests.sagemaker import endpoint_manager

PLAN: Any = {"name": "n", "tuning_name": "t", "serving": {"endpoint": "e"}}
ERROR: Any = {"Error": "SageMaker.AmazonSageMakerException", "Cause": "Rate exceeded"}


@pytest.fixture
def sagemaker() -> MemorySageMaker:
    return MemorySageMaker(MemoryS3())


def check(sagemaker: MemorySageMaker, creating: Any) -> Any:
    return CreationChecker(lambda: sagemaker, endpoint_manager(sagemaker)).check(PLAN, creating, ERROR)


@pytest.mark.parametrize(
    "creating", ["data", "training", "transform", "evaluation", "model", "config", "endpoint"]
)
def test_missing_creation_has_failed_with_the_original_error(
    sagemaker: MemorySageMaker, creating: str
) -> None:
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
        ("evaluation", "ProcessingJob", "n-eval", None),
        ("judgement", "ProcessingJob", "n-judge", None),  # in executions that release 0.1 started
        ("transform", "TransformJob", "n", None),
        ("training", "TrainingJob", "n", "n"),
    ],
)
@pytest.mark.parametrize(
    ("job_status", "status"),
    [("InProgress", "running"), ("Stopping", "running"), ("Completed", "completed"), ("Stopped", "failed")],
)
def test_job_has_its_status_in_sagemaker(
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


def test_failed_job_has_its_reason(sagemaker: MemorySageMaker) -> None:
    sagemaker.job("TrainingJob", "n", FailureReason="No memory left.")["TrainingJobStatus"] = "Failed"

    assert check(sagemaker, "training")["error"]["Cause"] == "No memory left."


def test_tuning_job_has_its_best_training_job(
    sagemaker: MemorySageMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
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
def test_endpoint_exists_if_it_changes_or_serves_the_candidate(
    sagemaker: MemorySageMaker, endpoint: dict[str, Any], status: str
) -> None:
    sagemaker.endpoints["e"] = endpoint

    assert check(sagemaker, "endpoint")["status"] == status


def test_refused_description_is_not_taken_for_missing(
    sagemaker: MemorySageMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    def describe_model(**_: str) -> None:
        raise ClientError({"Error": {"Code": "AccessDeniedException", "Message": "?"}}, "DescribeModel")

    monkeypatch.setattr(sagemaker, "describe_model", describe_model)

    with pytest.raises(ClientError, match="AccessDenied"):
        check(sagemaker, "model")

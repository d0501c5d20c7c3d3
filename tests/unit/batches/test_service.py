"""What people can do with batches; the routes are tested in tests/functional/test_batches.py."""

import json
from dataclasses import replace
from typing import Any

import boto3
import pytest

from chalicelib.batches.executions import BatchExecutions
from chalicelib.batches.service import BatchService
from chalicelib.errors import InvalidRequest, TaskHasNoModel, UnknownBatch
from chalicelib.storage.bucket import DataBucket
from chalicelib.tasks import Task, load_task
from tests.models import TASK
from tests.stage import BATCH_ARN, BUCKET
from tests.stepfunctions import FakeStepFunctions

pytestmark = pytest.mark.usefixtures("cloud")


@pytest.fixture
def states() -> FakeStepFunctions:
    return FakeStepFunctions()


@pytest.fixture
def service(cloud: None, states: FakeStepFunctions) -> BatchService:
    bucket = DataBucket(boto3.client("s3"), BUCKET)
    bucket.write("archive/a.png", b"x", "image/png")
    return BatchService(bucket, BatchExecutions(states, BATCH_ARN), lambda _: None, lambda _: False)


def started(service: BatchService) -> str:
    name = service.start({"task": TASK, "source": "archive/"}, load_task(TASK), "me")["name"]
    assert name
    return name


def test_two_who_resume_at_the_same_time_start_one_pass(
    service: BatchService, states: FakeStepFunctions
) -> None:
    name = started(service)
    service.stop(name, "me")
    request = service._request(name)
    service._begin(request["batch"], 2)
    service._begin(request["batch"], 2)

    assert [arn.rpartition(":")[2] for arn in states.executions] == [f"{name}.1", f"{name}.2"]
    assert service.resume(name, "me")["status"] == "running"
    assert len(states.executions) == 2


def test_pages_list_the_newest_first(service: BatchService) -> None:
    names = sorted((started(service) for _ in range(3)), reverse=True)
    service.bucket.write("batches/by-hand/report.json", b"{}", "application/json")

    first, cursor = service.page(3, None)
    rest, end = service.page(3, cursor)

    assert [record["name"] for record in [*first, *rest]] == names
    assert cursor
    assert end is None
    with pytest.raises(InvalidRequest):
        service.page(2, "made up")


def test_task_without_a_model_is_refused(service: BatchService) -> None:
    def refuse(task: Task) -> None:
        raise TaskHasNoModel(task.title)

    bare = BatchService(service.bucket, service.executions, refuse, service.is_served)
    with pytest.raises(TaskHasNoModel):
        bare.start({"task": TASK, "source": "archive/"}, load_task(TASK), "me")


def test_unknown_batch_is_refused(service: BatchService) -> None:
    for act in (service.stop, service.resume):
        with pytest.raises(UnknownBatch):
            act("none", "me")


def test_transform_job_classifies_if_the_model_is_served(
    service: BatchService, states: FakeStepFunctions
) -> None:
    served = replace(service, is_served=lambda _: True)

    def transform(batches: BatchService, **request: Any) -> Any:
        states.executions.clear()
        answer = batches.start({"task": TASK, "source": "archive/", **request}, load_task(TASK), "me")
        ((_, execution),) = states.executions.items()
        given = json.loads(execution["input"]).get("transform", False)
        assert answer["estimate"]["transform"] == given
        return given

    assert transform(served)
    assert not transform(served, transform=False)
    assert not transform(service)
    with pytest.raises(InvalidRequest, match="no retraining has deployed"):
        transform(service, transform=True)


def test_lambdas_go_on_if_the_endpoint_has_gone(service: BatchService, states: FakeStepFunctions) -> None:
    served = replace(service, is_served=lambda _: True)
    name = started(served)
    served.stop(name, "me")
    served.resume(name, "me")
    served.stop(name, "me")

    service.resume(name, "me")

    inputs = [json.loads(execution["input"])["transform"] for execution in states.executions.values()]
    assert inputs == [True, True, False]

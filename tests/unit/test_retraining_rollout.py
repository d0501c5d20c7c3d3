"""Endpoints on their way to a new model and back."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from chalicelib.hosting import Hosting
from chalicelib.retraining.rollout import Rollout
from tests.sagemaker import refusal

NAME, OWN, BEFORE = "negatoscope-test-x", "new", "old"
PLAN = {"name": OWN, "serving": {"endpoint": NAME}}
PROVISIONED = {"kind": "provisioned", "endpoint": NAME, "alarm": "errors", "spec": {"instances": 2}}
SERVERLESS = {"kind": "serverless", "endpoint": NAME, "alarm": "errors", "spec": {"instances": 1}}


class SageMaker:
    """One endpoint, or none, and what was asked for."""

    def __init__(self, status: str | None = None, config: str = BEFORE, reason: str = "") -> None:
        self.status = status
        self.config = config
        self.reason = reason
        self.calls: list[str] = []

    def describe_endpoint(self, EndpointName: str) -> dict[str, str]:  # noqa: N803
        if self.status is None:
            raise refusal(f"Could not find endpoint {EndpointName}.", "DescribeEndpoint")
        return {
            "EndpointStatus": self.status,
            "EndpointConfigName": self.config,
            "FailureReason": self.reason,
        }

    def update_endpoint(self, EndpointName: str, EndpointConfigName: str) -> None:  # noqa: N803
        self.calls.append(f"update {EndpointName} to {EndpointConfigName}")
        self.status, self.config = "Updating", EndpointConfigName

    def delete_endpoint(self, EndpointName: str) -> None:  # noqa: N803
        self.calls.append(f"delete {EndpointName}")
        self.status = "Deleting"

    def delete_endpoint_config(self, EndpointConfigName: str) -> None:  # noqa: N803
        self.calls.append(f"delete config {EndpointConfigName}")

    def delete_model(self, ModelName: str) -> None:  # noqa: N803
        self.calls.append(f"delete model {ModelName}")
        raise refusal("Could not find model.", "DeleteModel")


class Recorder:
    """Any client: remembers what is called."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, dict[str, Any]]] = []

    def __getattr__(self, name: str) -> Any:
        return lambda **request: self.calls.append((name, request))


def rollout(sagemaker: SageMaker, recorder: Recorder | None = None) -> Rollout:
    other = recorder or Recorder()
    return Rollout(Hosting(sagemaker), lambda: other, lambda: other)


@pytest.mark.parametrize(
    ("status", "found"),
    [
        (None, {"state": "absent", "config": None}),
        ("InService", {"state": "ready", "config": BEFORE}),
        ("Updating", {"state": "changing", "config": BEFORE}),
        ("Deleting", {"state": "changing", "config": BEFORE}),
    ],
)
def test_what_is_there_is_told(status: str | None, found: dict[str, Any]) -> None:
    sagemaker = SageMaker(status)

    assert rollout(sagemaker).look(SERVERLESS) == found
    assert sagemaker.calls == []


def test_a_broken_endpoint_makes_room() -> None:
    sagemaker = SageMaker("Failed")

    assert rollout(sagemaker).look(SERVERLESS)["state"] == "changing"
    assert sagemaker.calls == [f"delete {NAME}"]


def test_a_provisioned_endpoint_is_watched_and_grows() -> None:
    recorder = Recorder()

    rollout(SageMaker("InService"), recorder).look(PROVISIONED)
    rollout(SageMaker("InService"), recorder).scale(PROVISIONED)
    rollout(SageMaker("InService"), recorder).look(SERVERLESS)
    rollout(SageMaker("InService"), recorder).scale(SERVERLESS)

    names = [name for name, _ in recorder.calls]
    assert names == ["put_metric_alarm", "register_scalable_target", "put_scaling_policy"]
    assert recorder.calls[0][1]["AlarmName"] == "errors"
    assert recorder.calls[1][1]["MinCapacity"] == 2


def undone(sagemaker: SageMaker, before: str | None) -> list[str]:
    """What it takes until everything is as it was."""
    work = rollout(sagemaker)
    for _ in range(5):
        if work.restore(PLAN, before):
            return sagemaker.calls
        # SageMaker comes to the end of what it does.
        sagemaker.status = {"Updating": "InService", "Creating": "InService"}.get(str(sagemaker.status))
    raise AssertionError("never settled")


def test_an_endpoint_that_serves_the_new_model_goes_back() -> None:
    assert undone(SageMaker("InService", OWN), BEFORE) == [f"update {NAME} to {BEFORE}"]


def test_an_endpoint_that_was_not_there_goes_away() -> None:
    assert undone(SageMaker("InService", OWN), None) == [f"delete {NAME}"]
    assert undone(SageMaker("Failed", OWN), None) == [f"delete {NAME}"]


def test_an_update_under_way_is_waited_for() -> None:
    assert undone(SageMaker("Updating", OWN), BEFORE) == [f"update {NAME} to {BEFORE}"]


def test_what_was_not_changed_is_left_alone() -> None:
    assert undone(SageMaker("InService", BEFORE), BEFORE) == []
    assert undone(SageMaker(None), None) == []


def test_what_is_forgotten_may_be_gone_already() -> None:
    sagemaker = SageMaker()

    Hosting(sagemaker).forget(OWN)

    assert sagemaker.calls == [f"delete config {OWN}", f"delete model {OWN}"]


def test_what_may_not_be_forgotten_is_no_success() -> None:
    class Strict(SageMaker):
        def delete_model(self, ModelName: str) -> None:  # noqa: N803
            raise ClientError(
                {"Error": {"Code": "AccessDeniedException", "Message": ModelName}}, "DeleteModel"
            )

    with pytest.raises(ClientError, match="AccessDenied"):
        Hosting(Strict()).forget(OWN)


def test_the_reason_is_sagemakers() -> None:
    assert rollout(SageMaker("InService", reason="No answer to /ping.")).reason(NAME) == "No answer to /ping."
    assert "did not take" in rollout(SageMaker(None)).reason(NAME)

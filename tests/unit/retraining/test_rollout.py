"""Rollouts of new models to endpoints, and back."""

from types import SimpleNamespace
from typing import Any

import pytest

from chalicelib.retraining.rollout import Rollout
from tests.sagemaker import FakeScaling, check_conversion, endpoint_manager, refusal, variants

NAME, OWN, BEFORE = "negatoscope-test-x", "new", "old"
PLAN: Any = {"name": OWN, "serving": {"endpoint": NAME}}
PROVISIONED: Any = {"kind": "provisioned", "endpoint": NAME, "alarm": "errors", "spec": {"instances": 2}}
SERVERLESS: Any = {"kind": "serverless", "endpoint": NAME, "alarm": "errors", "spec": {"instances": 1}}


class SageMaker:
    """At most one endpoint, jobs, and the requests that were made."""

    def __init__(self, status: str | None = None, config: str = BEFORE, reason: str = "") -> None:
        self.status = status
        self.config = config
        self.reason = reason
        self.calls: list[str] = []
        self.instance_types: dict[str, str] = {}
        self.running: set[tuple[str, str]] = set()
        """Nouns and names of jobs."""
        self.stopped: list[tuple[str, str]] = []

    def __getattr__(self, operation: str) -> Any:
        verb, _, noun = operation.partition("_")
        if verb != "stop":
            raise AttributeError(operation)

        def stop(**request: str) -> None:
            (name,) = request.values()
            if (noun, name) not in self.running:
                raise refusal("Requested resource not found.", operation)
            self.stopped.append((noun, name))

        return stop

    def describe_endpoint(self, EndpointName: str) -> dict[str, str]:  # noqa: N803
        if self.status is None:
            raise refusal(f"Could not find endpoint {EndpointName}.", "DescribeEndpoint")
        return {
            "EndpointStatus": self.status,
            "EndpointConfigName": self.config,
            "FailureReason": self.reason,
        }

    def describe_endpoint_config(self, EndpointConfigName: str) -> dict[str, Any]:  # noqa: N803
        return variants(self.instance_types.get(EndpointConfigName), 2)

    def update_endpoint(self, EndpointName: str, EndpointConfigName: str, **_: bool) -> None:  # noqa: N803
        check_conversion(self.instance_types.get(self.config), self.instance_types.get(EndpointConfigName))
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
    """A client that records calls."""

    exceptions = SimpleNamespace(ObjectNotFoundException=KeyError)

    def __init__(self) -> None:
        self.calls: list[tuple[str, dict[str, Any]]] = []

    def __getattr__(self, name: str) -> Any:
        return lambda **request: self.calls.append((name, request))


def rollout(
    sagemaker: SageMaker, recorder: Recorder | None = None, scaling: FakeScaling | None = None
) -> Rollout:
    other = recorder or Recorder()
    return Rollout(endpoint_manager(sagemaker, scaling), lambda: other)


@pytest.mark.parametrize(
    ("status", "found"),
    [
        (None, {"state": "absent", "config": None, "retain": False}),
        ("InService", {"state": "ready", "config": BEFORE, "retain": False}),
        ("Updating", {"state": "changing", "config": BEFORE, "retain": False}),
        ("Deleting", {"state": "changing", "config": BEFORE, "retain": False}),
    ],
)
def test_inspect_describes_the_endpoint(status: str | None, found: dict[str, Any]) -> None:
    sagemaker = SageMaker(status)

    assert rollout(sagemaker).inspect(SERVERLESS, OWN) == found
    assert sagemaker.calls == []


@pytest.mark.parametrize("status", ["Failed", "OutOfService"])
def test_inspect_deletes_a_broken_endpoint(status: str) -> None:
    sagemaker = SageMaker(status)

    assert rollout(sagemaker).inspect(SERVERLESS, OWN)["state"] == "changing"
    assert sagemaker.calls == [f"delete {NAME}"]


def test_inspect_deletes_an_endpoint_on_instances_that_is_to_be_serverless() -> None:
    sagemaker, scaling = SageMaker("InService"), FakeScaling()
    sagemaker.instance_types = {BEFORE: "ml.c5.large"}
    scaling.start(NAME, 2)

    assert rollout(sagemaker, scaling=scaling).inspect(SERVERLESS, OWN)["state"] == "changing"
    assert (sagemaker.calls, scaling.instances) == ([f"delete {NAME}"], {})


def test_inspect_creates_the_alarm_of_a_provisioned_endpoint() -> None:
    recorder = Recorder()

    rollout(SageMaker("InService"), recorder).inspect(PROVISIONED, OWN)
    rollout(SageMaker("InService"), recorder).inspect(SERVERLESS, OWN)

    ((name, alarm),) = recorder.calls
    assert (name, alarm["AlarmName"]) == ("put_metric_alarm", "errors")


@pytest.mark.parametrize(
    ("before", "after", "retain"),
    [
        ("ml.c5.large", "ml.c5.large", True),
        ("ml.c5.large", "ml.c7i.large", False),
        (None, "ml.c5.large", False),
        (None, None, False),
    ],
)
def test_scaling_goes_on_only_with_the_same_instances(
    before: str | None, after: str | None, retain: bool
) -> None:
    sagemaker, scaling = SageMaker("InService"), FakeScaling()
    sagemaker.instance_types = {
        config: kind for config, kind in ((BEFORE, before), (OWN, after)) if kind is not None
    }
    if before:
        scaling.start(NAME, 2)

    found = rollout(sagemaker, scaling=scaling).inspect(PROVISIONED, OWN)

    assert found == {"state": "ready", "config": BEFORE, "retain": retain}
    assert scaling.instances == ({NAME: 2} if retain else {})


def test_scaling_stops_with_a_broken_endpoint() -> None:
    sagemaker, scaling = SageMaker("Failed"), FakeScaling()
    sagemaker.instance_types = {BEFORE: "ml.c5.large"}
    scaling.start(NAME, 2)

    rollout(sagemaker, scaling=scaling).inspect(PROVISIONED, OWN)

    assert scaling.instances == {}


def test_scaling_starts_again_after_a_rollback() -> None:
    sagemaker, scaling = SageMaker("InService", OWN), FakeScaling()
    sagemaker.instance_types = {BEFORE: "ml.c5.large"}
    work = rollout(sagemaker, scaling=scaling)

    assert work.restore(PLAN, BEFORE) is False
    sagemaker.status = "InService"
    assert work.restore(PLAN, BEFORE) is True

    assert scaling.instances == {NAME: 2}


def restored(sagemaker: SageMaker, before: str | None) -> list[str]:
    """The requests that restore an endpoint."""
    work = rollout(sagemaker)
    for _ in range(5):
        if work.restore(PLAN, before):
            return sagemaker.calls
        # SageMaker completes its operation.
        sagemaker.status = {"Updating": "InService", "Creating": "InService"}.get(str(sagemaker.status))
    raise AssertionError("never settled")


def test_restore_updates_an_endpoint_that_serves_the_candidate() -> None:
    assert restored(SageMaker("InService", OWN), BEFORE) == [f"update {NAME} to {BEFORE}"]


def test_restore_deletes_an_endpoint_that_did_not_exist() -> None:
    assert restored(SageMaker("InService", OWN), None) == [f"delete {NAME}"]
    assert restored(SageMaker("Failed", OWN), None) == [f"delete {NAME}"]


def test_restore_deletes_an_endpoint_that_was_serverless_and_has_instances_now() -> None:
    sagemaker = SageMaker("InService", OWN)
    sagemaker.instance_types = {OWN: "ml.c5.large"}

    assert restored(sagemaker, BEFORE) == [f"delete {NAME}"]


def test_restore_waits_for_a_running_update() -> None:
    assert restored(SageMaker("Updating", OWN), BEFORE) == [f"update {NAME} to {BEFORE}"]


def test_restore_leaves_other_endpoints_alone() -> None:
    assert restored(SageMaker("InService", BEFORE), BEFORE) == []
    assert restored(SageMaker(None), None) == []


def test_reason_comes_from_sagemaker() -> None:
    assert rollout(SageMaker("InService", reason="No answer to /ping.")).reason(NAME) == "No answer to /ping."
    assert "did not take" in rollout(SageMaker(None)).reason(NAME)


def test_describe_has_status_configuration_and_reason() -> None:
    described = rollout(SageMaker("Failed", OWN, "No memory.")).describe(SERVERLESS)
    assert described == f"The endpoint {NAME} is Failed and serves {OWN} (No memory.)."
    assert rollout(SageMaker(None)).describe(SERVERLESS) == f"There is no endpoint {NAME}."

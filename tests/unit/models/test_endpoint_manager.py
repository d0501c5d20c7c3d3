"""Managing SageMaker endpoints."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from chalicelib.errors import EndpointNotChanged
from chalicelib.models.endpoint_manager import EndpointStatus
from tests.sagemaker import FakeSageMaker, FakeScaling, endpoint_manager, refusal


@pytest.fixture
def sagemaker() -> FakeSageMaker:
    return FakeSageMaker("c1", "c2")


def test_endpoint_is_found_with_its_status(sagemaker: FakeSageMaker) -> None:
    sagemaker.serve("e", "c1", "Updating")

    assert endpoint_manager(sagemaker).find("e") == EndpointStatus("e", "Updating", "c1", None)
    assert endpoint_manager(sagemaker).find("another") is None


@pytest.mark.parametrize(
    ("status", "is_broken", "is_changing"),
    [
        ("InService", False, False),
        ("OutOfService", False, False),
        ("Failed", True, False),
        ("UpdateRollbackFailed", True, False),
        ("Creating", False, True),
        ("Updating", False, True),
        ("RollingBack", False, True),
        ("Deleting", False, True),
    ],
)
def test_status_tells_broken_and_changing_endpoints(status: str, is_broken: bool, is_changing: bool) -> None:
    endpoint = EndpointStatus("e", status, "c1", None)

    assert (endpoint.is_broken, endpoint.is_changing) == (is_broken, is_changing)


def test_endpoint_serves_the_configuration_to_which_it_is_updated() -> None:
    updating = EndpointStatus("e", "Updating", "c1", None, pending="c2")

    assert updating.serves("c2")
    assert not updating.serves("c1")
    assert not EndpointStatus("e", "Deleting", "c1", None).serves("c1")
    assert not EndpointStatus("e", "Creating", None, None).serves(None)


def test_names_begin_with_the_prefix(sagemaker: FakeSageMaker) -> None:
    for name in ("negatoscope-test-a", "negatoscope-test-b", "my-negatoscope-test-c"):
        sagemaker.serve(name, "c1")

    assert endpoint_manager(sagemaker).names("negatoscope-test-") == [
        "negatoscope-test-a",
        "negatoscope-test-b",
    ]


def test_changes_are_requested(sagemaker: FakeSageMaker) -> None:
    manager = endpoint_manager(sagemaker)

    manager.create("e", "c1")
    manager.update("e", "c2")
    manager.delete("e")

    assert sagemaker.calls == [("create", "e", "c1"), ("update", "e", "c2"), ("delete", "e")]


def test_refused_change_has_the_reason_of_sagemaker(sagemaker: FakeSageMaker) -> None:
    with pytest.raises(
        EndpointNotChanged, match="did not create the endpoint e: Could not find endpoint conf"
    ):
        endpoint_manager(sagemaker).create("e", "missing")


def test_denied_change_is_not_taken_for_refused(
    sagemaker: FakeSageMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    def deny(**_: str) -> None:
        raise ClientError({"Error": {"Code": "AccessDeniedException", "Message": "?"}}, "CreateEndpoint")

    monkeypatch.setattr(sagemaker, "create_endpoint", deny)

    with pytest.raises(ClientError, match="AccessDenied"):
        endpoint_manager(sagemaker).create("e", "c1")


@pytest.mark.parametrize(
    ("before", "after", "keeps", "scaled"),
    [
        ("ml.c5.large", "ml.c5.large", True, {"e": 1}),
        ("ml.c5.large", "ml.m5.large", False, {}),
        ("ml.c5.large", None, False, {}),
        (None, "ml.c5.large", False, {"e": 1}),
    ],
)
def test_update_keeps_instances_of_the_same_type(
    sagemaker: FakeSageMaker, before: str | None, after: str | None, keeps: bool, scaled: dict[str, int]
) -> None:
    sagemaker.instance_types = {name: kind for name, kind in (("c1", before), ("c2", after)) if kind}
    sagemaker.serve("e", "c1")
    scaling = FakeScaling()
    scaling.start("e", 1)

    assert endpoint_manager(sagemaker, scaling).prepare_update("e", "c2") is keeps
    assert scaling.instances == scaled


def test_only_instances_are_scaled(sagemaker: FakeSageMaker) -> None:
    sagemaker.instance_types["c1"] = "ml.c5.large"
    scaling = FakeScaling()
    manager = endpoint_manager(sagemaker, scaling)

    for name, config in (("instances", "c1"), ("serverless", "c2"), ("gone", "c3"), ("none", None)):
        manager.scale(name, config)

    assert scaling.instances == {"instances": 1}


def test_deleted_endpoint_is_no_longer_scaled(sagemaker: FakeSageMaker) -> None:
    sagemaker.instance_types["c1"] = "ml.c5.large"
    sagemaker.serve("e", "c1")
    scaling = FakeScaling()
    scaling.start("e", 1)

    endpoint_manager(sagemaker, scaling).delete("e")

    assert (scaling.instances, sagemaker.endpoints) == ({}, {})


class Models(FakeSageMaker):
    """Has the configuration `c1`, but no model of that name."""

    def delete_endpoint_config(self, EndpointConfigName: str) -> None:  # noqa: N803
        self.calls.append(("delete config", EndpointConfigName))

    def delete_model(self, ModelName: str) -> None:  # noqa: N803
        self.calls.append(("delete model", ModelName))
        raise refusal("Could not find model.", "DeleteModel")


def test_forget_ignores_what_is_missing() -> None:
    sagemaker = Models()

    endpoint_manager(sagemaker).forget("c1")

    assert sagemaker.calls == [("delete config", "c1"), ("delete model", "c1")]


def test_forget_raises_other_errors(monkeypatch: pytest.MonkeyPatch) -> None:
    def deny(**_: Any) -> None:
        raise ClientError({"Error": {"Code": "AccessDeniedException", "Message": "?"}}, "DeleteModel")

    sagemaker = Models()
    monkeypatch.setattr(sagemaker, "delete_model", deny)

    with pytest.raises(ClientError, match="AccessDenied"):
        endpoint_manager(sagemaker).forget("c1")

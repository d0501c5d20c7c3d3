"""Restoring the previous model."""

from pathlib import Path
from typing import Any

import boto3
import pytest

from chalicelib.errors import EndpointNotChanged, ModelChanged, NothingToRollBackTo
from chalicelib.models.archive import pack, package_files
from chalicelib.models.deployment import Deployment
from chalicelib.models.registry import Registry
from chalicelib.models.rollback import roll_back
from chalicelib.storage.bucket import DataBucket
from tests.models import TASK, write_package
from tests.sagemaker import FakeSageMaker, FakeScaling, endpoint_manager
from tests.stage import BUCKET

pytestmark = pytest.mark.usefixtures("cloud")


@pytest.fixture
def registry(cloud: None, tmp_path: Path) -> Registry:
    """A registry with the versions `1` and `2`."""
    registry = Registry(DataBucket(boto3.client("s3"), BUCKET))
    for version in ("1", "2"):
        folder = write_package(tmp_path / version, version=version)
        registry.add(TASK, pack(package_files(folder)), {})
    return registry


@pytest.fixture
def sagemaker() -> FakeSageMaker:
    return FakeSageMaker("c1", "c2")


def back(registry: Registry, sagemaker: FakeSageMaker) -> Deployment:
    """The deployment that a rollback returns, which is also the one in the registry."""
    deployment = roll_back(TASK, registry, endpoint_manager(sagemaker))
    assert registry.current(TASK) == deployment
    return deployment


def test_rollback_between_embedded_versions(registry: Registry, sagemaker: FakeSageMaker) -> None:
    registry.promote(TASK, "1", None, None)
    registry.promote(TASK, "2", None, None)
    assert back(registry, sagemaker).version == "1"
    assert back(registry, sagemaker).version == "2"
    assert sagemaker.calls == []


def test_version_that_no_longer_fits_the_task_is_not_restored(
    registry: Registry, sagemaker: FakeSageMaker, tmp_path: Path
) -> None:
    spec = {"width": 64, "height": 96, "channels": 1, "fit": "pad"}
    registry.add(TASK, pack(package_files(write_package(tmp_path / "0", version="0", input=spec))), {})
    registry.promote(TASK, "0", None, None)
    current = registry.promote(TASK, "1", None, None)

    with pytest.raises(NothingToRollBackTo, match="0, takes grey images of 64 x 96 pixels"):
        roll_back(TASK, registry, endpoint_manager(sagemaker))

    assert registry.current(TASK) == current


def test_rollback_on_the_same_endpoint(registry: Registry, sagemaker: FakeSageMaker) -> None:
    registry.promote(TASK, "1", "e", "c1")
    registry.promote(TASK, "2", "e", "c2")
    sagemaker.serve("e", "c2")

    deployment = back(registry, sagemaker)

    assert (deployment.version, deployment.endpoint, deployment.config) == ("1", "e", "c1")
    assert sagemaker.calls == [("update", "e", "c1")]


def test_rollback_from_an_endpoint_to_embedded_and_back(registry: Registry, sagemaker: FakeSageMaker) -> None:
    registry.promote(TASK, "1", None, None)
    registry.promote(TASK, "2", "e", "c2")
    sagemaker.serve("e", "c2")

    deployment = back(registry, sagemaker)

    assert (deployment.version, deployment.endpoint) == ("1", None)
    assert sagemaker.calls == [("delete", "e")]
    # Its package answers until the endpoint is created again.
    forth = back(registry, sagemaker)
    assert (forth.version, forth.endpoint, forth.config) == ("2", "e", "c2")
    assert sagemaker.calls == [("delete", "e")]


def test_rollback_between_two_endpoints(registry: Registry, sagemaker: FakeSageMaker) -> None:
    registry.promote(TASK, "1", "e1", "c1")
    registry.promote(TASK, "2", "e2", "c2")
    sagemaker.serve("e1", "c1")
    sagemaker.serve("e2", "c2")
    assert back(registry, sagemaker).endpoint == "e1"
    assert sagemaker.calls == [("delete", "e2")]


def test_rollback_changes_the_registry_last(
    registry: Registry, sagemaker: FakeSageMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry.promote(TASK, "1", None, None)
    before = registry.promote(TASK, "2", "e", "c2")
    sagemaker.serve("e", "c2")
    with monkeypatch.context() as patch:
        patch.setattr(Registry, "roll_back", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            back(registry, sagemaker)
    assert registry.current(TASK) == before, "its package answers"
    assert sagemaker.calls == [("delete", "e")]

    assert back(registry, sagemaker).version == "1", "asked again"
    assert sagemaker.calls == [("delete", "e")]


def test_repeated_rollback_changes_nothing(registry: Registry, sagemaker: FakeSageMaker) -> None:
    registry.promote(TASK, "1", None, None)
    registry.promote(TASK, "2", None, None)
    first = roll_back(TASK, registry, endpoint_manager(sagemaker), "2")

    assert roll_back(TASK, registry, endpoint_manager(sagemaker), "2") == first
    with pytest.raises(ModelChanged, match=r"3 is not the current model of .*; 1 is"):
        roll_back(TASK, registry, endpoint_manager(sagemaker), "3")
    assert roll_back(TASK, registry, endpoint_manager(sagemaker), "1").version == "2"


def test_version_promoted_during_a_rollback_stays(
    registry: Registry, sagemaker: FakeSageMaker, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    registry.promote(TASK, "1", "e", "c1")
    registry.promote(TASK, "2", "e", "c2")
    sagemaker.serve("e", "c2")
    update = sagemaker.update_endpoint

    def promote_meanwhile(**request: Any) -> None:
        update(**request)
        registry.promote(TASK, "3", None, None)

    folder = write_package(tmp_path / "3", version="3")
    registry.add(TASK, pack(package_files(folder)), {})
    monkeypatch.setattr(sagemaker, "update_endpoint", promote_meanwhile)

    with pytest.raises(ModelChanged, match="3 has become the current model"):
        back(registry, sagemaker)
    assert registry.current(TASK) == registry.promote(TASK, "3", None, None)


def test_endpoint_updating_to_the_previous_version_is_accepted(
    registry: Registry, sagemaker: FakeSageMaker
) -> None:
    registry.promote(TASK, "1", "e", "c1")
    registry.promote(TASK, "2", "e", "c2")
    sagemaker.serve("e", "c2", "Updating")
    sagemaker.endpoints["e"] |= {"PendingDeploymentSummary": {"EndpointConfigName": "c1"}}  # type: ignore[dict-item]

    assert back(registry, sagemaker).version == "1"
    assert sagemaker.calls == []


def test_rollback_on_the_same_instances_keeps_their_scaling(
    registry: Registry, sagemaker: FakeSageMaker
) -> None:
    registry.promote(TASK, "1", "e", "c1")
    registry.promote(TASK, "2", "e", "c2")
    sagemaker.serve("e", "c2")
    scaling = FakeScaling()
    scaling.start("e", 1)
    sagemaker.instance_types = {"c1": "ml.c5.large", "c2": "ml.c5.large"}

    roll_back(TASK, registry, endpoint_manager(sagemaker, scaling))

    assert sagemaker.calls == [("update", "e", "c1", "RetainAllVariantProperties")]
    assert scaling.instances == {"e": 1}, "a load that it has grown with is still there"


@pytest.mark.parametrize(
    ("before", "after"), [("ml.c5.large", "ml.c7i.large"), ("ml.c5.large", None), (None, "ml.c5.large")]
)
def test_rollback_leaves_no_endpoint_without_its_scaling(
    registry: Registry, sagemaker: FakeSageMaker, before: str | None, after: str | None
) -> None:
    """Scaling would have to start after an update to other instances, for which no rollback waits."""
    registry.promote(TASK, "1", "e", "c1")
    registry.promote(TASK, "2", "e", "c2")
    sagemaker.serve("e", "c2")
    scaling = FakeScaling()
    if before:
        scaling.start("e", 1)
    sagemaker.instance_types = {name: kind for name, kind in (("c2", before), ("c1", after)) if kind}

    assert roll_back(TASK, registry, endpoint_manager(sagemaker, scaling)).config == "c1"

    assert (sagemaker.calls, sagemaker.endpoints, scaling.instances) == ([("delete", "e")], {}, {})


@pytest.mark.parametrize("status", ["Creating", "Updating", "SystemUpdating", "RollingBack"])
@pytest.mark.parametrize("previous", [None, "e"])
def test_endpoint_that_is_being_changed_stays_unchanged(
    registry: Registry, sagemaker: FakeSageMaker, status: str, previous: str | None
) -> None:
    registry.promote(TASK, "1", previous, "c1" if previous else None)
    before = registry.promote(TASK, "2", "e", "c2")
    sagemaker.serve("e", "c2", status)
    with pytest.raises(EndpointNotChanged, match=f"being changed \\({status}\\)"):
        back(registry, sagemaker)
    assert registry.current(TASK) == before
    assert sagemaker.calls == []


def test_interrupted_rollback_is_finished(registry: Registry, sagemaker: FakeSageMaker) -> None:
    registry.promote(TASK, "1", "e", "c1")
    registry.promote(TASK, "2", "e", "c2")
    sagemaker.serve("e", "c1")
    assert back(registry, sagemaker).version == "1"
    assert sagemaker.calls == []


@pytest.mark.parametrize("status", ["Failed", "OutOfService", "UpdateRollbackFailed"])
def test_failed_endpoint_is_deleted(registry: Registry, sagemaker: FakeSageMaker, status: str) -> None:
    registry.promote(TASK, "1", "e", "c1")
    registry.promote(TASK, "2", "e", "c2")
    sagemaker.serve("e", "c2", status)
    assert back(registry, sagemaker).config == "c1"
    assert sagemaker.calls == [("delete", "e")]


@pytest.mark.parametrize("instance_types", [{}, {"c2": "ml.c5.large"}])
def test_missing_configuration_is_reported_and_nothing_changes(
    registry: Registry, sagemaker: FakeSageMaker, instance_types: dict[str, str]
) -> None:
    sagemaker.instance_types, scaling = instance_types, FakeScaling()
    scaling.start("e", 1)
    registry.promote(TASK, "1", "e", "lost")
    before = registry.promote(TASK, "2", "e", "c2")
    sagemaker.serve("e", "c2")
    with pytest.raises(EndpointNotChanged, match="did not update the endpoint e: Could not find"):
        roll_back(TASK, registry, endpoint_manager(sagemaker, scaling))
    assert (registry.current(TASK), scaling.instances) == (before, {"e": 1})


def test_rollback_without_a_previous_version_is_refused(registry: Registry, sagemaker: FakeSageMaker) -> None:
    with pytest.raises(NothingToRollBackTo):
        back(registry, sagemaker)
    registry.promote(TASK, "1", None, None)
    with pytest.raises(NothingToRollBackTo):
        back(registry, sagemaker)


@pytest.mark.parametrize("first", [("e", "c1"), (None, None)])
def test_endpoint_left_by_a_stopped_retraining_is_updated(
    registry: Registry, sagemaker: FakeSageMaker, first: tuple[str | None, str | None]
) -> None:
    registry.promote(TASK, "1", *first)
    registry.promote(TASK, "2", "e", "c2")
    sagemaker.configs = ("c1", "c2", "of-the-stopped-one")
    sagemaker.serve("e", "of-the-stopped-one")

    assert back(registry, sagemaker).version == "1"

    assert sagemaker.calls == [("update", "e", "c1") if first[0] else ("delete", "e")]

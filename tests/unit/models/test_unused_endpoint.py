"""Deleting endpoints that no model needs."""

from pathlib import Path

import boto3
import pytest

from chalicelib.models.archive import pack, package_files
from chalicelib.models.registry import Registry
from chalicelib.models.unused_endpoint import delete_unused
from chalicelib.storage.bucket import DataBucket
from tests.models import TASK, write_package
from tests.sagemaker import FakeSageMaker, endpoint_manager
from tests.stage import BUCKET

pytestmark = pytest.mark.usefixtures("cloud")


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    """A registry with version `1`, on the endpoint `e`, and `2` and `3`, which are not deployed yet."""
    registry = Registry(DataBucket(boto3.client("s3"), BUCKET))
    for version in ("1", "2", "3"):
        registry.add(TASK, pack(package_files(write_package(tmp_path / version, version=version))), {})
    registry.promote(TASK, "1", "e", "c1")
    return registry


@pytest.fixture
def sagemaker() -> FakeSageMaker:
    sagemaker = FakeSageMaker("c1")
    sagemaker.serve("e", "c1")
    return sagemaker


def test_endpoint_goes_with_the_last_version_that_needs_it(
    registry: Registry, sagemaker: FakeSageMaker
) -> None:
    manager = endpoint_manager(sagemaker)
    assert delete_unused(TASK, "e", registry, manager) == ""

    registry.promote(TASK, "2", None, None)
    assert "The endpoint e stays for a rollback" in delete_unused(TASK, "e", registry, manager)
    assert sagemaker.calls == []

    registry.promote(TASK, "3", None, None)
    assert delete_unused(TASK, "e", registry, manager) == ""
    assert delete_unused(TASK, "e", registry, manager) == ""
    assert sagemaker.calls == [("delete", "e")]


def test_endpoint_that_is_being_changed_stays(registry: Registry, sagemaker: FakeSageMaker) -> None:
    for version in ("2", "3"):
        registry.promote(TASK, version, None, None)
    sagemaker.serve("e", "c1", "Updating")

    assert delete_unused(TASK, "e", registry, endpoint_manager(sagemaker)) == ""
    assert sagemaker.calls == []


def test_endpoint_of_a_task_without_models_is_left_alone(sagemaker: FakeSageMaker) -> None:
    registry = Registry(DataBucket(boto3.client("s3"), BUCKET))

    assert delete_unused(TASK, "e", registry, endpoint_manager(sagemaker)) == ""
    assert sagemaker.calls == []

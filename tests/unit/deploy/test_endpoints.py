"""The script that takes endpoints down and brings them back."""

import json
from pathlib import Path

import boto3
import pytest

from chalicelib.models.archive import pack, package_files
from chalicelib.models.registry import Registry
from chalicelib.storage.bucket import DataBucket
from deploy import endpoints, stages
from tests.models import TASK, write_package
from tests.sagemaker import FakeSageMaker, FakeScaling, endpoint_manager
from tests.stage import BUCKET

pytestmark = pytest.mark.usefixtures("cloud")
OWN = f"negatoscope-prod-{TASK}"


@pytest.fixture(autouse=True)
def _installation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One with the stages `prod` and `prod2`."""
    settings = {
        "prod": {"environment_variables": {"DATA_BUCKET": BUCKET}},
        "prod2": {},
        "local": {"environment_variables": {"DATA_BUCKET": BUCKET}},
    }
    config = tmp_path / "config.json"
    config.write_text(json.dumps({"stages": settings, "environment_variables": {"LOG_LEVEL": "INFO"}}))
    monkeypatch.setattr(stages, "CONFIG", config)
    monkeypatch.setattr(endpoints, "PAUSE", 0.01)


@pytest.fixture
def sagemaker() -> FakeSageMaker:
    return FakeSageMaker("c1")


@pytest.fixture
def registry(cloud: None, tmp_path: Path) -> Registry:
    registry = Registry(DataBucket(boto3.client("s3"), BUCKET))
    folder = write_package(tmp_path / "1", version="1")
    registry.add(TASK, pack(package_files(folder)), {})
    return registry


def test_idle_deletes_only_endpoints_of_the_stage(sagemaker: FakeSageMaker) -> None:
    for name in (OWN, f"negatoscope-prod2-{TASK}", f"my-{OWN}", "negatoscope-prod-oct"):
        sagemaker.serve(name, "c1")
    variables = {"ENDPOINTS": json.dumps({"retinal-oct": "negatoscope-prod-oct"})}
    endpoints.idle("prod", variables, endpoint_manager(sagemaker))
    endpoints.idle("prod", variables, endpoint_manager(sagemaker))
    assert sagemaker.calls == [("delete", OWN)], "what the stage names has nothing to take its place"


def test_wake_recreates_the_endpoint_with_its_configuration(
    sagemaker: FakeSageMaker, registry: Registry
) -> None:
    registry.promote(TASK, "1", OWN, "c1")
    endpoints.wake(registry, endpoint_manager(sagemaker))
    endpoints.wake(registry, endpoint_manager(sagemaker))
    assert sagemaker.calls == [("create", OWN, "c1")]


def test_wake_restores_the_scaling_of_instances(sagemaker: FakeSageMaker, registry: Registry) -> None:
    scaling = FakeScaling()
    sagemaker.instance_types = {"c1": "ml.c5.large"}
    registry.promote(TASK, "1", OWN, "c1")
    endpoints.wake(registry, endpoint_manager(sagemaker, scaling))
    assert scaling.instances == {OWN: 1}
    endpoints.idle("prod", {}, endpoint_manager(sagemaker, scaling))
    assert scaling.instances == {}, "nothing is left that scales"


def test_wake_replaces_a_failed_endpoint(sagemaker: FakeSageMaker, registry: Registry) -> None:
    registry.promote(TASK, "1", OWN, "c1")
    sagemaker.serve(OWN, "c1", "Failed")
    endpoints.wake(registry, endpoint_manager(sagemaker))
    assert sagemaker.calls == [("delete", OWN), ("create", OWN, "c1")]


def test_wake_reports_an_endpoint_that_fails_to_start(
    sagemaker: FakeSageMaker, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry.promote(TASK, "1", OWN, "c1")
    monkeypatch.setattr(sagemaker, "create_endpoint", lambda **_: sagemaker.serve(OWN, "c1", "Failed"))
    with pytest.raises(endpoints.EndpointCommandFailed, match=f"{OWN} did not come into service"):
        endpoints.wake(registry, endpoint_manager(sagemaker))


def test_idle_stops_waiting_for_an_endpoint_after_a_while(
    sagemaker: FakeSageMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(endpoints, "PATIENCE", 0.05)
    sagemaker.serve(OWN, "c1", "Updating")
    with pytest.raises(endpoints.EndpointCommandFailed, match="still Updating"):
        endpoints.idle("prod", {}, endpoint_manager(sagemaker))
    assert sagemaker.calls == []


def test_wake_names_a_deployment_without_configuration(sagemaker: FakeSageMaker, registry: Registry) -> None:
    registry.promote(TASK, "1", OWN, None)
    with pytest.raises(endpoints.EndpointCommandFailed, match="retrain mammography-views"):
        endpoints.wake(registry, endpoint_manager(sagemaker))


def test_wake_creates_nothing_for_embedded_models(sagemaker: FakeSageMaker, registry: Registry) -> None:
    registry.promote(TASK, "1", None, None)
    endpoints.wake(registry, endpoint_manager(sagemaker))
    assert sagemaker.calls == []


def test_endpoints_of_an_unknown_stage_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    assert endpoints.stage_variables("prod") == {"DATA_BUCKET": BUCKET, "LOG_LEVEL": "INFO"}
    for stage in ("prod2", "staging"):
        with pytest.raises(endpoints.EndpointCommandFailed, match="has not been deployed"):
            endpoints.stage_variables(stage)
    with pytest.raises(endpoints.EndpointCommandFailed, match="AWS_ENDPOINT_URL"):
        endpoints.stage_variables("local")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://localhost:1")
    assert endpoints.stage_variables("local")["DATA_BUCKET"] == BUCKET

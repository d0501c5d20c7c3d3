"""Classifying with the deployed model, embedded or on an endpoint."""

import json
from io import BytesIO
from pathlib import Path
from typing import Any

import boto3
import numpy as np
import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from chalicelib.api.task_views import describe
from chalicelib.errors import (
    EndpointMissing,
    InvalidModelPackage,
    ModelFailed,
    TaskHasNoModel,
)
from chalicelib.models.archive import pack, package_files
from chalicelib.models.classification import Classification
from chalicelib.models.classifier import Classifier
from chalicelib.models.deployed_models import COOLDOWN_SECONDS, DeployedModels
from chalicelib.models.embedded import EmbeddedBackend
from chalicelib.models.fresh import FRESH_SECONDS
from chalicelib.models.package import ModelPackage
from chalicelib.models.registry import Registry
from chalicelib.models.seeding import seed
from chalicelib.storage.bucket import DataBucket
from chalicelib.storage.errors import StorageFailed
from chalicelib.tasks import EndpointSpec, load_task
from tests.models import METRICS, TASK, VERSION, write_package
from tests.stage import BUCKET

pytestmark = pytest.mark.usefixtures("cloud")
TASK_ = load_task(TASK)
BOX = (0, 0, TASK_.input.width, TASK_.input.height)
BATCH = np.zeros((2, *TASK_.input.shape), np.uint8)
NOT_FOUND = ClientError(
    {"Error": {"Code": "ValidationError", "Message": "Endpoint e of account 0 not found."}}, "InvokeEndpoint"
)


class Runtime:
    """The SageMaker Runtime; `serves` has the package behind each endpoint, or the error of calling it."""

    def __init__(self) -> None:
        self.serves: dict[str, ModelPackage | Exception] = {}
        self.asked: list[str] = []

    def invoke_endpoint(self, **request: Any) -> dict[str, Any]:
        self.asked.append(request["EndpointName"])
        served = self.serves.get(request["EndpointName"], NOT_FOUND)
        if isinstance(served, Exception):
            raise served
        outputs = EmbeddedBackend(served, 1).run(np.load(BytesIO(request["Body"])))
        assert outputs.activation is not None
        assert outputs.distance is not None
        answer = {
            "model": dict(served.facts),
            "probabilities": outputs.probabilities.tolist(),
            "activation": outputs.activation.tolist(),
            "distance": outputs.distance.tolist(),
        }
        return {"Body": BytesIO(json.dumps(answer).encode())}


class World:
    """A stage with a registry and a classifier."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.time = 0.0
        self.runtime = Runtime()
        self.bucket = DataBucket(boto3.client("s3"), BUCKET)
        self.registry = Registry(self.bucket)
        self.classifier = self.make_classifier()

    def make_classifier(self, endpoints: dict[str, EndpointSpec] | None = None) -> Classifier:
        deployed = DeployedModels(self.registry, clock=lambda: self.time)
        return Classifier(
            endpoints or {}, lambda: self.runtime, self.folder / "bundled", 1, deployed=deployed
        )

    def register(self, version: str, origin: str = "retraining") -> ModelPackage:
        package = ModelPackage.load(write_package(self.folder / version, version=version))
        self.registry.add(TASK, pack(package_files(package.folder)), {"origin": origin})
        return package

    def classify(self) -> Classification:
        first, second = self.classifier.classify(TASK_, BATCH, [BOX, BOX])
        assert first.model == second.model
        return first

    def answered_by(self) -> tuple[str, str]:
        """Version and backend of an answer."""
        model = self.classify().model
        return model.version, model.backend


@pytest.fixture
def world(cloud: None, tmp_path: Path) -> World:
    write_package(tmp_path / "bundled" / TASK)
    return World(tmp_path)


def test_bundled_model_answers_without_a_deployment(world: World) -> None:
    assert world.answered_by() == (VERSION, "embedded")
    assert world.classifier.endpoint(TASK_) is None
    model = describe(TASK_, world.classifier)["model"]
    assert model
    assert (model["version"], model["since"]) == (VERSION, None)


def test_promotion_takes_effect_within_a_minute(world: World) -> None:
    world.register("2")
    assert world.answered_by() == (VERSION, "embedded")
    world.registry.promote(TASK, "2", None, None)
    world.time = FRESH_SECONDS - 1
    assert world.answered_by() == (VERSION, "embedded")
    world.time = FRESH_SECONDS
    assert world.answered_by() == ("2", "embedded")


def test_clock_set_back_does_not_extend_the_cache(world: World) -> None:
    world.register("2")
    world.time = 1000
    world.classify()
    world.registry.promote(TASK, "2", None, None)
    world.time = 0
    assert world.answered_by() == ("2", "embedded")


def test_bundled_version_is_not_fetched(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    package = world.classifier.package(TASK_)
    assert package is not None
    seed(world.registry, TASK, package)
    monkeypatch.setattr(Registry, "archive", None)
    assert world.answered_by() == (VERSION, "embedded")
    model = describe(TASK_, world.classifier)["model"]
    current = world.registry.current(TASK)
    assert current is not None
    assert model
    assert (model["version"], model["since"]) == (VERSION, current.since)


def test_package_is_fetched_once_and_leaves_nothing(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    fetched = []
    archive = Registry.archive

    def counting(self: Registry, task: str, version: str) -> bytes:
        fetched.append(version)
        return archive(self, task, version)

    monkeypatch.setattr(Registry, "archive", counting)
    for version in ("2", "3"):
        world.register(version)
        world.registry.promote(TASK, version, None, None)
        world.time += FRESH_SECONDS
        assert world.answered_by() == (version, "embedded")
        world.time += FRESH_SECONDS
        assert world.answered_by() == (version, "embedded")
    assert fetched == ["2", "3"]
    assert list(temporary.iterdir()) == []


def test_promoted_endpoint_answers(world: World) -> None:
    package = world.register("2")
    world.registry.promote(TASK, "2", "e", "config")
    world.runtime.serves["e"] = package
    assert world.answered_by() == ("2", "endpoint")
    assert world.classifier.endpoint(TASK_) == "e"
    model = describe(TASK_, world.classifier)["model"]
    assert model
    assert (model["backend"], model["endpoint"], model["version"]) == ("endpoint", "e", "2")
    assert (model["sha256"], model["metrics"]) == (package.sha256, METRICS)


def test_endpoint_of_the_stage_takes_precedence(world: World) -> None:
    world.register("2")
    world.registry.promote(TASK, "2", "e", "config")
    world.runtime.serves["named"] = world.register("3")
    world.classifier = world.make_classifier({TASK: EndpointSpec("named", "negatoscope")})
    assert world.answered_by() == ("3", "endpoint")
    assert world.runtime.asked == ["named"]
    assert not world.classifier.is_current(TASK_, {"sha256": "0"})
    del world.runtime.serves["named"]
    with pytest.raises(EndpointMissing, match="named"):
        world.classify()


def test_deleted_endpoint_is_replaced_by_its_package(world: World) -> None:
    world.register("2")
    world.registry.promote(TASK, "2", "e", "config")
    assert world.answered_by() == ("2", "embedded")
    world.runtime.serves["e"] = ModelPackage.load(world.folder / "2")
    assert world.answered_by() == ("2", "endpoint"), "as soon as it is back"


def model_error(status: int) -> ClientError:
    response: Any = {"Error": {"Code": "ModelError", "Message": "?"}, "OriginalStatusCode": status}
    return ClientError(response, "InvokeEndpoint")


def client_error(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "?"}}, "InvokeEndpoint")


FAILED = model_error(500)
NOT_READY = (
    client_error("ModelNotReadyException"),
    client_error("ThrottlingException"),
    ReadTimeoutError(endpoint_url="https://e"),
    model_error(503),
)
NOT_READY_IDS = ("starting", "throttled", "hangs", "died")
TROUBLE = pytest.mark.parametrize("trouble", [*NOT_READY, FAILED], ids=[*NOT_READY_IDS, "fails"])


@TROUBLE
@pytest.mark.parametrize("endpoint", [None, "e3"])
def test_failure_of_a_former_endpoint_refreshes_the_deployment(
    world: World, trouble: Exception, endpoint: str | None
) -> None:
    for version in ("2", "3"):
        world.register(version)
    world.registry.promote(TASK, "2", "e2", "config")
    world.runtime.serves["e2"] = ModelPackage.load(world.folder / "2")
    assert world.answered_by() == ("2", "endpoint")
    world.registry.promote(TASK, "3", endpoint, "config" if endpoint else None)
    world.runtime.serves["e2"] = trouble
    if endpoint:
        world.runtime.serves[endpoint] = ModelPackage.load(world.folder / "3")

    assert world.answered_by() == ("3", "endpoint" if endpoint else "embedded")


def test_failure_of_the_current_model_is_reported(world: World) -> None:
    world.register("2")
    world.registry.promote(TASK, "2", "e", "config")
    world.runtime.serves["e"] = FAILED

    with pytest.raises(ModelFailed):
        world.classify()

    world.runtime.serves["e"] = ModelPackage.load(world.folder / "2")
    assert world.answered_by() == ("2", "endpoint"), "nothing is lost by trying again"


@pytest.mark.parametrize("trouble", NOT_READY, ids=NOT_READY_IDS)
def test_package_answers_while_the_endpoint_is_not_ready(world: World, trouble: Exception) -> None:
    world.register("2")
    world.registry.promote(TASK, "2", "e", "config")
    world.runtime.serves["e"] = trouble

    assert world.answered_by() == ("2", "embedded")
    world.time = COOLDOWN_SECONDS - 1
    assert world.answered_by() == ("2", "embedded")
    assert world.runtime.asked == ["e"], "each request could take as long as its caller has"

    world.runtime.serves["e"] = ModelPackage.load(world.folder / "2")
    world.time = COOLDOWN_SECONDS
    assert world.answered_by() == ("2", "endpoint")


def test_deleted_endpoint_refreshes_the_deployment(world: World) -> None:
    for version in ("2", "3", "4"):
        world.register(version)
    world.registry.promote(TASK, "2", "e2", "config")
    world.runtime.serves["e2"] = ModelPackage.load(world.folder / "2")
    world.classify()
    del world.runtime.serves["e2"]
    world.registry.promote(TASK, "3", "e3", "config")
    world.runtime.serves["e3"] = ModelPackage.load(world.folder / "3")
    assert world.answered_by() == ("3", "endpoint")
    del world.runtime.serves["e3"]
    world.registry.promote(TASK, "4", "e4", "config")
    assert world.answered_by() == ("4", "embedded"), "the new endpoint is missing as well"


def test_rollback_to_the_bundled_model_refreshes_the_deployment(world: World) -> None:
    package = world.classifier.package(TASK_)
    assert package is not None
    seed(world.registry, TASK, package)
    world.runtime.serves["e"] = world.register("2")
    world.registry.promote(TASK, "2", "e", "config")
    assert world.answered_by() == ("2", "endpoint")
    world.registry.roll_back(TASK, world.registry.current(TASK))
    del world.runtime.serves["e"]
    assert world.answered_by() == (VERSION, "embedded")


def test_only_the_deployed_version_answers(world: World) -> None:
    old, new = world.register("2"), world.register("3")
    world.registry.promote(TASK, "2", "e", "config-2")
    world.runtime.serves["e"] = new
    assert world.answered_by() == ("2", "embedded"), "the endpoint is ahead of the registry"
    world.registry.promote(TASK, "3", "e", "config-3")
    assert world.answered_by() == ("3", "endpoint"), "within the minute, because the answer was new"
    world.registry.roll_back(TASK, world.registry.current(TASK))
    world.time += FRESH_SECONDS
    assert world.answered_by() == ("2", "embedded"), "the endpoint is on its way back"
    world.runtime.serves["e"] = old
    assert world.answered_by() == ("2", "endpoint")


def test_known_deployment_is_used_while_storage_fails(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.runtime.serves["e"] = world.register("2")
    world.registry.promote(TASK, "2", "e", "config")
    world.classify()

    def fail(*_: object) -> None:
        raise StorageFailed("EndpointConnectionError")

    monkeypatch.setattr(DataBucket, "read", fail)
    monkeypatch.setattr(DataBucket, "exists", fail)
    world.time += 10 * FRESH_SECONDS
    assert world.answered_by() == ("2", "endpoint")
    world.classifier = world.make_classifier()
    with pytest.raises(StorageFailed):
        world.classify()


def test_answer_is_current_wherever_its_version_ran(world: World) -> None:
    package = world.register("2")
    bundled = world.classifier.package(TASK_)
    assert bundled is not None
    assert world.classifier.is_current(TASK_, {"sha256": bundled.sha256})
    world.registry.promote(TASK, "2", "e", "config")
    world.time += FRESH_SECONDS
    assert world.classifier.is_current(TASK_, {"sha256": package.sha256, "backend": "embedded"})
    assert world.classifier.is_current(TASK_, {"sha256": package.sha256, "backend": "endpoint"})
    assert not world.classifier.is_current(TASK_, {"sha256": bundled.sha256})
    assert not world.classifier.is_current(TASK_, {"sha256": None})
    assert not world.classifier.is_current(TASK_, None)


def test_task_with_a_model_only_in_the_registry_is_classified(world: World, tmp_path: Path) -> None:
    world.classifier = Classifier(
        {}, lambda: world.runtime, tmp_path / "none", deployed=DeployedModels(world.registry)
    )
    with pytest.raises(TaskHasNoModel):
        world.classifier.require_model(TASK_)
    assert describe(TASK_, world.classifier)["model"] is None
    world.register("2")
    world.registry.promote(TASK, "2", None, None)
    world.classifier = Classifier(
        {}, lambda: world.runtime, tmp_path / "none", deployed=DeployedModels(world.registry)
    )
    world.classifier.require_model(TASK_)
    assert world.answered_by() == ("2", "embedded")


@pytest.mark.parametrize(("origin", "codes"), [("retraining", []), ("import", ["weak-model"])])
def test_imported_model_below_the_gate_needs_review_of_every_answer(
    world: World, origin: str, codes: list[str]
) -> None:
    """A model of a retraining has passed the gate of its time."""
    world.register("2", origin)
    world.registry.promote(TASK, "2", None, None)

    assert [reason.code for reason in world.classify().reasons] == codes


def stored(world: World, files: dict[str, bytes]) -> None:
    world.bucket.write(f"models/{TASK}/2/model.tar.gz", pack(files), "application/gzip")


def test_package_that_is_not_what_was_deployed_is_refused(world: World) -> None:
    package = world.register("2")
    world.registry.promote(TASK, "2", None, None)
    files = package_files(package.folder)
    other = write_package(world.folder / "other", version="3")
    foreign = write_package(world.folder / "foreign", load_task("chest-xray"))
    for content, reason in [
        (files | {"model.onnx": b"other"}, "sha256 differs"),
        ({"model.json": files["model.json"]}, "cannot be read"),
        (package_files(other), "does not hold the model"),
        (package_files(foreign), "other classes"),
    ]:
        stored(world, content)
        with pytest.raises(InvalidModelPackage, match=reason):
            world.classify()
    world.bucket.delete(f"models/{TASK}/2/model.tar.gz")
    with pytest.raises(InvalidModelPackage, match="no model '2' for mammography-views"):
        world.classify()
    stored(world, files)
    assert world.answered_by() == ("2", "embedded")

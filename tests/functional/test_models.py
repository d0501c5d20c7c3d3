"""Model versions in the API: listing, files and rollback."""

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from chalice.test import Client, HTTPResponse

from chalicelib import dependencies
from chalicelib.models.archive import pack, package_files
from chalicelib.models.classifier import Classifier
from chalicelib.models.deployed_models import DeployedModels
from chalicelib.models.package import ModelPackage
from chalicelib.models.registry import Registry
from chalicelib.models.seeding import seed
from chalicelib.retraining.executions import Executions
from tests import images
from tests.functional.conftest import Call, as_member
from tests.functional.test_openapi import schema
from tests.models import METRICS, TASK, VERSION, write_package
from tests.sagemaker import FakeSageMaker, endpoint_manager

MODELS = "/tasks/{task}/models"
FILE = "/tasks/{task}/models/{version}/{file}"
ROLLBACK = "/tasks/{task}/rollback"


@pytest.fixture
def sagemaker(monkeypatch: pytest.MonkeyPatch) -> FakeSageMaker:
    sagemaker = FakeSageMaker("c1", "c2")
    monkeypatch.setattr(dependencies, "endpoint_manager", lambda: endpoint_manager(sagemaker))
    return sagemaker


@pytest.fixture
def registry(client: Client, sagemaker: FakeSageMaker, tmp_path: Path, monkeypatch: Any) -> Registry:
    """The stage's registry, with the bundled model and a candidate, `next`."""
    registry = dependencies.registry()
    folder = tmp_path / TASK
    (folder / "card.md").write_text("# Card für alle")
    (folder / "plots").mkdir()
    (folder / "plots" / "roc.svg").write_text("<svg><script>alert(1)</script></svg>")
    seed(registry, TASK, ModelPackage.load(folder))
    candidate = write_package(tmp_path / "next", version="next")
    registry.add(TASK, pack(package_files(candidate)), {"retraining": "run-1"})
    classifier = Classifier({}, lambda: None, tmp_path, deployed=DeployedModels(registry))
    monkeypatch.setattr(dependencies, "classifier", lambda: classifier)
    dependencies.pipeline.cache_clear()
    return registry


def fits(response: HTTPResponse, path: str, method: str, status: int) -> Any:
    assert response.status_code == status, response.body
    schema(path, method, status).validate(response.json_body)
    return response.json_body


def test_versions_are_listed(call: Call, registry: Registry) -> None:
    answer = fits(call("GET", f"/tasks/{TASK}/models"), MODELS, "GET", 200)
    newest, oldest = answer["models"]
    assert (newest["version"], newest["status"], newest["since"]) == ("next", "candidate", None)
    assert (newest["retraining"], newest["parent"], newest["metrics"]) == ("run-1", VERSION, METRICS)
    assert (oldest["version"], oldest["status"], oldest["origin"]) == (VERSION, "current", "bundled")
    current = registry.current(TASK)
    assert current is not None
    assert oldest["since"] == current.since
    assert fits(call("GET", "/tasks/chest-xray/models"), MODELS, "GET", 200) == {"models": []}
    fits(call("GET", "/tasks/feet/models"), MODELS, "GET", 404)


@pytest.mark.parametrize(
    ("file", "content_type", "content"),
    [
        ("card.md", "text/markdown; charset=utf-8", "# Card für alle"),
        ("roc.svg", "image/svg+xml", "<svg><script>alert(1)</script></svg>"),
    ],
)
def test_card_and_plots_are_shown_without_active_content(
    call: Call, registry: Registry, file: str, content_type: str, content: str
) -> None:
    response = call("GET", f"/tasks/{TASK}/models/{VERSION}/{file}")
    assert response.status_code == 200
    assert response.body.decode() == content
    assert response.headers["Content-Type"] == content_type
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    policy = response.headers["Content-Security-Policy"].split("; ")
    assert "default-src 'none'" in policy
    assert "sandbox" in policy


def test_package_is_downloaded_from_the_bucket(call: Call, registry: Registry) -> None:
    answer = call("GET", f"/tasks/{TASK}/models/next/model.tar.gz")

    assert answer.status_code == 303
    address = urlsplit(answer.headers["Location"])
    assert address.path.endswith(f"/models/{TASK}/next/model.tar.gz")
    assert "X-Amz-Signature" in address.query
    fits(call("GET", f"/tasks/{TASK}/models/none/model.tar.gz"), FILE, "GET", 404)


def test_facts_are_shown(call: Call, registry: Registry) -> None:
    answer = fits(call("GET", f"/tasks/{TASK}/models/next/model.json"), FILE, "GET", 200)
    assert answer["version"] == "next"


@pytest.mark.parametrize("file", ["record.json", "model.onnx", "other.svg", "current.json"])
def test_other_files_are_not_shown(call: Call, registry: Registry, file: str) -> None:
    error = fits(call("GET", f"/tasks/{TASK}/models/{VERSION}/{file}"), FILE, "GET", 404)
    assert error["code"] == "UnknownModel"
    fits(call("GET", f"/tasks/{TASK}/models/none/card.md"), FILE, "GET", 404)


def classify(call: Call) -> Any:
    answer = call("POST", f"/tasks/{TASK}/classify", images.grey_file(), Content_Type="image/png")
    assert answer.status_code == 200, answer.body
    return answer.json_body


def test_model_is_promoted_and_rolled_back(call: Call, registry: Registry, sagemaker: FakeSageMaker) -> None:
    registry.promote(TASK, "next", None, None)
    assert classify(call)["model"]["version"] == "next"
    tasks = fits(call("GET", "/tasks"), "/tasks", "GET", 200)["tasks"]
    (model,) = (task["model"] for task in tasks if task["name"] == TASK)
    current = registry.current(TASK)
    assert current is not None
    assert (model["version"], model["since"]) == ("next", current.since)

    answer = fits(call("POST", f"/tasks/{TASK}/rollback"), ROLLBACK, "POST", 200)

    assert (answer["version"], answer["previous"], answer["endpoint"]) == (VERSION, "next", None)
    assert sagemaker.calls == []
    fits(call("POST", "/tasks/feet/rollback"), ROLLBACK, "POST", 404)
    error = fits(call("POST", "/tasks/chest-xray/rollback"), ROLLBACK, "POST", 409)
    assert error["code"] == "NothingToRollBackTo"
    entry, *_ = fits(call("GET", "/audit"), "/audit", "GET", 200)["entries"]
    assert (entry["user"], entry["act"], entry["subject"]) == ("local", "roll-back-model", TASK)
    assert entry["details"] == {"version": VERSION}


def test_deleted_deployed_model_counts_as_missing(call: Call, registry: Registry) -> None:
    registry.promote(TASK, "next", None, None)
    bucket = dependencies.bucket()
    for key in list(bucket.keys(f"models/{TASK}/next/")):
        bucket.delete(key)

    tasks = fits(call("GET", "/tasks"), "/tasks", "GET", 200)["tasks"]

    assert [task["model"] for task in tasks if task["name"] == TASK] == [None]


def test_same_image_is_not_classified_again_until_the_model_changes(call: Call, registry: Registry) -> None:
    first = classify(call)
    assert classify(call)["classified_at"] == first["classified_at"]
    registry.promote(TASK, "next", None, None)
    dependencies.classifier()._deployed.refresh(TASK)  # type: ignore[union-attr]  # as after a minute
    again = classify(call)
    assert (again["id"], again["model"]["version"]) == (first["id"], "next")


def test_rollback_waits_for_an_endpoint_that_is_being_changed(
    call: Call, registry: Registry, sagemaker: FakeSageMaker
) -> None:
    registry.promote(TASK, "next", "negatoscope-test-e", "c2")
    sagemaker.serve("negatoscope-test-e", "c2", "Updating")
    error = fits(call("POST", f"/tasks/{TASK}/rollback"), ROLLBACK, "POST", 409)
    assert error["code"] == "EndpointNotChanged"
    assert "Try again" in error["message"]


def test_rollback_waits_for_the_end_of_a_retraining(
    call: Call, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry.promote(TASK, "next", None, None)
    dependencies._repository().lock(TASK, "arn:aws:states:::execution:retrain:run-1")
    monkeypatch.setattr(Executions, "is_running", lambda _, arn: arn.endswith("run-1"))

    error = fits(call("POST", f"/tasks/{TASK}/rollback"), ROLLBACK, "POST", 409)

    assert error["code"] == "AlreadyRetraining"
    assert "run-1" in error["message"]


def test_everything_is_allowed_without_login(call: Call) -> None:
    answer = fits(call("GET", "/me"), "/me", "GET", 200)
    groups = ["reader", "reviewer", "admin"]
    assert answer == {"login": False, "user": "local", "groups": groups, "role": "admin", "tasks": None}


@pytest.mark.usefixtures("_login")
@pytest.mark.parametrize("groups", ["", "reader", "reader,reviewer", "[reader reviewer]", "not-admin"])
def test_only_admins_roll_back(registry: Registry, groups: str) -> None:
    before = registry.promote(TASK, "next", None, None)
    status, error = as_member(groups, "POST", ROLLBACK, task=TASK)
    assert (status, error["code"]) == (403, "NotAllowed")
    assert "'admin'" in error["message"]
    schema(ROLLBACK, "POST", 403).validate(error)
    assert registry.current(TASK) == before


@pytest.mark.usefixtures("_login")
@pytest.mark.parametrize("groups", ["admin", "reader,admin", "[reader admin]"])
def test_admins_roll_back(registry: Registry, groups: str) -> None:
    registry.promote(TASK, "next", None, None)
    status, answer = as_member(groups, "POST", ROLLBACK, task=TASK)
    assert (status, answer["version"]) == (200, VERSION)

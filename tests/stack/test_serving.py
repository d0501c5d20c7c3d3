"""The model that answers: promotion, idle and woken endpoints, and rollback, with served models."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from PIL import Image

from chalicelib.models.package import BUNDLED_MODELS
from chalicelib.models.registry import Registry
from chalicelib.storage.bucket import DataBucket
from chalicelib.tasks import load_task
from local.deployment import aws_environment
from local.stack import BUCKET
from tests.images import encode
from tests.stack.client import TASK, Client, asking, wait_for
from tests.stack.sagemaker_harness import IMAGE, SageMakerHarness
from training.archive import write_archive

ENDPOINT = f"negatoscope-local-{TASK}"
READ_MODELS = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{BUCKET}/models/*"}
    ],
}


def retrained(folder: Path, version: str) -> bytes:
    """The bundled model as another version, with its serving code."""
    shutil.copytree(BUNDLED_MODELS / TASK, folder)
    model = onnx.load(folder / "model.onnx")
    model.doc_string = version
    graph = model.SerializeToString()
    (folder / "model.onnx").write_bytes(graph)
    facts = json.loads((folder / "model.json").read_text())
    facts |= {"version": version, "sha256": hashlib.sha256(graph).hexdigest()}
    (folder / "model.json").write_text(json.dumps(facts))
    path = folder.with_suffix(".tar.gz")
    write_archive(folder, load_task(TASK), path)
    return path.read_bytes()


class Desk:
    """Deploys models and asks which one answers."""

    def __init__(self, harness: SageMakerHarness, folder: Path):
        self.harness = harness
        self.folder = folder
        self.client: Client = harness.client
        self.registry = Registry(DataBucket(harness.s3, BUCKET))
        self.role = harness.role("serving-tests", READ_MODELS)

    def register(self, version: str, most: int = 5) -> str:
        """Register a version, and make a configuration that serves `most` requests at a time; its name."""
        self.registry.add(TASK, retrained(self.folder / version, version), {})
        url = f"s3://{BUCKET}/models/{TASK}/{version}/model.tar.gz"
        name = self.harness.name(f"{ENDPOINT}-{version}")
        self.harness.sagemaker.create_model(
            ModelName=name,
            ExecutionRoleArn=self.role,
            PrimaryContainer={"Image": IMAGE, "ModelDataUrl": url},
        )
        variant = {
            "VariantName": "AllTraffic",
            "ModelName": name,
            "ServerlessConfig": {"MemorySizeInMB": 3072, "MaxConcurrency": most},
        }
        self.harness.sagemaker.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[variant])
        return name

    def answered_by(self) -> tuple[str, str]:
        """The version and backend that classify a new image."""
        noise = np.frombuffer(os.urandom(96 * 64), np.uint8).reshape(96, 64)
        image = encode(Image.fromarray(noise), "PNG")
        answer = self.client.api("POST", f"/api/tasks/{TASK}/classify", image, Content_Type="image/png")
        assert answer.status == 200, answer.body
        model = answer.json["model"]
        return model["version"], model["backend"]

    def is_answered_by(self, version: str, backend: str) -> Callable[[], bool]:
        """Whether several calls in a row have this version and backend."""
        return lambda: {self.answered_by() for _ in range(3)} == {(version, backend)}

    def rolled_back(self) -> Any:
        """Roll back and return the response."""
        answer = self.client.api("POST", f"/api/tasks/{TASK}/rollback")
        assert answer.status == 200, answer.body
        return answer.json

    def script(self, action: str) -> str:
        """Run `make idle` or `make wake` and return its output."""
        done = subprocess.run(
            [sys.executable, "-m", "deploy.endpoints", action, "local"],
            env=aws_environment(self.client.stack.aws_url),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout


@pytest.fixture(scope="module")
def desk(harness: SageMakerHarness, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    desk = Desk(harness, tmp_path_factory.mktemp("models"))
    bundled = desk.registry.current(TASK)
    assert bundled is not None, "deploying registers the bundled models"
    yield desk
    desk.registry.promote(TASK, bundled.version, None, None)
    if harness.sagemaker.list_endpoints(NameContains=ENDPOINT)["Endpoints"]:
        harness.served(ENDPOINT)
        harness.remove(ENDPOINT)


def test_bundled_models_are_registered(client: Client) -> None:
    tasks = {task["name"]: task["model"] for task in client.api("GET", "/api/tasks").json["tasks"]}
    for file in BUNDLED_MODELS.glob("*/model.json"):
        folder = file.parent
        (version,) = client.api("GET", f"/api/tasks/{folder.name}/models").json["models"]
        facts = json.loads((folder / "model.json").read_text())
        assert (version["version"], version["status"]) == (facts["version"], "current")
        assert version["origin"] == "bundled"
        assert tasks[folder.name]["since"] == version["since"]
        path = f"/api/tasks/{folder.name}/models/{facts['version']}"
        assert client.api("GET", f"{path}/card.md").body == (folder / "card.md").read_bytes()
        plot = client.api("GET", f"{path}/roc.svg")
        assert plot.body == (folder / "plots" / "roc.svg").read_bytes()
        assert plot.headers["Content-Type"] == "image/svg+xml"
    assert client.api("GET", f"/api/tasks/{TASK}/models/none/card.md").status == 404


def test_promotion_endpoints_and_rollback(desk: Desk) -> None:
    bundled = desk.registry.current(TASK)
    assert bundled is not None
    first, second = desk.register("first"), desk.register("second")
    assert desk.answered_by() == (bundled.version, "embedded")

    # Promoted: everybody uses it within a minute.
    desk.harness.sagemaker.create_endpoint(EndpointName=ENDPOINT, EndpointConfigName=first)
    assert desk.harness.served(ENDPOINT)["EndpointStatus"] == "InService"
    desk.registry.promote(TASK, "first", ENDPOINT, first)
    promoted = time.monotonic()
    wait_for(desk.is_answered_by("first", "endpoint"), patience=75, pause=1.0)
    assert time.monotonic() - promoted < 70
    time.sleep(max(0.0, promoted + 60 - time.monotonic()))
    assert desk.is_answered_by("first", "endpoint")()

    # Taken down: no call fails, the same version answers.
    with asking(desk.answered_by) as heard:
        said = desk.script("idle")
        wait_for(lambda: ("first", "embedded") in heard)
    assert heard <= {("first", "endpoint"), ("first", "embedded")}
    assert f"{ENDPOINT}: deleted" in said
    assert desk.is_answered_by("first", "embedded")()
    assert "no endpoints" in desk.script("idle")

    # Brought back: the same configuration, used at once.
    with asking(desk.answered_by) as heard:
        said = desk.script("wake")
        wait_for(lambda: ("first", "endpoint") in heard)
    assert heard <= {("first", "endpoint"), ("first", "embedded")}
    assert f"{ENDPOINT}: creating with {first}" in said
    assert desk.harness.served(ENDPOINT)["EndpointConfigName"] == first
    assert "creating with" not in desk.script("wake")

    # Replaced on the same endpoint, and rolled back there; only what is promoted answers.
    desk.harness.sagemaker.update_endpoint(EndpointName=ENDPOINT, EndpointConfigName=second)
    refused = desk.client.api("POST", f"/api/tasks/{TASK}/rollback")
    assert (refused.status, refused.json["code"]) == (409, "EndpointNotChanged")
    assert desk.harness.served(ENDPOINT)["EndpointConfigName"] == second
    assert desk.answered_by() == ("first", "embedded")
    desk.registry.promote(TASK, "second", ENDPOINT, second)
    assert desk.answered_by() == ("second", "endpoint")
    with asking(desk.answered_by) as heard:
        assert desk.rolled_back() | {"since": ""} == {
            "version": "first",
            "sha256": desk.registry.record(TASK, "first")["sha256"],
            "endpoint": ENDPOINT,
            "config": first,
            "previous": "second",
            "since": "",
        }
        wait_for(lambda: ("first", "endpoint") in heard, patience=75)
    assert heard <= {
        ("second", "endpoint"),
        ("second", "embedded"),
        ("first", "embedded"),
        ("first", "endpoint"),
    }
    assert desk.harness.served(ENDPOINT)["EndpointConfigName"] == first

    # Rolled back to the bundled model: the endpoint goes, nothing fails.
    desk.registry.promote(TASK, bundled.version, None, None)
    desk.registry.promote(TASK, "first", ENDPOINT, first)
    with asking(desk.answered_by) as heard:
        assert desk.rolled_back()["endpoint"] is None
        wait_for(lambda: (bundled.version, "embedded") in heard)
    wait_for(desk.is_answered_by(bundled.version, "embedded"), patience=75, pause=1.0)
    wait_for(lambda: not desk.harness.sagemaker.list_endpoints(NameContains=ENDPOINT)["Endpoints"])

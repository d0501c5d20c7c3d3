"""Deploys versions of the bundled model, on an endpoint or without one."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from PIL import Image

from chalicelib.models.package import BUNDLED_MODELS
from chalicelib.models.registry import Registry
from chalicelib.storage.bucket import DataBucket
from chalicelib.tasks import load_task
from local.deployment import aws_environment
from local.stack import BUCKET
from tests.images import encode
from tests.stack.client import TASK, Client
from tests.stack.processes import kill, running
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


class ModelDeployer:
    """Deploys models, and asks which one answers."""

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

    def restart_lambdas(self) -> None:
        """Kill the processes of the Lambdas: new ones know the current version at once."""
        kill(running(self.client.stack.processes["AWS emulator"], "lambda_bootstrap.py"))

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

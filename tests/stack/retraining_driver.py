"""A driver for tests of retraining, and images that a tiny network learns in seconds."""

import csv
import json
from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO
from itertools import count
from typing import Any

import numpy as np
from PIL import Image

from chalicelib.hyperparameters import searched
from chalicelib.tasks import load_task
from local.stack import BUCKET
from tests.images import encode
from tests.stack.client import Answer, Client, wait_for
from tests.stack.sagemaker_harness import SageMakerHarness

TASK = load_task("breast-histology")
ENDPOINT = f"negatoscope-local-{TASK.name}"
MACHINE = "arn:aws:states:us-east-1:000000000000:stateMachine:negatoscope-local-retrain"
PATIENTS = 16  # per class
PATIENCE = 1200.0  # seconds for a retraining
PAUSE = 0.5
"""Seconds between two looks at a retraining: each is a call of a Lambda, and the jobs need the processor."""
TINY: dict[str, int | float | str] = {
    "architecture": "resnet",
    "batch_size": 8,
    "bootstrap": 50,
    "ema_decay": 0.5,
    "epochs": 16,
    "feature_views": 0,
    "frozen_blocks": 0,
    "head_epochs": 0,
    "mixup": 0,
    "normalization": "fixed",
    "learning_rate": 0.003,
    "ensemble_size": 1,
    "patience": 16,
    "num_seeds": 1,
    "stem_stride": 2,
    "tta": "none",
    "validation": "fixed",
    "width": 8,
}
"""Hyper-parameters with which the images of `patch` are learnt in seconds."""
TRANSFER: dict[str, int | float | str] = {
    "architecture": "efficientnet-lite0",
    "feature_views": 4,
    "frozen_blocks": 5,
    "head_epochs": 5,
}
"""The same from ImageNet weights, as the recipes do it."""

_KNOWN, _NEW = 0, 1
"""Stains. A model that knows only one is wrong about the other."""


def patch(label: int, seed: int, stain: int = _KNOWN) -> bytes:
    """A PNG of tissue whose colour, red or blue, is its class. The greenish new stain swaps the two."""
    coarse = np.random.default_rng((seed, label, stain)).integers(0, 256, (6, 6, 3)).astype(np.uint8)
    texture = Image.fromarray(coarse).resize((50, 50), Image.Resampling.BICUBIC)
    pixels = 40 + np.asarray(texture).astype(np.int16) // 4
    pixels[:, :, (0, 2)[label ^ stain]] += 110
    pixels[:, :, 1] += 110 * stain
    return encode(Image.fromarray(pixels.astype(np.uint8)), "PNG")


def put_images(s3: Any, bucket: str) -> None:
    """Upload labelled images to the data set folder of a stage's bucket."""
    lines = ["path,class,group"]
    for label, name in enumerate(TASK.class_names):
        for patient in range(PATIENTS):
            path = f"{name}/{patient:02}.png"
            s3.put_object(Bucket=bucket, Key=f"datasets/{TASK.name}/{path}", Body=patch(label, patient))
            lines.append(f"{path},{name},{name}-{patient}")
    s3.put_object(Bucket=bucket, Key=f"datasets/{TASK.name}/manifest.csv", Body="\n".join(lines).encode())


class RetrainingDriver:
    """Labels images of one task, starts and follows retrainings, and asks models."""

    def __init__(self, harness: SageMakerHarness):
        self.harness = harness
        self.client: Client = harness.client
        self.states: Any = harness.client.aws("stepfunctions")
        self._seeds = count(1000)

    # ------------------------------------------------------------------------------------- images

    def put_images(self) -> None:
        """Upload labelled images to the data set folder."""
        put_images(self.client.s3, BUCKET)

    def classify(self, image: bytes) -> Answer:
        """Classify an image and return the response."""
        path = f"/api/tasks/{TASK.name}/classify"
        return self.client.api("POST", path, image, Content_Type="image/png")

    def answered_by(self) -> str:
        """The version of the model that classifies a new image."""
        answer = self.classify(patch(0, next(self._seeds)))
        assert answer.status == 200, answer.body
        return str(answer.json["model"]["version"])

    def wait_until_served_by(self, version: str, backend: str = "endpoint") -> None:
        """Wait until a version answers from a backend. Every Lambda learns of it within a minute."""

        def is_served() -> bool:
            answers = [self.classify(patch(0, next(self._seeds))) for _ in range(3)]
            if any(answer.status != 200 for answer in answers):
                return False
            models = [answer.json["model"] for answer in answers]
            return {(model["version"], model["backend"]) for model in models} == {(version, backend)}

        wait_for(is_served, pause=1.0)

    def correct(self, images: int) -> dict[str, str]:
        """Classify images of a new stain and correct their labels. Return the classes by id."""
        labels = {}
        for number in range(images):
            label = number % len(TASK.class_names)
            result = self.classify(patch(label, number, _NEW)).json
            labels[result["id"]] = TASK.class_names[label]
            answer = self.post(f"/results/{result['id']}/review", {"label": labels[result["id"]]}, "PUT")
            assert answer.status == 200, answer.body
        return labels

    def remove_endpoint(self) -> None:
        """Delete the task's endpoint, if there is one."""
        if self.harness.sagemaker.list_endpoints(NameContains=ENDPOINT)["Endpoints"]:
            self.harness.served(ENDPOINT)
            self.harness.remove(ENDPOINT)

    @contextmanager
    def serving(self, kind: str) -> Iterator[None]:
        """Let the stage serve new models of the task in another way than the task file says."""
        lambdas: Any = self.client.aws("lambda")
        function = "negatoscope-local-retraining"
        before = lambdas.get_function_configuration(FunctionName=function)["Environment"]["Variables"]
        changed = before | {"SERVING": json.dumps({TASK.name: kind})}
        lambdas.update_function_configuration(FunctionName=function, Environment={"Variables": changed})
        try:
            yield
        finally:
            lambdas.update_function_configuration(FunctionName=function, Environment={"Variables": before})

    @contextmanager
    def without_models(self) -> Iterator[None]:
        """Remove the task's models, and restore them afterwards in place of any new ones."""
        prefix = f"models/{TASK.name}/"
        kept = {key: self.read(key) for key in self.client.keys(prefix)}
        for key in kept:
            self.client.s3.delete_object(Bucket=BUCKET, Key=key)
        try:
            yield
        finally:
            for key in self.client.keys(prefix):
                self.client.s3.delete_object(Bucket=BUCKET, Key=key)
            for key, content in kept.items():
                self.client.s3.put_object(Bucket=BUCKET, Key=key, Body=content)

    # --------------------------------------------------------------------------------- retrainings

    def post(self, path: str, body: Any, method: str = "POST") -> Answer:
        """Send one request with a JSON body."""
        return self.client.api(
            method, f"/api{path}", json.dumps(body).encode(), Content_Type="application/json"
        )

    def request(self, hyperparameters: dict[str, Any], **members: Any) -> Answer:
        """Request a retraining with hyper-parameters besides `TINY`, and return the response."""
        given = TINY | hyperparameters
        if members.get("tune"):
            given = {name: value for name, value in given.items() if name not in searched()}
        return self.post("/retrainings", {"task": TASK.name, "hyperparameters": given, **members})

    def start(self, hyperparameters: dict[str, Any], **members: Any) -> str:
        """Start a retraining and return its name."""
        answer = self.request(hyperparameters, **members)
        assert answer.status == 201, answer.body
        return str(answer.json["name"])

    def follow(self, name: str) -> Any:
        """The record of a retraining."""
        answer = self.client.api("GET", f"/api/retrainings/{name}")
        assert answer.status == 200, answer.body
        return answer.json

    def listed(self) -> dict[str, Any]:
        """The entries in the list of the newest retrainings, by name."""
        listed = self.client.api("GET", "/api/retrainings").json["retrainings"]
        return {entry["name"]: entry for entry in listed}

    def wait_for_end(self, name: str) -> Any:
        """Wait until a retraining has ended, and return its record."""
        arn = self.follow(name)["execution"]
        # The status needs no Lambda. The record alone is not enough: the last state sends a notification.
        wait_for(lambda: not self._is_running(arn), PATIENCE, PAUSE)

        def over() -> Any:
            followed = self.follow(name)
            return followed if followed["status"] != "running" else None

        return wait_for(over, pause=PAUSE)

    def _is_running(self, execution: str) -> bool:
        return bool(self.states.describe_execution(executionArn=execution)["status"] == "RUNNING")

    def wait_for_approval_request(self, name: str) -> Any:
        """Wait until a retraining asks for approval, and return its record."""

        def asking() -> Any:
            followed = self.follow(name)
            assert followed["status"] == "running", followed["outcome"]
            return followed if followed.get("waiting_for") == "approval" else None

        return wait_for(asking, PATIENCE, PAUSE)

    def answer(self, name: str, approved: bool, comment: str = "") -> None:
        """Approve or decline a model."""
        answer = self.post(f"/retrainings/{name}/approval", {"approved": approved, "comment": comment})
        assert answer.status == 200, answer.body

    def wait_for_state(self, name: str, state: str) -> Any:
        """Wait until a retraining has entered a state, and return its record."""

        def entered() -> Any:
            followed = self.follow(name)
            assert followed["status"] == "running", followed["outcome"]
            return followed if any(passed["name"] == state for passed in followed["states"]) else None

        return wait_for(entered, PATIENCE, PAUSE)

    # ------------------------------------------------------------------------------ results

    def folder(self, name: str) -> str:
        """The prefix of a retraining's files."""
        return f"retrainings/{TASK.name}/{name}/"

    def read(self, key: str) -> bytes:
        """An object of the data bucket."""
        content: bytes = self.client.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()
        return content

    def current(self) -> bytes:
        """The document that names the current version."""
        return self.read(f"models/{TASK.name}/current.json")

    def manifest(self, name: str) -> list[dict[str, str]]:
        """The images that a retraining used for training and evaluation."""
        text = self.read(f"{self.folder(name)}data/manifest.csv").decode()
        return list(csv.DictReader(StringIO(text)))

    def endpoint_config(self) -> str:
        """The name of the configuration that the endpoint serves."""
        described = self.harness.served(ENDPOINT)
        assert described["EndpointStatus"] == "InService", described
        return str(described["EndpointConfigName"])

    def instances(self) -> int:
        """The number of instances of the endpoint."""
        (variant,) = self.harness.served(ENDPOINT)["ProductionVariants"]
        return int(variant["CurrentInstanceCount"])

    def scaled(self) -> set[tuple[str, int, int, str]]:
        """The endpoints that are scaled: with the least and the largest number of instances, and by what."""
        scaling = self.client.aws("application-autoscaling")
        policies = scaling.describe_scaling_policies(ServiceNamespace="sagemaker")["ScalingPolicies"]
        named = {policy["ResourceId"]: policy["PolicyName"] for policy in policies}
        targets = scaling.describe_scalable_targets(ServiceNamespace="sagemaker")["ScalableTargets"]
        return {
            (one["ResourceId"], one["MinCapacity"], one["MaxCapacity"], named[one["ResourceId"]])
            for one in targets
        }

    def leftovers(self) -> set[str]:
        """The models and configurations of retrainings, and the lock if it is held."""
        found = self.harness.sagemaker.list_models(NameContains=ENDPOINT)["Models"]
        configs = self.harness.sagemaker.list_endpoint_configs(NameContains=ENDPOINT)["EndpointConfigs"]
        return {
            *(f"model {model['ModelName']}" for model in found),
            *(f"config {config['EndpointConfigName']}" for config in configs),
            *(["lock"] if self.item(f"lock/{TASK.name}") else []),
        }

    def item(self, name: str) -> Any:
        """The item of the table with a name; None if there is none."""
        table = "negatoscope-local-retrainings"
        return self.client.aws("dynamodb").get_item(TableName=table, Key={"name": {"S": name}}).get("Item")

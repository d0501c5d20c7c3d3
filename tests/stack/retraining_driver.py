"""What tests of retraining work with: images that a tiny network learns, and people who use them."""

import csv
import json
from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO
from itertools import count
from typing import Any

import numpy as np
from PIL import Image

from chalicelib.retraining.hyperparameters import searched
from chalicelib.tasks import load_task
from local.stack import BUCKET
from tests.images import encode
from tests.stack.client import Answer, Client, wait_for
from tests.stack.sagemaker_harness import SageMakerHarness

TASK = load_task("breast-histology")
ENDPOINT = f"negatoscope-local-{TASK.name}"
MACHINE = "arn:aws:states:us-east-1:000000000000:stateMachine:negatoscope-local-retrain"
PATIENTS = 16  # per class
PATIENCE = 600.0  # seconds for a retraining
PAUSE = 0.5
"""Seconds between two looks at a retraining: each is a call of a Lambda, and the jobs need the processor."""
TINY: dict[str, int | float | str] = {
    "batch_size": 8,
    "bootstrap": 50,
    "ema_decay": 0.5,
    "epochs": 16,
    "learning_rate": 0.003,
    "ensemble_size": 1,
    "patience": 16,
    "num_seeds": 1,
    "validation": "fixed",
    "width": 8,
}
"""Hyper-parameters with which the images below are learnt in seconds."""

_KNOWN, _NEW = 0, 1
"""Stains. Who knows but one is wrong about the other."""


def patch(label: int, seed: int, stain: int = _KNOWN) -> bytes:
    """Tissue whose colour tells its class: red or blue; in the new stain, a greenish one, the other way."""
    coarse = np.random.default_rng((seed, label, stain)).integers(0, 256, (6, 6, 3)).astype(np.uint8)
    texture = Image.fromarray(coarse).resize((50, 50), Image.Resampling.BICUBIC)
    pixels = 40 + np.asarray(texture).astype(np.int16) // 4
    pixels[:, :, (0, 2)[label ^ stain]] += 110
    pixels[:, :, 1] += 110 * stain
    return encode(Image.fromarray(pixels.astype(np.uint8)), "PNG")


def put_images(s3: Any, bucket: str) -> None:
    """Put labelled images where a stage's retrainings look for them."""
    lines = ["path,class,group"]
    for label, name in enumerate(TASK.class_names):
        for patient in range(PATIENTS):
            path = f"{name}/{patient:02}.png"
            s3.put_object(Bucket=bucket, Key=f"datasets/{TASK.name}/{path}", Body=patch(label, patient))
            lines.append(f"{path},{name},{name}-{patient}")
    s3.put_object(Bucket=bucket, Key=f"datasets/{TASK.name}/manifest.csv", Body="\n".join(lines).encode())


class RetrainingDriver:
    """People who use one task: they label images, have models trained, and ask them."""

    def __init__(self, harness: SageMakerHarness):
        self.harness = harness
        self.client: Client = harness.client
        self.states: Any = harness.client.aws("stepfunctions")
        self._seeds = count(1000)

    # ------------------------------------------------------------------------------------- images

    def put_images(self) -> None:
        """Put labelled images where retrainings look for them."""
        put_images(self.client.s3, BUCKET)

    def classify(self, image: bytes) -> Answer:
        """The answer to an image."""
        path = f"/api/tasks/{TASK.name}/classify"
        return self.client.api("POST", path, image, Content_Type="image/png")

    def answered_by(self) -> str:
        """The version that answers to an image that nobody has sent before."""
        answer = self.classify(patch(0, next(self._seeds)))
        assert answer.status == 200, answer.body
        return str(answer.json["model"]["version"])

    def hears_from(self, version: str) -> None:
        """Wait until a version answers on its endpoint, as every Lambda knows within a minute."""

        def heard() -> bool:
            answers = [self.classify(patch(0, next(self._seeds))) for _ in range(3)]
            if any(answer.status != 200 for answer in answers):
                return False
            models = [answer.json["model"] for answer in answers]
            return {(model["version"], model["backend"]) for model in models} == {(version, "endpoint")}

        wait_for(heard, patience=75, pause=1.0)

    def correct(self, images: int) -> dict[str, str]:
        """Have images of a new stain classified, and say what they show: class by id."""
        said = {}
        for number in range(images):
            label = number % len(TASK.class_names)
            result = self.classify(patch(label, number, _NEW)).json
            said[result["id"]] = TASK.class_names[label]
            answer = self.post(f"/results/{result['id']}/review", {"label": said[result["id"]]}, "PUT")
            assert answer.status == 200, answer.body
        return said

    def remove_endpoint(self) -> None:
        """Take the task's endpoint down, if there is one."""
        if self.harness.sagemaker.list_endpoints(NameContains=ENDPOINT)["Endpoints"]:
            self.harness.served(ENDPOINT)
            self.harness.remove(ENDPOINT)

    @contextmanager
    def without_models(self) -> Iterator[None]:
        """Forget the task's models, and afterwards those that came in between."""
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
        """One request with a JSON body."""
        return self.client.api(
            method, f"/api{path}", json.dumps(body).encode(), Content_Type="application/json"
        )

    def ask_for(self, hyperparameters: dict[str, Any], **wish: Any) -> Answer:
        """The answer to somebody who wants a retraining with some hyper-parameters besides `TINY`."""
        given = TINY | hyperparameters
        if wish.get("tune"):
            given = {name: value for name, value in given.items() if name not in searched()}
        return self.post("/retrainings", {"task": TASK.name, "hyperparameters": given, **wish})

    def start(self, hyperparameters: dict[str, Any], **wish: Any) -> str:
        """Start a retraining, and return its name."""
        answer = self.ask_for(hyperparameters, **wish)
        assert answer.status == 201, answer.body
        return str(answer.json["name"])

    def follow(self, name: str) -> Any:
        """What is known of a retraining."""
        answer = self.client.api("GET", f"/api/retrainings/{name}")
        assert answer.status == 200, answer.body
        return answer.json

    def listed(self) -> dict[str, Any]:
        """What the list of the newest retrainings says of each, by name."""
        listed = self.client.api("GET", "/api/retrainings").json["retrainings"]
        return {entry["name"]: entry for entry in listed}

    def ended(self, name: str) -> Any:
        """What is known of a retraining that is over."""

        def over() -> Any:
            # In this order: what is known while the execution still runs lacks its last states.
            if self.is_running(self.follow(name)):
                return None
            followed = self.follow(name)
            return followed if followed["status"] != "running" else None

        return wait_for(over, PATIENCE, PAUSE)

    def is_running(self, followed: Any) -> bool:
        """Whether the execution of a retraining has not ended; the last that it does is to tell people."""
        arn = followed["execution"]
        return bool(self.states.describe_execution(executionArn=arn)["status"] == "RUNNING")

    def asks(self, name: str) -> Any:
        """Wait until a retraining asks for approval."""

        def asking() -> Any:
            followed = self.follow(name)
            assert followed["status"] == "running", followed["outcome"]
            return followed if followed.get("waiting_for") == "approval" else None

        return wait_for(asking, PATIENCE, PAUSE)

    def answer(self, name: str, approved: bool, comment: str = "") -> None:
        """Say whether a model may be deployed."""
        said = self.post(f"/retrainings/{name}/approval", {"approved": approved, "comment": comment})
        assert said.status == 200, said.body

    def is_in(self, name: str, state: str) -> Any:
        """Wait until a retraining has come to a state."""

        def entered() -> Any:
            followed = self.follow(name)
            assert followed["status"] == "running", followed["outcome"]
            return followed if any(passed["name"] == state for passed in followed["states"]) else None

        return wait_for(entered, PATIENCE, PAUSE)

    # ------------------------------------------------------------------------------ what came of it

    def folder(self, name: str) -> str:
        """Where the files of a retraining lie."""
        return f"retrainings/{TASK.name}/{name}/"

    def read(self, key: str) -> bytes:
        """An object of the data bucket."""
        content: bytes = self.client.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()
        return content

    def current(self) -> bytes:
        """What says which version classifies."""
        return self.read(f"models/{TASK.name}/current.json")

    def manifest(self, name: str) -> list[dict[str, str]]:
        """The images that a retraining has learnt from and was judged by."""
        text = self.read(f"{self.folder(name)}data/manifest.csv").decode()
        return list(csv.DictReader(StringIO(text)))

    def endpoint_config(self) -> str:
        """The configuration with which the endpoint is in service."""
        described = self.harness.served(ENDPOINT)
        assert described["EndpointStatus"] == "InService", described
        return str(described["EndpointConfigName"])

    def leftovers(self) -> set[str]:
        """Models and configurations of retrainings, and the lock if there is one."""
        found = self.harness.sagemaker.list_models(NameContains=ENDPOINT)["Models"]
        configs = self.harness.sagemaker.list_endpoint_configs(NameContains=ENDPOINT)["EndpointConfigs"]
        return {
            *(f"model {model['ModelName']}" for model in found),
            *(f"config {config['EndpointConfigName']}" for config in configs),
            *(["lock"] if self.noted(f"lock/{TASK.name}") else []),
        }

    def noted(self, name: str) -> Any:
        """What the table itself holds under a name; None if nothing."""
        table = "negatoscope-local-retrainings"
        return self.client.aws("dynamodb").get_item(TableName=table, Key={"name": {"S": name}}).get("Item")

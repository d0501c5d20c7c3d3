"""A task with an external endpoint in its file, through the whole application."""

import csv
import json
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from chalice.test import Client
from PIL import Image

import chalicelib.settings
from chalicelib import dependencies
from chalicelib.models.classifier import Classifier
from chalicelib.settings import read_endpoints
from chalicelib.tasks import load_task, load_tasks, read_task
from tests import images
from tests.functional.conftest import Call
from tests.functional.test_events import prepared_event
from tests.functional.test_openapi import schema
from tests.models import TASK
from tests.stage import BUCKET, ROOT

FOREIGN = "chest-xray"  # it has no bundled model in these tests
CLASSIFY = f"/tasks/{FOREIGN}/classify"
PROBABILITIES = [0.02, 0.95, 0.03]


class Runtime:
    """The SageMaker Runtime with an endpoint of the built-in Image Classification algorithm."""

    def __init__(self) -> None:
        self.answer: Any = PROBABILITIES
        self.images: list[tuple[str, tuple[int, int]]] = []

    def invoke_endpoint(self, **request: Any) -> dict[str, Any]:
        assert (request["EndpointName"], request["ContentType"]) == ("their-model", "application/x-image")
        with Image.open(BytesIO(request["Body"])) as image:
            self.images.append((image.mode, image.size))
        if isinstance(self.answer, Exception):
            raise self.answer
        return {"Body": BytesIO(json.dumps(self.answer).encode()), "InvokedProductionVariant": "AllTraffic"}


@pytest.fixture
def runtime(client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Runtime:
    path = tmp_path / f"{FOREIGN}.toml"
    text = (ROOT / "chalicelib/tasks" / path.name).read_text()
    path.write_text(text + '\n[endpoint]\nname = "their-model"\nprotocol = "image-classification"\n')
    tasks = load_tasks() | {FOREIGN: read_task(path)}
    monkeypatch.setattr(chalicelib.settings, "load_tasks", lambda: tasks)
    runtime = Runtime()
    classifier = Classifier(read_endpoints("{}"), lambda: runtime, tmp_path)
    monkeypatch.setattr(dependencies, "classifier", lambda: classifier)
    return runtime


def classify(call: Call, status: int = 200) -> Any:
    response = call("POST", CLASSIFY, images.grey_file(), Content_Type="image/png")
    assert response.status_code == status
    schema("/tasks/{task}/classify", "POST", status).validate(response.json_body)
    return response.json_body


def test_image_is_classified_without_heat_map_and_distance(call: Call, runtime: Runtime) -> None:
    result = classify(call)
    names = load_task(FOREIGN).class_names
    assert result["label"] == names[1]
    assert result["probabilities"] == dict(zip(names, PROBABILITIES, strict=True))
    assert result["heatmap"] is None
    assert result["distance"] is None
    assert result["model"] == {
        "version": "their-model/AllTraffic",
        "sha256": None,
        "backend": "endpoint",
        "min_probability": load_task(FOREIGN).review.min_probability,
    }
    assert (result["needs_review"], result["reasons"]) == (False, [])
    spec = load_task(FOREIGN).input
    assert runtime.images == [("RGB", (spec.width, spec.height))]


def test_unsure_answer_needs_review(call: Call, runtime: Runtime) -> None:
    runtime.answer = [0.4, 0.35, 0.25]
    assert [reason["code"] for reason in classify(call)["reasons"]] == ["low-confidence", "close-second"]


def test_result_without_heat_map_is_read_listed_reviewed_and_exported(call: Call, runtime: Runtime) -> None:
    result = classify(call)
    path = f"/results/{result['id']}"
    assert call("GET", path).json_body == result
    page = call("GET", f"/results?task={FOREIGN}")
    schema("/results", "GET", 200).validate(page.json_body)
    assert [listed["id"] for listed in page.json_body["results"]] == [result["id"]]
    assert call("GET", f"{path}/preview", Accept="image/png").headers["Content-Type"] == "image/png"
    label = load_task(FOREIGN).class_names[0]
    assert call("PUT", f"{path}/review", json={"label": label}).json_body["review"]["label"] == label
    (row,) = csv.DictReader(StringIO(call("GET", "/results.csv").body.decode()))
    assert (row["model_version"], row["reviewed_label"]) == ("their-model/AllTraffic", label)


def test_same_image_is_classified_again_because_the_model_may_have_changed(
    call: Call, runtime: Runtime
) -> None:
    first = classify(call)
    runtime.answer = PROBABILITIES[::-1]
    second = classify(call)
    assert second["id"] == first["id"]
    assert second["probabilities"] != first["probabilities"]
    assert len(runtime.images) == 2


def test_dropped_image_is_sent_to_the_endpoint(client: Client, runtime: Runtime) -> None:
    s3, key = boto3.client("s3"), f"inbox/{FOREIGN}/a.png"
    data = images.grey_file()
    etag = s3.put_object(Bucket=BUCKET, Key=key, Body=data)["ETag"].strip('"')
    entry = {"key": key, "eTag": etag, "size": len(data)}
    client.lambda_.invoke("prepare", {"Records": [{"s3": {"bucket": {"name": BUCKET}, "object": entry}}]})
    (stored,) = s3.list_objects_v2(Bucket=BUCKET, Prefix="prepared/")["Contents"]
    client.lambda_.invoke("classify", prepared_event(stored["Key"]))
    ((result,), _) = dependencies.table().page()
    assert result["status"] == "classified"
    assert result["model"]
    assert result["model"]["sha256"] is None


def test_tasks_name_their_endpoint(call: Call, runtime: Runtime) -> None:
    answer = call("GET", "/tasks").json_body
    schema("/tasks", "GET", 200).validate(answer)
    models = {task["name"]: task["model"] for task in answer["tasks"]}
    assert models[FOREIGN] == {
        "backend": "endpoint",
        "endpoint": "their-model",
        "version": None,
        "created_at": None,
        "sha256": None,
        "metrics": {},
        "shortfall": [],
        "since": None,
        "min_probability": None,
    }
    assert (models[TASK]["backend"], models[TASK]["endpoint"]) == ("embedded", None)


def throttled() -> ClientError:
    return ClientError({"Error": {"Code": "ThrottlingException", "Message": "slow down"}}, "InvokeEndpoint")


@pytest.mark.parametrize(
    ("answer", "status", "code"),
    [
        (throttled(), 503, "EndpointNotReady"),
        ([0.5, 0.5], 502, "ModelFailed"),
        ({"predictions": PROBABILITIES}, 502, "ModelFailed"),
    ],
)
def test_endpoint_failure_is_reported_and_leaves_no_result(
    call: Call, runtime: Runtime, answer: Any, status: int, code: str
) -> None:
    runtime.answer = answer
    error = classify(call, status)
    assert error["code"] == code
    assert "their-model" in error["message"]
    assert call("GET", "/results").json_body["results"] == []

"""The drift monitor in its own Lambda with its own role, as on AWS."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from boto3.dynamodb.types import TypeSerializer

from chalicelib.results import result_document
from chalicelib.tasks import load_task
from local.stack import BUCKET
from tests.stack.client import Client
from tests.stack.functions import Function

TASK = "retinal-oct-2017"  # no other test uses it
TABLE = "negatoscope-local-results"
IDS = [f"{number:032x}" for number in range(120)]
EVENT: dict[str, Any] = {
    "version": "0",
    "id": "1",
    "account": "000000000000",
    "region": "us-east-1",
    "time": "2026-01-01T00:00:00Z",
    "source": "aws.events",
    "detail-type": "Scheduled Event",
    "resources": [],
    "detail": {},
}


@pytest.fixture
def model(client: Client) -> Iterator[dict[str, str]]:
    """A deployed model with every class in its validation images, and 120 results of one class."""
    names = load_task(TASK).class_names
    model = {"version": "1", "sha256": "1".rjust(64, "0")}
    profile = {
        "images": 400,
        "labels": {name: 1 / len(names) for name in names},
        "confidence_deciles": [level / 10 for level in range(1, 10)],
        "distance_deciles": None,
    }
    current = f"models/{TASK}/current.json"
    before = {
        key: client.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read() for key in client.keys(current)
    }
    documents = {
        f"models/{TASK}/1/model.json": model | {"metrics": {"validation": {"profile": profile}}},
        current: model | {"endpoint": None, "previous": None, "since": "now"},
    }
    for key, document in documents.items():
        client.s3.put_object(Bucket=BUCKET, Key=key, Body=json.dumps(document).encode())
    dynamodb, serialize = client.aws("dynamodb"), TypeSerializer().serialize
    for image_id in IDS:
        result = result_document.received(image_id, TASK, "api") | {
            "status": "classified",
            "label": names[0],
            "probability": 1,
            "model": model | {"backend": "embedded"},
        }
        item = {name: serialize(value) for name, value in result.items()}
        dynamodb.put_item(TableName=TABLE, Item=item)
    yield model
    for image_id in IDS:
        dynamodb.delete_item(TableName=TABLE, Key={"id": {"S": image_id}})
    for key in (*documents, f"drift/{TASK}.json"):
        client.s3.delete_object(Bucket=BUCKET, Key=key)
    for key, body in before.items():
        client.s3.put_object(Bucket=BUCKET, Key=key, Body=body)


def test_drift_is_detected_and_shown_by_the_api(client: Client, model: dict[str, str]) -> None:
    drift_monitor = Function(client, "negatoscope-local-drift-monitor")
    (rule,) = [
        rule
        for rule in client.aws("events").list_rules()["Rules"]
        if rule["Name"] == "negatoscope-local-drift-monitor-event"
    ]
    assert rule["ScheduleExpression"] == "rate(1 day)"

    _, failure = drift_monitor.call(EVENT)

    assert failure is None, drift_monitor.log()
    found = client.api("GET", f"/api/tasks/{TASK}/drift").json
    assert found["model"] == model
    assert found["report"]["answers"] == len(IDS)
    assert [aspect["aspect"] for aspect in found["report"]["aspects"] if aspect["drifted"]] == [
        "labels",
        "confidence",
    ]
    other = client.api("GET", "/api/tasks/breast-histology/drift").json
    assert other["report"] is None
    assert "100 are needed" in other["reason"]
    assert any('"Drift"' in line and f'"{TASK}"' in line for line in drift_monitor.log())

"""S3 events and schedules, through the Lambda handlers."""

import json
from typing import Any

import boto3
import pytest
from chalice.test import Client

from chalicelib import dependencies
from chalicelib.tasks import load_task
from tests import images
from tests.models import TASK
from tests.stage import BUCKET, ROOT

EVENTS = ROOT / "tests/events"


def put(event: dict[str, Any], body: bytes) -> dict[str, Any]:
    """Store the object of `event`, and put its ETag and size into the event."""
    from urllib.parse import unquote_plus

    for record in event["Records"]:
        entry = record["s3"]["object"]
        response = boto3.client("s3").put_object(Bucket=BUCKET, Key=unquote_plus(entry["key"]), Body=body)
        entry |= {"eTag": response["ETag"].strip('"'), "size": len(body)}
    return event


def load(name: str) -> dict[str, Any]:
    event: dict[str, Any] = json.loads((EVENTS / name).read_text())
    return event


def prepared_event(key: str) -> dict[str, Any]:
    entry = {"key": key, "eTag": "e", "size": 1}
    return {"Records": [{"s3": {"bucket": {"name": BUCKET}, "object": entry}}]}


@pytest.mark.parametrize("name", ["plain", "spaces", "plus", "unicode", "percent", "two-records"])
def test_arrived_image_gets_a_result(client: Client, name: str) -> None:
    event = put(load(f"{name}.json"), images.grey_file("JPEG"))
    for _ in range(2):  # S3 may deliver twice
        client.lambda_.invoke("prepare", event)
        for entry in boto3.client("s3").list_objects_v2(Bucket=BUCKET, Prefix="prepared/")["Contents"]:
            client.lambda_.invoke("classify", prepared_event(entry["Key"]))
    page, _ = dependencies.table().page()
    assert len(page) == len(event["Records"])
    for result in page:
        assert result["status"] == "classified"
        assert result["label"] in load_task(TASK).class_names


def test_empty_file_is_quarantined(client: Client) -> None:
    client.lambda_.invoke("prepare", put(load("zero-bytes.json"), b""))
    ((result,), _) = dependencies.table().page()
    assert result["reasons"][0]["code"] == "EmptyImage"


def test_folder_is_ignored(client: Client) -> None:
    client.lambda_.invoke("prepare", load("folder.json"))
    assert dependencies.table().page() == ([], None)


def test_schedule_runs_the_sweeper(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    swept = []
    monkeypatch.setattr(type(dependencies.sweeper()), "run", lambda _, moment: swept.append(moment))
    client.lambda_.invoke("sweep", client.events.generate_cw_event("aws.events", "Scheduled Event", {}, []))
    (moment,) = swept
    assert moment.tzinfo is not None

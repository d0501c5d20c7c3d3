"""What several of these tests use."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest

from chalicelib.pipeline.pipeline import Pipeline
from chalicelib.pipeline.sweeper import Sweeper
from chalicelib.results import readings
from chalicelib.results.reading import Review
from chalicelib.results.result_document import ListedResult, Result, ResultModel
from chalicelib.storage.inbox import (
    InboxObject,
)
from chalicelib.tasks import load_task
from tests.models import TASK
from tests.stage import BUCKET

TASK_ = load_task(TASK)


OLDER: ResultModel = {"version": "older", "sha256": "older", "backend": "embedded"}


def rows(result: ListedResult) -> int:
    """Height of the image in pixels."""
    assert result["source"]
    return result["source"]["rows"]


def drop(key: str, body: bytes) -> InboxObject:
    response = boto3.client("s3").put_object(Bucket=BUCKET, Key=key, Body=body)
    return InboxObject(BUCKET, key, response["ETag"].strip('"'), len(body))


def stored_keys(prefix: str = "") -> list[str]:
    listing = boto3.client("s3").list_objects_v2(Bucket=BUCKET, Prefix=prefix)
    return [entry["Key"] for entry in listing.get("Contents", ())]


def stored_document(key: str) -> dict[str, Any]:
    body = boto3.client("s3").get_object(Bucket=BUCKET, Key=key)["Body"].read()
    loaded: dict[str, Any] = json.loads(body)
    return loaded


def metric_count(capsys: pytest.CaptureFixture[str], name: str) -> int:
    """The count of a metric for the task, which must equal that for the stage."""
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines() if line.startswith("{")]
    counted = [line for line in lines if name in line]
    of_task = sum(sum(line[name]) for line in counted if line.get("task") == TASK)
    assert of_task == sum(sum(line[name]) for line in counted if "task" not in line)
    assert all(line["stage"] == "local" for line in counted)
    return int(of_task)


def versioned() -> None:
    status = {"Status": "Enabled"}
    boto3.client("s3").put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration=status)


def drop_version(key: str, body: bytes) -> InboxObject:
    response = boto3.client("s3").put_object(Bucket=BUCKET, Key=key, Body=body)
    return InboxObject(BUCKET, key, response["ETag"].strip('"'), len(body), response["VersionId"])


def review_by(reviewer: str) -> Review:
    label = TASK_.class_names[0]
    return {"label": label, "comment": None, "reviewed_at": "then", "reviewer": reviewer}


def add_reading(reading: Review) -> Callable[[Result], Result]:
    return lambda result: readings.add(result, reading, None)


class Clockwork:
    """A sweeper that records the events it sends."""

    def __init__(self, pipeline: Pipeline):
        self.sent: list[dict[str, Any]] = []
        self.sweep = Sweeper(pipeline, self.sent.append)

    def run(self, minutes: float = 11) -> int:
        return self.sweep.run(datetime.now(UTC) + timedelta(minutes=minutes))

"""Reports of batches: every listed image is in one of their counts."""

import json
from typing import Any

import boto3
import pytest

from chalicelib.batches.report import ReportWriter
from chalicelib.storage.bucket import DataBucket
from tests.models import TASK
from tests.stage import BUCKET
from tests.unit.batches.test_part import batch
from tests.unit.pipeline.steps import stored_document

pytestmark = pytest.mark.usefixtures("cloud")

NOTHING = {"classified": 0, "current": 0, "deleted": 0, "skipped": 0, "failures": []}
FOLDER = "batches/batch-1/results"


def executions(*parts: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"Status": "SUCCEEDED", "Output": json.dumps(NOTHING | part)} for part in parts]


def write(run: str = "run", **files: list[dict[str, Any]]) -> str:
    """Write results as Step Functions does; returns the key of their manifest."""
    listed: dict[str, list[dict[str, Any]]] = {"FAILED": [], "PENDING": [], "SUCCEEDED": []}
    bucket = DataBucket(boto3.client("s3"), BUCKET)
    for status, content in files.items():
        key = f"{FOLDER}/{run}/{status}_0.json"
        lines = "".join(json.dumps(execution) + "\n" for execution in content)
        bucket.write(key, lines.encode(), "application/jsonl")
        listed[status].append({"Key": key, "Size": 1})
    manifest = {"DestinationBucket": BUCKET, "MapRunArn": "arn", "ResultFiles": listed}
    bucket.write_json(f"{FOLDER}/{run}/manifest.json", manifest)
    return f"{FOLDER}/{run}/manifest.json"


def test_report_counts_all_images(cloud: None) -> None:
    bucket = DataBucket(boto3.client("s3"), BUCKET)
    refused = {"key": "archive/é.txt", "code": "NotAnImage", "message": "It is no image."}
    lost = {"Items": [{"Key": "archive/x.png"}, {"Key": "archive/y.png"}]}
    manifest = write(
        SUCCEEDED=executions(
            {"classified": 24, "failures": [refused]}, {"current": 20, "skipped": 1, "deleted": 4}
        ),
        FAILED=[{"Status": "FAILED", "Input": json.dumps(lost), "Error": "EndpointNotReady"}],
    )
    for number, change in enumerate(("left-cc/left-mlo", "left-cc/left-mlo", "left-cc/right-cc")):
        bucket.write(f"batches/batch-1/changes/{change}/{number:032x}", b"", "text/plain")
    bucket.write("batches/batch-2/changes/left-cc/left-mlo/0", b"", "text/plain")

    report = ReportWriter(bucket).write(batch(), manifest)

    assert report == stored_document("batches/batch-1/report.json")
    assert report.pop("written_at")  # type: ignore[misc]
    assert report == {
        "name": "batch-1",
        "task": TASK,
        "images": 52,
        "classified": 24,
        "current": 20,
        "deleted": 4,
        "skipped": 1,
        "failed": 3,
        "failures": {"NotProcessed": 2, "NotAnImage": 1},
        "changes": [
            {"before": "left-cc", "after": "left-mlo", "images": 2},
            {"before": "left-cc", "after": "right-cc", "images": 1},
        ],
    }
    lines = bucket.read("batches/batch-1/failures.jsonl").body.decode().splitlines()
    failures = [json.loads(line) for line in lines]
    assert failures[0] == refused
    assert [one["key"] for one in failures[1:]] == ["archive/x.png", "archive/y.png"]
    assert "EndpointNotReady" in failures[1]["message"]


def test_report_of_an_empty_folder_has_no_images(cloud: None) -> None:
    report = ReportWriter(DataBucket(boto3.client("s3"), BUCKET)).write(batch(), write())

    assert (report["images"], report["failures"], report["changes"]) == (0, {}, [])


def test_report_of_a_transform_job_names_the_files_behind_its_arrays(cloud: None) -> None:
    bucket = DataBucket(boto3.client("s3"), BUCKET)
    arrays = {f"batches/batch-1/arrays/{number:032x}.npy": f"archive/{number}.png" for number in range(4)}
    keys = [*arrays]
    prepared = {"current": 7, "prepared": dict([*arrays.items()][:3])}
    first = write("first", SUCCEEDED=executions(prepared))
    unanswered = {"key": keys[0], "code": "NotProcessed", "message": "No answer."}
    second = write(
        "second",
        SUCCEEDED=executions({"classified": 1, "failures": [unanswered]}),
        # The last one was prepared by an earlier pass.
        FAILED=[{"Input": json.dumps({"Items": [{"Key": key} for key in keys[2:]]}), "Error": "E"}],
    )

    report = ReportWriter(bucket).write({**batch(), "recorded": {"manifest": second}}, first)

    assert (report["images"], report["classified"], report["current"], report["failed"]) == (11, 1, 7, 3)
    lines = bucket.read("batches/batch-1/failures.jsonl").body.decode().splitlines()
    assert [json.loads(line)["key"] for line in lines] == ["archive/0.png", "archive/2.png", keys[3]]

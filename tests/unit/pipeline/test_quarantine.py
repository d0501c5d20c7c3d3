"""Unusable files leave the inbox, each with the reason."""

from collections.abc import Sequence
from dataclasses import replace

import boto3
import pytest

from chalicelib.pipeline import decoding
from chalicelib.pipeline.pipeline import Pipeline
from chalicelib.storage.bucket import DataBucket, Link
from tests import images
from tests.cloud import foundation
from tests.models import TASK
from tests.stage import BUCKET
from tests.unit.pipeline.steps import (
    drop,
    drop_version,
    metric_count,
    stored_document,
    stored_keys,
    versioned,
)

pytestmark = pytest.mark.usefixtures("cloud")


UNUSABLE = {
    "EmptyImage": b"",
    "NotAnImage": b"some text",
    "DamagedImage": images.grey_file("JPEG")[:-300],
    "ImageTooSmall": images.grey_file(height=1, width=1),
    "ImageTooLarge": images.png_bomb(),
    "NoPixels": images.structured_report(),
}


@pytest.mark.parametrize("code", UNUSABLE)
def test_unusable_file_is_quarantined_with_its_reason(
    pipeline: Pipeline, code: str, capsys: pytest.CaptureFixture[str]
) -> None:
    dropped = drop(f"inbox/{TASK}/May/file 1.jpg", UNUSABLE[code])
    pipeline.prepare(dropped)
    result = pipeline.table.get(dropped.id)
    assert result["status"] == "quarantined"
    assert [reason["code"] for reason in result["reasons"]] == [code]
    folder = f"quarantine/{TASK}/{dropped.id}"
    assert sorted(stored_keys()) == [
        f"{folder}.json",
        f"{folder}/May/file 1.jpg",
        f"results/{TASK}/{dropped.id}.json",
    ]
    assert (
        boto3.client("s3").get_object(Bucket=BUCKET, Key=f"{folder}/May/file 1.jpg")["Body"].read()
        == UNUSABLE[code]
    )
    assert stored_document(f"{folder}.json") == {"reasons": result["reasons"]}
    assert metric_count(capsys, "Quarantined") == 1


@pytest.mark.parametrize("key", ["inbox/no-such-task/a.png", "inbox/a.png"])
def test_file_outside_task_folders_is_quarantined_with_the_tasks(pipeline: Pipeline, key: str) -> None:
    dropped = drop(key, images.grey_file())
    pipeline.prepare(dropped)
    result = pipeline.table.get(dropped.id)
    assert (result["task"], result["status"]) == ("unknown", "quarantined")
    assert TASK in result["reasons"][0]["message"]
    assert stored_keys("inbox/") == []


def test_file_for_a_task_without_model_is_quarantined_with_advice(pipeline: Pipeline) -> None:
    dropped = drop("inbox/chest-xray/a.png", images.grey_file())
    pipeline.prepare(dropped)
    (reason,) = pipeline.table.get(dropped.id)["reasons"]
    assert reason["code"] == "TaskHasNoModel"
    assert "make train" in reason["message"]


def test_file_replaced_during_its_check_stays_in_the_inbox(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad = drop(f"inbox/{TASK}/a.png", b"not an image")
    download = decoding.download

    def download_and_be_overtaken(links: Sequence[Link]) -> bytes:
        content = download(links)
        drop(bad.key, images.grey_file())
        return content

    monkeypatch.setattr(decoding, "download", download_and_be_overtaken)
    pipeline.prepare(bad)
    assert pipeline.table.get(bad.id)["reasons"][0]["code"] == "NotAnImage"
    assert stored_keys("inbox/") == [bad.key]


def test_unusable_file_replaced_before_reading_is_quarantined(pipeline: Pipeline) -> None:
    versioned()
    bad, good = drop_version(f"inbox/{TASK}/a.png", b"text"), drop(f"inbox/{TASK}/a.png", images.grey_file())
    pipeline.prepare(bad)
    assert stored_keys("inbox/") == [good.key]
    assert stored_keys(f"quarantine/{TASK}/{bad.id}/") == [f"quarantine/{TASK}/{bad.id}/a.png"]
    assert pipeline.table.get(bad.id)["reasons"][0]["code"] == "NotAnImage"


def test_unusable_file_dropped_again_is_quarantined_again(pipeline: Pipeline) -> None:
    for _ in range(2):
        dropped = drop(f"inbox/{TASK}/a.png", b"text")
        pipeline.prepare(dropped)
        assert stored_keys("inbox/") == []
    assert len(pipeline.table.page()[0]) == 1


def test_quarantined_file_keeps_its_tags(pipeline: Pipeline) -> None:
    dropped = drop(f"inbox/{TASK}/a.png", b"text")
    tags = {"TagSet": [{"Key": "ward", "Value": "7"}]}
    boto3.client("s3").put_object_tagging(Bucket=BUCKET, Key=dropped.key, Tagging=tags)
    pipeline.prepare(dropped)
    key = f"quarantine/{TASK}/{dropped.id}/a.png"
    assert boto3.client("s3").get_object_tagging(Bucket=BUCKET, Key=key)["TagSet"] == tags["TagSet"]


def test_file_that_is_too_large_to_be_copied_stays_in_the_inbox(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Copying tens of gigabytes takes longer than a Lambda may."""
    monkeypatch.setattr(DataBucket, "copy", None)
    dropped = replace(drop(f"inbox/{TASK}/a.iso", b"text"), size=30 * 1024**3)
    pipeline.prepare(dropped)
    result = pipeline.table.get(dropped.id)
    assert (result["status"], result["reasons"][0]["code"]) == ("quarantined", "ImageTooLarge")
    assert stored_keys("inbox/") == [dropped.key]
    assert stored_document(f"quarantine/{TASK}/{dropped.id}.json") == {"reasons": result["reasons"]}
    assert not [image_id for series in pipeline.table.unfinished() for image_id, _ in series]


@pytest.mark.parametrize("role", ["PrepareRole", "SweepRole"])
def test_roles_may_move_tagged_files(role: str) -> None:
    (policy,) = foundation()[role]["Properties"]["Policies"]
    allowed = {
        (action, resource)
        for statement in policy["PolicyDocument"]["Statement"]
        for action in statement["Action"]
        for resource in [statement["Resource"]]
        if isinstance(statement["Action"], list) and isinstance(resource, str)
    }
    assert ("s3:GetObjectTagging", "${DataBucket.Arn}/inbox/*") in allowed
    if role == "SweepRole":
        assert ("s3:PutObjectTagging", "${DataBucket.Arn}/quarantine/*") in allowed


@pytest.mark.parametrize("length", [900, 985])
def test_longest_names_can_be_quarantined(pipeline: Pipeline, length: int) -> None:
    dropped = drop(f"inbox/{TASK}/{'x' * length}.png", b"not an image")
    pipeline.prepare(dropped)
    assert pipeline.table.get(dropped.id)["status"] == "quarantined"
    (moved,) = (key for key in stored_keys(f"quarantine/{TASK}/") if key.endswith(".png"))
    assert len(moved.encode()) <= 1024
    assert stored_keys("inbox/") == []

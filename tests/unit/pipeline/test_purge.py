"""Deleting what is stored of images."""

from datetime import UTC, datetime, timedelta

import boto3
import pytest

from chalicelib.pipeline import purge
from chalicelib.results import result_document
from chalicelib.storage.bucket import DataBucket
from chalicelib.storage.inbox import picture_key, prepared_key, upload_id, upload_key
from tests.models import TASK
from tests.stage import BUCKET
from tests.unit.pipeline.steps import drop_version, stored_keys, versioned

pytestmark = pytest.mark.usefixtures("cloud")


@pytest.fixture
def bucket() -> DataBucket:
    versioned()
    return DataBucket(boto3.client("s3"), BUCKET)


def test_purge_leaves_other_images_alone(bucket: DataBucket) -> None:
    token = "ab" * 16
    one = result_document.received(upload_id(TASK, token), TASK, "upload")
    other = result_document.received("0" * 32, TASK, "upload")
    for result in (one, other):
        stored = prepared_key(TASK, result["id"]), picture_key(TASK, result["id"], "f" * 64)
        for key in (*stored, f"quarantine/{TASK}/{result['id']}.json"):
            bucket.write(key, b"1", "x")
            bucket.write(key, b"2", "x")
        bucket.write_json(result_document.key(result), result)
        bucket.write_json(result_document.key(result), result_document.deleted(result))
    drop_version(upload_key(TASK, token), b"pixels")
    drop_version(upload_key(TASK, "cd" * 16), b"pixels")
    kept = [key for key in stored_keys() if token not in key and one["id"] not in key]

    originals = purge.originals(bucket, [one])
    purge.purge(bucket, one, originals[one["id"]], datetime.now(UTC) + timedelta(minutes=1))

    assert stored_keys() == sorted([*kept, result_document.key(one)])
    assert len(list(bucket.versions(f"results/{TASK}/{one['id']}"))) == 1


def test_purge_leaves_what_was_stored_later(bucket: DataBucket) -> None:
    one = result_document.received("0" * 32, TASK, "api")
    key = prepared_key(TASK, one["id"])
    bucket.write(key, b"1", "x")

    purge.purge(bucket, one, [], datetime.now(UTC) - timedelta(minutes=1))

    assert stored_keys() == [key]


def test_originals_are_those_of_the_image_and_not_of_its_replacement(bucket: DataBucket) -> None:
    first = drop_version(f"inbox/{TASK}/a.png", b"first")
    drop_version(f"inbox/{TASK}/a.png", b"second")

    (found,) = purge.originals(bucket, [result_document.received(first.id, TASK, "drop-folder")])[first.id]

    assert (found.version_id, found.latest) == (first.version_id, False)


def test_too_large_an_inbox_is_an_error(bucket: DataBucket, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(purge, "MAX_VERSIONS", 1)
    for name in "ab":
        drop_version(f"inbox/{TASK}/{name}.png", b"first")

    with pytest.raises(purge.InboxTooLarge):
        purge.originals(bucket, [result_document.received("0" * 32, TASK, "drop-folder")])

"""Images in requests, and requests for upload forms."""

from typing import Any

import boto3
import pytest

from chalicelib.api import uploads
from chalicelib.errors import ImageTooLarge, InvalidRequest, NegatoscopeError, UnsupportedMediaType
from chalicelib.limits import MAX_FILE_BYTES, MAX_FILENAME, MAX_IMAGE_BODY
from chalicelib.results.table import ResultsTable
from chalicelib.storage.bucket import DataBucket
from chalicelib.tasks import load_task
from tests.stage import BUCKET, TABLE

BODY: dict[str, Any] = {"task": "chest-xray", "size": 1, "content_type": "image/png"}


def test_largest_small_image_is_accepted() -> None:
    assert uploads.small_image(bytes(MAX_IMAGE_BODY)) == bytes(MAX_IMAGE_BODY)
    with pytest.raises(ImageTooLarge, match=r"4,500,001 bytes.*POST /api/uploads"):
        uploads.small_image(bytes(MAX_IMAGE_BODY + 1))


def test_file_name_is_discarded() -> None:
    assert uploads.read(BODY | {"filename": "Doe^Jane.dcm"}) == BODY


def test_size_may_be_the_limit() -> None:
    assert uploads.read(BODY | {"size": MAX_FILE_BYTES})["size"] == MAX_FILE_BYTES


@pytest.mark.parametrize(
    ("changes", "error", "words"),
    [
        ({"task": ""}, InvalidRequest, "'task' is missing"),
        ({"size": 0}, InvalidRequest, "'size' must be the number of bytes"),
        ({"size": True}, InvalidRequest, "'size' must be the number of bytes"),
        ({"size": 1.5}, InvalidRequest, "'size' must be the number of bytes"),
        ({"size": None}, InvalidRequest, "'size' must be the number of bytes"),
        ({"size": MAX_FILE_BYTES + 1}, ImageTooLarge, f"at most {MAX_FILE_BYTES:,}"),
        ({"content_type": "text/html"}, UnsupportedMediaType, "image/jpeg"),
        ({"filename": "x" * (MAX_FILENAME + 1)}, InvalidRequest, "'filename'"),
        ({"key": "inbox/other"}, InvalidRequest, "no member 'key'"),
    ],
)
def test_request_for_no_possible_upload_is_refused(
    changes: dict[str, Any], error: type[NegatoscopeError], words: str
) -> None:
    with pytest.raises(error, match=words):
        uploads.read(BODY | changes)


@pytest.mark.usefixtures("cloud")
def test_open_upload_announces_the_image_and_restricts_the_form() -> None:
    bucket = DataBucket(boto3.client("s3"), BUCKET)
    table = ResultsTable(boto3.resource("dynamodb"), TABLE)
    one, other = (
        uploads.open_upload(load_task("chest-xray"), uploads.read(BODY), bucket, table) for _ in "ab"
    )
    assert one["id"] != other["id"]
    announced = table.get(one["id"])
    assert (announced["status"], announced["task"], announced["arrival"]) == (
        "received",
        "chest-xray",
        "upload",
    )
    assert one["upload"]["fields"]["key"].startswith("inbox/chest-xray/")
    assert one["expires_at"] > announced["created_at"]

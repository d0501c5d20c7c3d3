"""Uploads of labelled images."""

import base64
import json
from typing import Any

import boto3
import pytest

from chalicelib.api import labelled_images
from chalicelib.errors import ImageTooLarge, InvalidRequest, NegatoscopeError, UnsupportedMediaType
from chalicelib.limits import IMAGE_TYPES, MAX_FILE_BYTES, MAX_LABELLED_IMAGES
from chalicelib.storage.bucket import DataBucket
from chalicelib.tasks import load_task
from tests.stage import BUCKET

TASK = load_task("chest-xray")
DIGEST = "0f" * 32
IMAGE: dict[str, Any] = {"label": "normal", "sha256": DIGEST, "size": 7, "content_type": "image/png"}


def test_every_image_type_has_a_suffix() -> None:
    assert set(labelled_images.SUFFIXES) == set(IMAGE_TYPES)


@pytest.mark.parametrize(
    ("changes", "error", "words"),
    [
        ({"label": "feet"}, InvalidRequest, "'label' must be one of normal"),
        ({"sha256": "0F" * 32}, InvalidRequest, "64 hexadecimal digits"),
        ({"sha256": "../" * 20}, InvalidRequest, "64 hexadecimal digits"),
        ({"size": 0}, InvalidRequest, "'size'"),
        ({"size": True}, InvalidRequest, "'size'"),
        ({"size": MAX_FILE_BYTES + 1}, ImageTooLarge, "200,000,001 bytes"),
        ({"content_type": "text/plain"}, UnsupportedMediaType, "'content_type'"),
        ({"name": "Doe.png"}, InvalidRequest, "no member 'name'"),
    ],
)
def test_bad_images_are_refused(changes: dict[str, Any], error: type[NegatoscopeError], words: str) -> None:
    with pytest.raises(error, match=words):
        labelled_images.read({"images": [IMAGE, IMAGE | changes]}, TASK)


@pytest.mark.parametrize("images", [None, [], ["a"], [IMAGE] * (MAX_LABELLED_IMAGES + 1)])
def test_number_of_images_is_limited(images: Any) -> None:
    with pytest.raises(InvalidRequest, match="'images'"):
        labelled_images.read({"images": images}, TASK)


@pytest.mark.usefixtures("cloud")
def test_form_accepts_exactly_the_image() -> None:
    bucket = DataBucket(boto3.client("s3"), BUCKET)
    images = labelled_images.read({"images": [IMAGE]}, TASK)

    (form,) = labelled_images.open_uploads(TASK, images, bucket)["uploads"]

    assert form["fields"]["key"] == f"labelled/chest-xray/normal/{DIGEST}.png"
    conditions = json.loads(base64.b64decode(form["fields"]["policy"]))["conditions"]
    assert ["content-length-range", 7, 7] in conditions
    assert {"x-amz-checksum-sha256": base64.b64encode(bytes.fromhex(DIGEST)).decode()} in conditions


@pytest.mark.usefixtures("cloud")
def test_known_images_are_listed_page_by_page(monkeypatch: pytest.MonkeyPatch) -> None:
    bucket = DataBucket(boto3.client("s3"), BUCKET)
    stored = [("bacterial-pneumonia", "2"), ("normal", "0"), ("normal", "1")]
    for label, digit in stored:
        bucket.write(f"labelled/chest-xray/{label}/{digit * 64}.png", b"x", "image/png")
    for foreign in ("a.md", "b.md", "normal/a.md", "normal/readme.md"):
        bucket.write(f"labelled/chest-xray/{foreign}", b"x", "text/markdown")
    monkeypatch.setattr(labelled_images, "PER_PAGE", 2)

    first = labelled_images.known(TASK, bucket, None)
    rest = labelled_images.known(TASK, bucket, first["cursor"])

    found = [(image["label"], image["sha256"][0]) for image in first["images"] + rest["images"]]
    assert (found, rest["cursor"]) == (stored, None)
    with pytest.raises(InvalidRequest, match="cursor"):
        labelled_images.known(TASK, bucket, "../other/")

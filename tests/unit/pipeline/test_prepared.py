"""Prepared arrays in the bucket."""

from dataclasses import replace
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from chalicelib.imaging import prepare
from chalicelib.pipeline import prepared
from chalicelib.pipeline.pipeline import Pipeline
from chalicelib.pipeline.prepared import PreparedArray
from chalicelib.results.result_document import Source
from chalicelib.storage.bucket import StoredObject
from chalicelib.storage.errors import ObjectMissing
from chalicelib.storage.inbox import prepared_key
from tests import images
from tests.models import TASK
from tests.unit.pipeline.steps import TASK_, drop, stored_keys

pytestmark = pytest.mark.usefixtures("cloud")


def test_repeated_request_writes_a_missing_array(pipeline: Pipeline) -> None:
    first = pipeline.classify_now(TASK_, images.grey_file())
    pipeline.bucket.delete(prepared_key(TASK, first["id"]))
    pipeline.classify_now(TASK_, images.grey_file())
    assert stored_keys("prepared/") == [prepared_key(TASK, first["id"])]


def test_prepared_array_equals_that_of_training(pipeline: Pipeline) -> None:
    data = images.grey_file("JPEG", height=500, width=333)
    dropped = drop(f"inbox/{TASK}/a.jpg", data)
    pipeline.prepare(dropped)
    stored = PreparedArray.unpack(pipeline.bucket.read(prepared_key(TASK, dropped.id)))
    np.testing.assert_array_equal(stored.pixels, prepare(data, TASK_.input).pixels)


SOURCE: Source = {"format": "DICOM", "rows": 9, "columns": 7, "frame": 2, "frames": 3}


def prepared_array(channels: int) -> PreparedArray:
    pixels = np.arange(channels * 12 * 10, dtype=np.uint8).reshape(channels, 12, 10)
    return PreparedArray(pixels, (2, 1, 6, 9), SOURCE, "upload", "2026-01-01T00:00:00.000000Z", None)


@pytest.mark.parametrize("channels", [1, 3])
def test_array_and_facts_are_stored_together(channels: int) -> None:
    image = prepared_array(channels)
    body, metadata = image.pack()
    stored = PreparedArray.unpack(StoredObject(body, metadata, "etag"))
    np.testing.assert_array_equal(stored.pixels, image.pixels)
    assert list(stored.box) == list(image.box)
    assert (stored.source, stored.arrival, stored.arrived_at) == (SOURCE, "upload", None)
    received = stored.received("0" * 32, TASK)
    assert (received["created_at"], received["arrival"]) == (image.created_at, "upload")


@pytest.mark.parametrize(("channels", "mode"), [(1, "L"), (3, "RGB")])
def test_preview_has_no_padding(channels: int, mode: str) -> None:
    image = prepared_array(channels)
    with Image.open(BytesIO(image.preview())) as picture:
        assert (picture.mode, picture.size) == (mode, (6, 9))
        shown = np.asarray(picture).reshape(9, 6, channels)
    np.testing.assert_array_equal(shown.transpose(2, 0, 1), image.pixels[:, 1:10, 2:8])


@pytest.mark.parametrize(("channels", "mode"), [(1, "L"), (3, "RGB")])
@pytest.mark.parametrize("size", [(1, 12), (10, 1), (1, 1)])
def test_preview_of_a_thin_image_keeps_its_sides(channels: int, mode: str, size: tuple[int, int]) -> None:
    image = replace(prepared_array(channels), box=(0, 0, *size))
    with Image.open(BytesIO(image.preview())) as picture:
        assert (picture.mode, picture.size) == (mode, size)


def test_thumbnail_is_small_and_keeps_the_aspect_ratio() -> None:
    source: Source = {"format": "JPEG", "rows": 400, "columns": 200}
    pixels = np.zeros((1, 400, 300), np.uint8)
    image = PreparedArray(pixels, (50, 0, 200, 400), source, "api", "2026-01-01T00:00:00Z")
    with Image.open(BytesIO(image.preview(thumbnail=True))) as picture:
        assert picture.size == (64, 128)
    with Image.open(BytesIO(image.preview())) as picture:
        assert picture.size == (200, 400)


def test_array_that_needs_pickle_is_refused() -> None:
    body = BytesIO()
    np.save(body, np.array([{"a": 1}], dtype=object), allow_pickle=True)
    _, metadata = prepared_array(1).pack()
    with pytest.raises(ValueError, match="allow_pickle"):
        PreparedArray.unpack(StoredObject(body.getvalue(), metadata, "etag"))


def test_missing_array_is_not_stored(pipeline: Pipeline) -> None:
    image = prepared_array(1)
    result = image.received("0" * 32, TASK)
    assert not prepared.is_stored(pipeline.bucket, result)
    with pytest.raises(ObjectMissing):
        prepared.load(pipeline.bucket, TASK, result["id"])
    prepared.store(pipeline.bucket, TASK, result["id"], image)
    assert prepared.is_stored(pipeline.bucket, result)
    np.testing.assert_array_equal(prepared.load(pipeline.bucket, TASK, result["id"]).pixels, image.pixels)

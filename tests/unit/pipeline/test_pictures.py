"""Display pictures in the bucket, and images without one."""

import hashlib
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import pytest

from chalicelib.imaging import display_picture
from chalicelib.imaging.decoded import DisplayWindow
from chalicelib.imaging.display_picture import DisplayPicture, GreyScale
from chalicelib.pipeline import pictures, stored_pictures
from chalicelib.pipeline.decoder import IN_THE_BACKGROUND
from chalicelib.pipeline.pictures import Patience, Pictures
from chalicelib.pipeline.pipeline import Pipeline
from chalicelib.pipeline.prepared import PreparedArray
from chalicelib.results import result_document
from chalicelib.storage.inbox import picture_key, prepared_key
from tests import images
from tests.models import TASK
from tests.unit.pipeline.steps import TASK_, drop, stored_keys

pytestmark = pytest.mark.usefixtures("cloud")

DEEP = images.dicom(images.gradient(high=4095).astype(np.uint16), WindowCenter=2000, WindowWidth=1000)


def fail(*_: Any) -> DisplayPicture:
    raise MemoryError(images.PATIENT)


@pytest.mark.parametrize("route", ["request", "inbox"])
def test_picture_is_stored_and_described_in_the_result(pipeline: Pipeline, route: str) -> None:
    if route == "request":
        result = pipeline.classify_now(TASK_, DEEP)
    else:
        dropped = drop(f"inbox/{TASK}/a.dcm", DEEP)
        pipeline.prepare(dropped)
        pipeline.classify([prepared_key(TASK, dropped.id)])
        result = pipeline.table.get(dropped.id)
    picture = result["picture"]
    assert picture
    assert (picture["width"], picture["height"], picture["media_type"]) == (64, 96, "image/png")
    assert picture["grey"]
    assert picture["grey"]["windows"] == [{"low": 1500, "high": 2499, "name": None}]
    key = picture_key(TASK, result["id"], picture["sha256"])
    assert stored_keys("pictures/") == [key]
    stored = pipeline.bucket.read(key)
    assert hashlib.sha256(stored.body).hexdigest() == picture["sha256"]
    assert stored.metadata == {}
    assert urlsplit(stored_pictures.link(pipeline.bucket, result)).path.endswith(key)
    assert pipeline.table.get(result["id"]) == result


def test_repeated_work_stores_the_same_picture(pipeline: Pipeline) -> None:
    dropped = drop(f"inbox/{TASK}/a.dcm", DEEP)
    pipeline.prepare(dropped)
    pipeline.bucket.delete(prepared_key(TASK, dropped.id))
    pipeline.prepare(dropped)
    assert len(stored_keys("pictures/")) == 1


def test_image_is_classified_though_its_picture_cannot_be_made(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(display_picture, "make", fail)
    result = pipeline.classify_now(TASK_, DEEP)
    assert (result["status"], result["picture"]) == ("classified", None)
    assert stored_keys("pictures/") == []
    (record,) = (record for record in caplog.records if record.message == "no display picture")
    assert vars(record)["error"] == "MemoryError"
    assert images.PATIENT not in str(vars(record))


def test_no_picture_is_made_if_preparing_took_too_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(display_picture, "make", fail)
    assert pictures.prepare(DEEP, TASK_.input, Patience(picture=0.0, frames=9.0))[1] == Pictures()


def test_numbers_that_no_table_can_store_are_zero() -> None:
    grey = GreyScale(1e-120, -2.5, inverted=True, windows=[DisplayWindow(-1e-200, 4, "BONE")])
    described = pictures.describe(DisplayPicture(b"", "image/png", 2, 3, grey))
    assert described["grey"] == {
        "slope": 0,
        "intercept": -2.5,
        "inverted": True,
        "windows": [{"low": 0, "high": 4, "name": "BONE"}],
    }
    assert pictures.describe(DisplayPicture(b"", "image/jpeg", 2, 3, None))["grey"] is None


@pytest.mark.parametrize("route", ["request", "inbox"])
def test_frames_are_stored_and_listed(pipeline: Pipeline, route: str) -> None:
    if route == "request":
        result = pipeline.classify_now(TASK_, images.film(5))
    else:
        dropped = drop(f"inbox/{TASK}/a.dcm", images.film(5))
        pipeline.prepare(dropped)
        pipeline.classify([prepared_key(TASK, dropped.id)])
        result = pipeline.table.get(dropped.id)
    assert result["frames"]
    assert result["frames"]["kept"] == 5
    listed = stored_pictures.frames(pipeline.bucket, result)
    assert [one["frame"] for one in listed] == [1, 2, 3, 4, 5]
    assert listed[2]["picture"] == result["picture"]
    pixels = {one["picture"]["sha256"] for one in listed}
    assert len(pixels) == 5
    names = [picture_key(TASK, result["id"], sha256) for sha256 in (*pixels, result["frames"]["sha256"])]
    assert stored_keys("pictures/") == sorted(names)
    for key in names:
        assert images.PATIENT.encode() not in pipeline.bucket.read(key).body


def test_facts_of_any_file_fit_into_the_metadata_of_an_object(pipeline: Pipeline) -> None:
    """S3 takes 2 kB of metadata."""
    windows: dict[str, Any] = {
        "WindowCenter": [-1234.56789012 * number for number in range(1, 7)],
        "WindowWidth": [9876.54321098 * number for number in range(1, 7)],
        "WindowCenterWidthExplanation": ["MEDIASTINUM"] * 6,
        "PixelSpacing": [0.123456789, 0.123456789],
        "RescaleSlope": "0.1234567891",
        "RescaleIntercept": "-1234.5678901",
    }
    pixels = np.stack([images.gradient(high=4095).astype("u2")] * 2)
    dropped = images.dicom(pixels, **windows)
    decoded = pipeline.decoder.decode(TASK_, "0" * 32, dropped, IN_THE_BACKGROUND)
    base = result_document.received("0" * 32, TASK, "drop-folder")
    _, metadata = PreparedArray.of(decoded, base, "2026-01-01T00:00:00.000000Z").pack()
    assert decoded.frames
    assert sum(len(name) + len(value) for name, value in metadata.items()) < 2048


def test_array_of_an_earlier_version_has_no_picture(pipeline: Pipeline) -> None:
    dropped = drop(f"inbox/{TASK}/a.dcm", DEEP)
    pipeline.prepare(dropped)
    key = prepared_key(TASK, dropped.id)
    stored = pipeline.bucket.read(key)
    facts = stored.metadata["prepared"]
    earlier = facts[: facts.index(', "picture"')] + "}"
    pipeline.bucket.write(key, stored.body, "application/x-npy", {"prepared": earlier})
    pipeline.classify([key])
    result = pipeline.table.get(dropped.id)
    assert (result["picture"], result["frames"]) == (None, None)

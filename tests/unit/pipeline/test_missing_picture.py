"""Images that are sent again, because their results lack a display picture."""

from typing import Any

import pytest

from chalicelib.errors import DecodingFailed, ResultDeleted
from chalicelib.imaging import display_picture
from chalicelib.imaging.display_picture import DisplayPicture
from chalicelib.pipeline.decoder import DecodedFile, Decoder
from chalicelib.pipeline.pipeline import Pipeline
from chalicelib.results import result_document
from chalicelib.results.result_document import Result
from tests import images
from tests.unit.pipeline.steps import OLDER, TASK_, add_reading, review_by, stored_document, stored_keys

FILM = images.film(3)


def fail(*_: Any) -> DisplayPicture:
    raise MemoryError


@pytest.fixture
def lacking(pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch) -> Result:
    """A reviewed result without pictures."""
    with monkeypatch.context() as patch:
        patch.setattr(display_picture, "make", fail)
        result = pipeline.classify_now(TASK_, FILM)
    assert (result["picture"], result["frames"]) == (None, None)
    return pipeline.decisions.review(result["id"], add_reading(review_by("local")))


def test_image_that_is_sent_again_gets_its_pictures(pipeline: Pipeline, lacking: Result) -> None:
    again = pipeline.classify_now(TASK_, FILM)
    assert again["picture"]
    assert again["frames"]
    assert len(stored_keys("pictures/")) == 3 + 1
    assert {**again, "picture": None, "frames": None} == lacking
    assert stored_document(result_document.key(again)) == again == pipeline.table.get(again["id"])


@pytest.mark.parametrize("reason", ["no picture", "no answer"])
def test_result_stays_if_there_is_no_picture_again(
    pipeline: Pipeline, lacking: Result, monkeypatch: pytest.MonkeyPatch, reason: str
) -> None:
    if reason == "no picture":
        monkeypatch.setattr(display_picture, "make", fail)
    else:
        monkeypatch.setattr(Decoder, "_ask", lambda *_: {"code": DecodingFailed.__name__, "message": ""})
    assert pipeline.classify_now(TASK_, FILM) == pipeline.table.get(lacking["id"]) == lacking


def test_no_picture_is_added_to_a_result_that_is_deleted_meanwhile(
    pipeline: Pipeline, lacking: Result, monkeypatch: pytest.MonkeyPatch
) -> None:
    decode = Decoder.decode

    def overtaken(*arguments: Any) -> DecodedFile:
        pipeline.decisions.change(lacking["id"], result_document.deleted)
        return decode(*arguments)

    monkeypatch.setattr(Decoder, "decode", overtaken)
    with pytest.raises(ResultDeleted):
        pipeline.classify_now(TASK_, FILM)
    assert pipeline.table.entry(lacking["id"]).result["picture"] is None  # type: ignore[union-attr]


def test_newer_model_keeps_pictures_that_cannot_be_made_again(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = pipeline.classify_now(TASK_, FILM)
    pipeline.decisions.change(first["id"], lambda result: result | {"model": OLDER})
    monkeypatch.setattr(display_picture, "make", fail)
    second = pipeline.classify_now(TASK_, FILM)
    assert second["model"] == first["model"]
    assert (second["picture"], second["frames"]) == (first["picture"], first["frames"])

"""Links to display pictures, and the list of those of frames."""

from urllib.parse import urlsplit

import pytest

from chalicelib import errors
from chalicelib.pipeline import stored_pictures
from chalicelib.pipeline.pipeline import Pipeline
from chalicelib.results import result_document
from chalicelib.storage.inbox import picture_key
from tests import images
from tests.models import TASK
from tests.unit.pipeline.steps import TASK_, stored_keys

pytestmark = pytest.mark.usefixtures("cloud")


def test_link_says_why_there_is_no_picture(pipeline: Pipeline) -> None:
    result = pipeline.classify_now(TASK_, images.grey_file())
    with pytest.raises(errors.NoPicture, match="has been stored"):
        stored_pictures.link(pipeline.bucket, result | {"picture": None})
    with pytest.raises(errors.NotClassified):
        stored_pictures.link(pipeline.bucket, result_document.received("0" * 32, TASK, "upload"))
    (key,) = stored_keys("pictures/")
    pipeline.bucket.delete(key)
    with pytest.raises(errors.NoPicture, match="deleted"):
        stored_pictures.link(pipeline.bucket, result)


def test_link_leads_to_the_wanted_frame(pipeline: Pipeline) -> None:
    result = pipeline.classify_now(TASK_, images.film())
    for one in stored_pictures.frames(pipeline.bucket, result):
        link = stored_pictures.link(pipeline.bucket, result, one["frame"])
        assert urlsplit(link).path.endswith(picture_key(TASK, result["id"], one["picture"]["sha256"]))
    with pytest.raises(errors.NoPicture, match="this frame"):
        stored_pictures.link(pipeline.bucket, result, 4)


def test_images_without_frames_have_an_empty_list(pipeline: Pipeline) -> None:
    result = pipeline.classify_now(TASK_, images.grey_file())
    assert stored_pictures.frames(pipeline.bucket, result) == []
    with pytest.raises(errors.NotClassified):
        stored_pictures.frames(pipeline.bucket, result_document.received("0" * 32, TASK, "upload"))


@pytest.mark.parametrize(("image", "number"), [(images.grey_file(), 1), (images.film(), 2)])
def test_picture_of_the_image_is_that_of_the_frame_that_was_classified(
    pipeline: Pipeline, image: bytes, number: int
) -> None:
    # An earlier version of this application kept no other frames.
    result = pipeline.classify_now(TASK_, image) | {"frames": None}
    assert result["picture"]

    link = stored_pictures.link(pipeline.bucket, result, number)

    assert urlsplit(link).path.endswith(picture_key(TASK, result["id"], result["picture"]["sha256"]))
    with pytest.raises(errors.NoPicture, match="this frame"):
        stored_pictures.link(pipeline.bucket, result, number + 1)


def test_deleted_frames_are_an_error(pipeline: Pipeline) -> None:
    result = pipeline.classify_now(TASK_, images.film())
    for key in stored_keys("pictures/"):
        pipeline.bucket.delete(key)
    with pytest.raises(errors.NoPicture, match="deleted"):
        stored_pictures.frames(pipeline.bucket, result)

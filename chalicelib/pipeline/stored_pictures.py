"""Display pictures in the bucket."""

import json
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, cast

from chalicelib.errors import NoPicture, NotClassified
from chalicelib.results import result_document
from chalicelib.results.picture import FramePicture, Picture
from chalicelib.results.result_document import Result
from chalicelib.storage.bucket import DataBucket
from chalicelib.storage.errors import AccessDenied, ObjectChanged, ObjectMissing
from chalicelib.storage.inbox import picture_key

if TYPE_CHECKING:  # showing a picture that is stored takes no imaging
    from chalicelib.pipeline.pictures import PictureFile

_EXTENSIONS = {"image/png": "png", "image/jpeg": "jpg"}


def add(bucket: DataBucket, task: str, image_id: str, files: "Sequence[PictureFile]") -> None:
    """Store the pictures of an image that are not there yet: their keys name their contents."""
    for file in files:
        with suppress(ObjectChanged):
            bucket.create(picture_key(task, image_id, file.sha256), file.content, file.media_type)


def link(bucket: DataBucket, result: Result, frame: int | None = None) -> str:
    """A link to the display picture of an image.

    Args:
        bucket: the data bucket.
        result: of the image.
        frame: number of a frame of its file, from 1; None for the one that was classified.

    Raises:
        NotClassified: if the image has not been classified.
        NoPicture: if there is none (any more).
    """
    classified = _classified(result)
    if frame is None or frame == _classified_frame(classified):
        picture = classified["picture"]
    else:
        picture = _of_frame(bucket, result, frame)
    if picture is None:
        raise NoPicture("No display picture of this image has been stored. The model's input can be shown.")
    key = picture_key(result["task"], result["id"], picture["sha256"])
    try:
        bucket.etag(key)
    except (ObjectMissing, AccessDenied):
        raise _deleted() from None
    return bucket.presign_download(key, f"{result['id']}.{_EXTENSIONS[picture['media_type']]}")


def frames(bucket: DataBucket, result: Result) -> list[FramePicture]:
    """The frames of an image's file that have a display picture, by their numbers.

    It is empty for files with one frame, and if no other frames were kept.

    Raises:
        NotClassified: if the image has not been classified.
        NoPicture: if the pictures have been deleted.
    """
    kept = _classified(result)["frames"]
    if kept is None:
        return []
    try:
        stored = bucket.read(picture_key(result["task"], result["id"], kept["sha256"]))
    except (ObjectMissing, AccessDenied):
        raise _deleted() from None
    return cast(list[FramePicture], json.loads(stored.body)["frames"])


def _classified_frame(result: Result) -> int:
    """The number of the frame that was classified; 1 if the file has no others."""
    source = result["source"]
    return source.get("frame", 1) if source else 1


def _of_frame(bucket: DataBucket, result: Result, number: int) -> Picture:
    for one in frames(bucket, result):
        if one["frame"] == number:
            return one["picture"]
    raise NoPicture(
        "No display picture of this frame has been stored. GET /results/{id}/frames lists the frames that "
        "have one."
    )


def _classified(result: Result) -> Result:
    if result["status"] != result_document.CLASSIFIED:
        raise NotClassified("There is no image to show: it has not been classified.")
    return result


def _deleted() -> NoPicture:
    return NoPicture("The display picture of this image has been deleted. The model's input can be shown.")

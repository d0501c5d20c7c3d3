"""Labelled images that come in through the page, for retrainings."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

from chalicelib import limits
from chalicelib.api.schemas import (
    LabelledImage,
    LabelledImages,
    LabelledUploadRequest,
    LabelledUploads,
)
from chalicelib.errors import ImageTooLarge, InvalidRequest, UnsupportedMediaType
from chalicelib.fields import refuse_unknown, required_str
from chalicelib.media_types import FILE_TYPES, UNSPECIFIC_TYPES
from chalicelib.retraining.locations import LABELLED
from chalicelib.storage.bucket import UPLOAD_SECONDS, DataBucket
from chalicelib.storage.items import invalid_cursor
from chalicelib.tasks import Task
from chalicelib.timestamps import timestamp

SUFFIXES: Mapping[str, str] = dict(
    zip((*FILE_TYPES, *UNSPECIFIC_TYPES), (".jpg", ".png", ".tif", ".dcm", ".jpg", ""), strict=True)
)
"""Suffixes of objects by content type; training reads the format from the contents."""
PER_PAGE = 1000
"""Images in one answer: what S3 lists in one request."""
_SHA256 = re.compile(r"[0-9a-f]{64}")
_NAME = re.compile(r"([a-z0-9-]+)/([0-9a-f]{64})(\.[a-z]+)?")
"""The key of an image, below the folder of its task."""


def read(body: Mapping[str, Any], task: Task) -> list[LabelledImage]:
    """The images that a JSON body announces.

    Raises:
        InvalidRequest, ImageTooLarge, UnsupportedMediaType: if an image cannot be uploaded; none is then.
    """
    refuse_unknown(body, *LabelledUploadRequest.__annotations__)
    images = body.get("images")
    if not isinstance(images, list) or not 1 <= len(images) <= limits.MAX_LABELLED_IMAGES:
        raise InvalidRequest(f"'images' must be a list of 1 to {limits.MAX_LABELLED_IMAGES} images.")
    return [_read_image(image, task) for image in images]


def _read_image(image: Any, task: Task) -> LabelledImage:
    if not isinstance(image, dict):
        raise InvalidRequest("Each of 'images' must be an object.")
    refuse_unknown(image, *LabelledImage.__annotations__)
    label = required_str(image, "label", limits.MAX_NAME)
    sha256, content_type = required_str(image, "sha256"), required_str(image, "content_type")
    size = image.get("size")
    if label not in task.class_names:
        raise InvalidRequest(f"'label' must be one of {', '.join(task.class_names)}.")
    if not _SHA256.fullmatch(sha256):
        raise InvalidRequest("'sha256' must be the digest of the file, in 64 hexadecimal digits.")
    if type(size) is not int or size < 1:
        raise InvalidRequest("'size' must be the number of bytes of the file.")
    if size > limits.MAX_FILE_BYTES:
        raise ImageTooLarge(f"The file has {size:,} bytes; at most {limits.MAX_FILE_BYTES:,} are accepted.")
    if content_type not in SUFFIXES:
        raise UnsupportedMediaType(f"'content_type' must be one of {', '.join(SUFFIXES)}.")
    return {"label": label, "sha256": sha256, "size": size, "content_type": content_type}


def open_uploads(task: Task, images: list[LabelledImage], bucket: DataBucket) -> LabelledUploads:
    """Forms that accept exactly the files that `images` describe; using one twice stores the same object."""
    forms = [
        bucket.presign_upload(
            f"{LABELLED}{task.name}/{image['label']}/{image['sha256']}{SUFFIXES[image['content_type']]}",
            image["size"],
            image["content_type"],
            bytes.fromhex(image["sha256"]),
        )
        for image in images
    ]
    expires = datetime.now(UTC) + timedelta(seconds=UPLOAD_SECONDS)
    return {"uploads": forms, "expires_at": timestamp(expires)}


def known(task: Task, bucket: DataBucket, cursor: str | None) -> LabelledImages:
    """The uploaded images of a task, page by page.

    Raises:
        InvalidRequest: if `cursor` was not made by this function.
    """
    if cursor and not _NAME.fullmatch(cursor):
        raise invalid_cursor()
    folder = f"{LABELLED}{task.name}/"
    after = f"{folder}{cursor}" if cursor else ""
    names = (_NAME.fullmatch(key.removeprefix(folder)) for key in bucket.keys(folder, after))
    # Other objects do not count, and are no cursors: their names may name patients.
    images = [*islice(filter(None, names), PER_PAGE + 1)]
    return {
        "images": [{"label": image[1], "sha256": image[2]} for image in images[:PER_PAGE]],
        "cursor": images[PER_PAGE - 1][0] if len(images) > PER_PAGE else None,
    }

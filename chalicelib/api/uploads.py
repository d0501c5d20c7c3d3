"""How images come in: small ones in a request's body, large ones through a form into the inbox."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from chalicelib.api.route import Content
from chalicelib.api.schemas import Upload, UploadRequest
from chalicelib.errors import ImageTooLarge, InvalidRequest, UnsupportedMediaType
from chalicelib.fields import raw_str, refuse_unknown, required_str
from chalicelib.limits import IMAGE_TYPES, MAX_FILE_BYTES, MAX_FILENAME, MAX_IMAGE_BODY, PATH_PARAMETERS
from chalicelib.results import result_document
from chalicelib.results.table import ResultsTable
from chalicelib.storage import inbox
from chalicelib.storage.bucket import UPLOAD_SECONDS, DataBucket
from chalicelib.tasks import Task
from chalicelib.timestamps import timestamp

IMAGE = Content(
    f"The bytes of a JPEG, PNG, TIFF or DICOM file, at most {MAX_IMAGE_BODY:,}. The format is detected from "
    "the contents.",
    IMAGE_TYPES,
)


def small_image(data: bytes) -> bytes:
    """An image that came in a request's body.

    Raises:
        ImageTooLarge: if it is larger than such images may be.
    """
    if len(data) > MAX_IMAGE_BODY:
        raise ImageTooLarge(
            f"The image has {len(data):,} bytes; at most {MAX_IMAGE_BODY:,} are accepted here. Upload larger "
            "ones through POST /api/uploads."
        )
    return data


def read(body: Mapping[str, Any]) -> UploadRequest:
    """The request for an upload form in a JSON body.

    The file name is checked and discarded, as it may name a patient.

    Raises:
        InvalidRequest, ImageTooLarge, UnsupportedMediaType: if there can be no such form.
    """
    refuse_unknown(body, *UploadRequest.__annotations__)
    task, size = required_str(body, "task", PATH_PARAMETERS["task"]), body.get("size")
    content_type = required_str(body, "content_type")
    raw_str(body, "filename", MAX_FILENAME)
    if type(size) is not int or size < 1:
        raise InvalidRequest("'size' must be the number of bytes of the file.")
    if size > MAX_FILE_BYTES:
        raise ImageTooLarge(f"The file has {size:,} bytes; at most {MAX_FILE_BYTES:,} are accepted.")
    if content_type not in IMAGE_TYPES:
        raise UnsupportedMediaType(f"'content_type' must be one of {', '.join(IMAGE_TYPES)}.")
    return {"task": task, "size": size, "content_type": content_type}


def open_upload(task: Task, body: UploadRequest, bucket: DataBucket, table: ResultsTable) -> Upload:
    """Announce an image of `task` and return the form that accepts exactly the file that `body` describes."""
    token = inbox.random_token()
    image_id = inbox.upload_id(task.name, token)
    table.announce(result_document.received(image_id, task.name, "upload"))
    form = bucket.presign_upload(inbox.upload_key(task.name, token), body["size"], body["content_type"])
    expires = datetime.now(UTC) + timedelta(seconds=UPLOAD_SECONDS)
    return {"id": image_id, "upload": form, "expires_at": timestamp(expires)}

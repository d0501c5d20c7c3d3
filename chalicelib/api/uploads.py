"""Large images come in two steps: a form is asked for, then the file goes straight into the inbox."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from chalicelib.errors import ImageTooLarge, InvalidRequest, UnsupportedMediaType
from chalicelib.fields import optional_string, refuse_unknown, text
from chalicelib.limits import IMAGE_TYPES, MAX_FILENAME, MAX_UPLOAD
from chalicelib.results import result_document
from chalicelib.results.table import ResultsTable
from chalicelib.storage import inbox
from chalicelib.storage.bucket import UPLOAD_SECONDS, DataBucket
from chalicelib.tasks import Task
from chalicelib.timestamps import timestamp


def open_upload(
    task: Task, wish: Mapping[str, Any], bucket: DataBucket, table: ResultsTable
) -> dict[str, Any]:
    """Announce an image of `task` and return the form that takes exactly what `wish` describes.

    A `filename` is checked and forgotten, as it may name a patient.

    Raises:
        InvalidRequest, ImageTooLarge, UnsupportedMediaType: if there will be no such form.
    """
    refuse_unknown(wish, "task", "filename", "size", "content_type")
    size, content_type = wish.get("size"), text(wish, "content_type")
    optional_string(wish, "filename", MAX_FILENAME)
    if type(size) is not int or size < 1:
        raise InvalidRequest("'size' must be the number of bytes of the file.")
    if size > MAX_UPLOAD:
        raise ImageTooLarge(f"The file has {size:,} bytes; at most {MAX_UPLOAD:,} are accepted.")
    if content_type not in IMAGE_TYPES:
        raise UnsupportedMediaType(f"'content_type' must be one of {', '.join(IMAGE_TYPES)}.")
    token = inbox.random_token()
    image_id = inbox.upload_id(task.name, token)
    table.announce(result_document.received(image_id, task.name, "upload"))
    form = bucket.presign_upload(inbox.upload_key(task.name, token), size, content_type)
    expires = datetime.now(UTC) + timedelta(seconds=UPLOAD_SECONDS)
    return {"id": image_id, "upload": form, "expires_at": timestamp(expires)}

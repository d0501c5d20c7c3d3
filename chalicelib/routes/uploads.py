"""Routes of uploads."""

from chalicelib import dependencies
from chalicelib.api import (
    schemas,
    uploads,
)
from chalicelib.api.http import api, json_body
from chalicelib.api.queries import find_task
from chalicelib.api.route import Errors
from chalicelib.errors import (
    ImageTooLarge,
    InvalidModelPackage,
    TaskHasNoModel,
    UnknownTask,
)

UPLOADING: Errors = (UnknownTask, TaskHasNoModel, InvalidModelPackage, ImageTooLarge)


@api.post("/uploads", group="reviewer", body=schemas.UploadRequest, status=201, errors=UPLOADING)
def create_upload() -> schemas.Upload:
    """Get a form to upload an image of up to 200 MB."""
    body = uploads.read(json_body(api.request))
    task = find_task(body["task"])
    dependencies.classifier().require_model(task)
    upload = uploads.open_upload(task, body, dependencies.bucket(), dependencies.table())
    # Whoever has not got the form has uploaded nothing.
    dependencies.audit().record(api.user, "upload-image", upload["id"], task=task.name)
    return upload


@api.delete("/uploads/{id}", group="reviewer")
def give_up_upload(id: str) -> schemas.GivenUpUpload:
    """Stop waiting for an upload, whose place in the list is given up.

    If its file has arrived, or still arrives, it is classified all the same.
    """
    dependencies.table().give_up(id)
    return {"id": id}

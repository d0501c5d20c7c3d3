"""Routes of retrainings and of the images that they learn from."""

from chalice.app import Response

from chalicelib import dependencies
from chalicelib.api import (
    labelled_images,
    queries,
    schemas,
    task_views,
)
from chalicelib.api.http import api, json_body
from chalicelib.api.queries import find_task
from chalicelib.api.route import Errors
from chalicelib.errors import (
    AdministrationFailed,
    AlreadyRetraining,
    ImageTooLarge,
    InvalidHyperparameters,
    NothingToApprove,
    NothingToStop,
    RetrainingNotDeployed,
)
from chalicelib.retraining.record import FollowedRetraining, StartedRetraining
from chalicelib.retraining.training_data_document import TrainingData

STOPPING: Errors = (NothingToStop, AdministrationFailed)
STARTING: Errors = (InvalidHyperparameters, AlreadyRetraining, RetrainingNotDeployed)


@api.get("/tasks/{task}/training-data")
def get_training_data(task: str) -> TrainingData:
    """Count what a retraining of a task would learn from, and what is new since its model was trained.

    Counting stops after 15 s; `complete` tells.
    """
    return dependencies.training_data_counter().count(find_task(task))


@api.get("/tasks/{task}/labelled-images", group="admin", query=(queries.CURSOR,))
def list_labelled_images(task: str) -> schemas.LabelledImages:
    """List the labelled images that have been uploaded for retrainings; members of the group admin only."""
    return labelled_images.known(find_task(task), dependencies.bucket(), queries.CURSOR.read(api.query))


@api.post(
    "/tasks/{task}/labelled-images",
    group="admin",
    body=schemas.LabelledUploadRequest,
    status=201,
    errors=(ImageTooLarge,),
)
def upload_labelled_images(task: str) -> schemas.LabelledUploads:
    """Get forms to upload labelled images for retrainings; members of the group admin only."""
    images = labelled_images.read(json_body(api.request), find_task(task))
    dependencies.audit().record(api.user, "upload-labelled-images", task, images=str(len(images)))
    return labelled_images.open_uploads(find_task(task), images, dependencies.bucket())


@api.post("/retrainings", group="admin", body=schemas.RetrainingBody, status=201, errors=STARTING)
def start_retraining() -> StartedRetraining:
    """Retrain a task; members of the group admin only."""
    return dependencies.retraining_service().start(json_body(api.request), api.user)


@api.get("/retrainings", query=queries.RETRAINING_PAGE)
def list_retrainings() -> schemas.RetrainingPage:
    """List retrainings, newest first. A page may be empty and still have a cursor."""
    wanted = queries.page(api.query, queries.RETRAININGS_PER_PAGE)
    page, cursor = dependencies.retraining_service().page(*wanted, api.tasks)
    return {"retrainings": page, "cursor": cursor}


@api.get("/retrainings/{name}")
def follow_retraining(name: str) -> FollowedRetraining:
    """Get one retraining: its progress, its measurements, the decision and the reasons."""
    return dependencies.retraining_service().follow(name)


@api.get("/retrainings/{name}/files/{file}", answer=task_views.RETRAINING_FILE)
def get_retraining_file(name: str, file: str) -> Response:
    """Get the report, a plot, or the epochs of a network of a retraining, one of its `files`."""
    return Response(*task_views.shown_file(file, dependencies.retraining_service().file(name, file)))


@api.post("/retrainings/{name}/approval", group="admin", body=schemas.Approval, errors=(NothingToApprove,))
def approve_retraining(name: str) -> schemas.ApprovedRetraining:
    """Decide whether the new model of a retraining may be deployed; members of the group admin only."""
    dependencies.retraining_service().approve(name, json_body(api.request), api.user)
    return {"name": name}


@api.post("/retrainings/{name}/stop", group="admin", errors=STOPPING)
def stop_retraining(name: str) -> schemas.StoppedRetraining:
    """Stop a retraining whose model is not being deployed yet; members of the group admin only.

    A request can be repeated: what has been stopped stays so.
    """
    dependencies.administrator().stop(name, api.user)
    return {"name": name, "status": "stopped"}

"""Every entry point of Negatoscope: the REST routes, the S3 handlers and the schedules. Wiring only."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from chalice.app import Chalice, CloudWatchEvent, ConvertToMiddleware, Rate, Response, S3Event

from chalicelib import DISCLAIMER, dependencies
from chalicelib.api import export, queries, reviews, routes, schemas, stage_views, task_views, uploads
from chalicelib.api.http import Api, body_bytes, json_body
from chalicelib.api.queries import find_task
from chalicelib.errors import (
    InvalidModelPackage,
    NotClassified,
    NothingToApprove,
    ReviewChanged,
    UnknownModel,
    UnknownTask,
)
from chalicelib.models import rollback
from chalicelib.models.deployment import Deployment
from chalicelib.models.heatmap import Heatmap
from chalicelib.monitoring.drift_document import DriftDocument
from chalicelib.observability import logger, tracer
from chalicelib.resource_names import resource_name
from chalicelib.results import readings
from chalicelib.results.result_document import Result
from chalicelib.retraining.record import FollowedRetraining, StartedRetraining
from chalicelib.settings import settings
from chalicelib.storage import inbox
from chalicelib.tasks import load_tasks

app = Chalice(app_name="negatoscope")
# The name of the API, by which CloudWatch distinguishes the metrics of the stages.
app.app_name = resource_name(settings().stage)
app.register_middleware(ConvertToMiddleware(logger.inject_lambda_context))
app.register_middleware(ConvertToMiddleware(tracer.capture_lambda_handler(capture_response=False)))
api = Api(app, settings().user_pool_arn)


@api.get("/health", public=True)
def health() -> schemas.Health:
    """Check that the API is up."""
    return stage_views.health(settings())


@api.get("/openapi.json", public=True)
def openapi() -> dict[str, Any]:
    """Get this document, in OpenAPI 3.1."""
    return dict(json.loads((Path(__file__).parent / "chalicelib" / "openapi.json").read_text()))


@api.get("/me", group=None)
def me() -> schemas.Me:
    """Get the permissions of the signed-in user."""
    return {"login": api.has_login, "user": api.user, "groups": api.groups, "role": api.role}


@api.get("/tasks", errors=(InvalidModelPackage,))
def list_tasks() -> schemas.Tasks:
    """List the tasks, each with its model if it has one."""
    tasks = [task_views.describe(task, dependencies.classifier()) for task in load_tasks().values()]
    return {"tasks": tasks, "disclaimer": DISCLAIMER}


@api.post("/tasks/{task}/classify", group="reviewer", body=uploads.IMAGE, errors=routes.CLASSIFYING)
def classify_image(task: str) -> Result:
    """Classify one image of at most 4.5 MB, given as the request's body."""
    return dependencies.pipeline().classify_now(find_task(task), uploads.small_image(body_bytes(api.request)))


@api.get("/tasks/{task}/models")
def list_models(task: str) -> schemas.Models:
    """List the versions of a task's model, newest first."""
    return {"models": list(dependencies.registry().versions(find_task(task).name))}


@api.get("/tasks/{task}/models/{version}/{file}", answer=task_views.MODEL_FILE, errors=(UnknownModel,))
def get_model_file(task: str, version: str, file: str) -> Response:
    """Get the card, the facts, a plot or the whole package of a version.

    `file` is card.md, model.json, a plot that the card shows, or model.tar.gz: the package, which can
    classify images anywhere.
    """
    return task_views.model_file(dependencies.registry(), find_task(task), version, file)


@api.post("/tasks/{task}/rollback", group="admin", query=(queries.ROLLED_BACK,), errors=routes.ROLLING_BACK)
def roll_back(task: str) -> Deployment:
    """Roll back to the previous model; members of the group admin only."""
    dependencies.retraining_service().check_idle(find_task(task))
    version = queries.ROLLED_BACK.read(api.query)
    return rollback.roll_back(
        find_task(task).name, dependencies.registry(), dependencies.endpoint_manager(), version
    )


@api.get("/tasks/{task}/drift")
def get_drift(task: str) -> DriftDocument:
    """Compare the latest images of a task with those that its model was validated on."""
    return dependencies.drift_monitor().last(find_task(task))


@api.post("/uploads", group="reviewer", body=schemas.UploadRequest, status=201, errors=routes.UPLOADING)
def create_upload() -> schemas.Upload:
    """Get a form to upload an image of up to 200 MB."""
    body = uploads.read(json_body(api.request))
    task = find_task(body["task"])
    dependencies.classifier().require_model(task)
    return uploads.open_upload(task, body, dependencies.bucket(), dependencies.table())


@api.get("/results", query=(*queries.SELECTION, *queries.RESULT_PAGE), errors=(UnknownTask,))
def list_results() -> schemas.ResultPage:
    """List results, page by page."""
    wanted = queries.selection(api.query)
    page, cursor = dependencies.table().page(wanted, *queries.page(api.query, queries.RESULTS_PER_PAGE))
    return {"results": page, "cursor": cursor}


@api.get("/results.csv", query=queries.SELECTION, answer=export.TABLE, errors=routes.EXPORTING)
def export_results() -> Response:
    """Export results as a table.

    The table is read for 20 s at most. If that takes longer, or the table has more than 200 MB, the answer is
    400 with the code ExportTooLarge: narrow the selection. Cells that spreadsheets would take for formulas
    begin with an apostrophe.
    """
    wanted = queries.selection(api.query)
    return export.answer(
        dependencies.table().pages(wanted, export.ATTRIBUTES), wanted.task, dependencies.bucket()
    )


@api.get("/results/{id}")
def get_result(id: str) -> Result:
    """Get one result, whatever its status."""
    return dependencies.table().get(id)


@api.get("/results/{id}/preview", answer=task_views.PREVIEW, errors=(NotClassified,))
def get_preview(id: str) -> Response:
    """Get the image as the model saw it, without identity and padding."""
    image = dependencies.pipeline().prepared_image(dependencies.table().get(id))
    return Response(image.preview(), {"Content-Type": "image/png"})


@api.get("/results/{id}/heatmap", query=(queries.CLASS,), errors=routes.EXPLAINING)
def get_heatmap(id: str) -> Heatmap:
    """Get the heat map of any class.

    The result itself holds that of its label.
    """
    return dependencies.pipeline().heatmap(
        dependencies.table().get(id), queries.CLASS.read_required(api.query)
    )


@api.put(
    "/results/{id}/review",
    group="reviewer",
    query=(queries.SEEN, queries.SECOND),
    body=schemas.ReviewRequest,
    errors=routes.REVIEWING,
)
def review_result(id: str) -> Result:
    """Confirm or correct a classification."""
    reading = reviews.read(json_body(api.request), dependencies.table().get(id), api.user)
    seen, second = queries.SEEN.read(api.query), bool(queries.SECOND.read(api.query))
    return dependencies.pipeline().review(
        id, lambda result: readings.add(result, reading, seen, second=second)
    )


@api.delete(
    "/results/{id}/review",
    group="reviewer",
    query=(queries.SEEN, queries.RESTORED),
    errors=(NotClassified, ReviewChanged),
)
def withdraw_review(id: str) -> Result:
    """Withdraw a review, or go back to an earlier one.

    It remains among the image's readings.
    """
    dependencies.table().get(id)
    seen, restored = queries.SEEN.read(api.query), queries.RESTORED.read(api.query)
    return dependencies.pipeline().review(id, lambda result: readings.withdraw(result, seen, restored))


@api.post("/retrainings", group="admin", body=schemas.RetrainingBody, status=201, errors=routes.STARTING)
def start_retraining() -> StartedRetraining:
    """Retrain a task; members of the group admin only."""
    return dependencies.retraining_service().start(json_body(api.request), api.user)


@api.get("/retrainings", query=queries.RETRAINING_PAGE)
def list_retrainings() -> schemas.RetrainingPage:
    """List retrainings, newest first."""
    wanted = queries.page(api.query, queries.RETRAININGS_PER_PAGE)
    page, cursor = dependencies.retraining_service().page(*wanted)
    return {"retrainings": page, "cursor": cursor}


@api.get("/retrainings/{name}")
def follow_retraining(name: str) -> FollowedRetraining:
    """Get one retraining: its progress, its measurements, the decision and the reasons."""
    return dependencies.retraining_service().follow(name)


@api.get("/retrainings/{name}/files/{file}", answer=task_views.RETRAINING_FILE)
def get_retraining_file(name: str, file: str) -> Response:
    """Get the report or a plot of a retraining, one of its `files`."""
    return Response(*task_views.shown_file(file, dependencies.retraining_service().file(name, file)))


@api.post("/retrainings/{name}/approval", group="admin", body=schemas.Approval, errors=(NothingToApprove,))
def approve_retraining(name: str) -> schemas.ApprovedRetraining:
    """Decide whether the new model of a retraining may be deployed; members of the group admin only."""
    dependencies.retraining_service().approve(name, json_body(api.request), api.user)
    return {"name": name}


@app.on_s3_event(settings().data_bucket, ["s3:ObjectCreated:*"], prefix=inbox.INBOX, name="prepare")
def prepare(event: S3Event) -> None:
    """Prepare the images that have arrived in the inbox."""
    for original in inbox.event_objects(event.to_dict()):
        dependencies.pipeline().prepare(original)


@app.on_s3_event(settings().data_bucket, ["s3:ObjectCreated:*"], prefix=inbox.PREPARED, name="classify")
def classify(event: S3Event) -> None:
    """Classify prepared images."""
    dependencies.pipeline().classify(inbox.event_keys(event.to_dict()))


@app.schedule(Rate(10, unit=Rate.MINUTES), name="sweep")
def sweep(_event: CloudWatchEvent) -> None:
    """Finish what was left unfinished."""
    dependencies.sweeper().run(datetime.now(UTC))


@app.schedule(Rate(1, unit=Rate.DAYS), name="drift-monitor")
def drift_monitor(_event: CloudWatchEvent) -> None:
    """Look for drift."""
    dependencies.drift_monitor().run()


@app.lambda_function(name="retraining")
def retraining(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    """Run one step of a retraining."""
    return dependencies.retraining_steps().run(event)

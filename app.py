"""Every entry point of Negatoscope: the REST routes, the S3 handlers and the schedule. Wiring only."""

import json
from dataclasses import asdict
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path
from typing import Any

from chalice.app import Chalice, CloudWatchEvent, ConvertToMiddleware, Rate, Response, S3Event

from chalicelib import DISCLAIMER, VERSION, aws, limits
from chalicelib.api import export, reviews, task_views, uploads
from chalicelib.api.http import (
    Api,
    body_bytes,
    find_task,
    json_body,
    page_parameters,
    selection,
)
from chalicelib.errors import ImageTooLarge
from chalicelib.fields import query_text, text
from chalicelib.limits import PATH_PARAMETERS
from chalicelib.models import rollback
from chalicelib.observability import logger, tracer
from chalicelib.resource_names import resource_name
from chalicelib.settings import settings
from chalicelib.storage import inbox
from chalicelib.tasks import load_tasks

app = Chalice(app_name="negatoscope")
# The name of the API, by which CloudWatch tells the metrics of one stage from those of another.
app.app_name = resource_name(settings().stage)
app.register_middleware(ConvertToMiddleware(logger.inject_lambda_context))
app.register_middleware(ConvertToMiddleware(tracer.capture_lambda_handler(capture_response=False)))
api = Api(app, settings().user_pool_arn)


@api.route("/health", public=True)
def health() -> dict[str, Any]:
    return {
        "status": "ok",
        "stage": settings().stage,
        "version": VERSION,
        "data_bucket": settings().data_bucket,
        "login": settings().login,
        "disclaimer": DISCLAIMER,
    }


@api.route("/openapi.json", public=True)
def openapi() -> Any:
    return json.loads((Path(__file__).parent / "chalicelib" / "openapi.json").read_text())


@api.route("/me", group=None)
def me() -> dict[str, Any]:
    return {"login": api.has_login, "user": api.user, "groups": api.groups, "role": api.role}


@api.route("/tasks")
def list_tasks() -> dict[str, Any]:
    tasks = [task_views.describe(task, aws.classifier()) for task in load_tasks().values()]
    return {"tasks": tasks, "disclaimer": DISCLAIMER}


@api.route("/tasks/{task}/classify", "POST", limits.IMAGE_TYPES, group="reviewer")
def classify_image(task: str) -> Any:
    data = body_bytes(api.request)
    if len(data) > limits.MAX_IMAGE_BODY:
        raise ImageTooLarge(
            f"Images of more than {limits.MAX_IMAGE_BODY:,} bytes go through POST /api/uploads."
        )
    return aws.pipeline().classify_now(find_task(task), data)


@api.route("/tasks/{task}/models")
def list_models(task: str) -> Any:
    return {"models": list(aws.registry().versions(find_task(task).name))}


@api.route("/tasks/{task}/models/{version}/{file}")
def get_model_file(task: str, version: str, file: str) -> Response:
    return task_views.model_file(aws.registry(), find_task(task), version, file)


@api.route("/tasks/{task}/rollback", "POST", group="admin")
def roll_back(task: str) -> Any:
    aws.retraining_service().check_idle(find_task(task))
    version = query_text(api.query, "version", PATH_PARAMETERS["version"])
    return asdict(rollback.roll_back(find_task(task).name, aws.registry(), aws.endpoint_manager(), version))


@api.route("/tasks/{task}/drift")
def get_drift(task: str) -> Any:
    return aws.drift_monitor().last(find_task(task))


@api.route("/uploads", "POST", group="reviewer")
def create_upload() -> Response:
    wish = json_body(api.request)
    task = find_task(text(wish, "task", limits.PATH_PARAMETERS["task"]))
    aws.classifier().require_model(task)
    form = uploads.open_upload(task, wish, aws.bucket(), aws.table())
    return Response(form, status_code=HTTPStatus.CREATED.value)


@api.route("/results")
def list_results() -> dict[str, Any]:
    wanted = selection(api.query)
    page, cursor = aws.table().page(wanted, *page_parameters(api.query, limits.RESULTS_PER_PAGE))
    return {"results": page, "cursor": cursor}


@api.route("/results.csv")
def export_results() -> Response:
    wanted = selection(api.query)
    return export.answer(aws.table().pages(wanted, export.ATTRIBUTES), wanted.task, aws.bucket())


@api.route("/results/{id}")
def get_result(id: str) -> Any:
    return aws.table().get(id)


@api.route("/results/{id}/preview")
def get_preview(id: str) -> Response:
    image = aws.pipeline().prepared_image(aws.table().get(id))
    return Response(image.preview(), {"Content-Type": "image/png"})


@api.route("/results/{id}/heatmap")
def get_heatmap(id: str) -> Any:
    return aws.pipeline().heatmap(aws.table().get(id), text(api.query, "label", limits.MAX_NAME))


@api.route("/results/{id}/review", "PUT", group="reviewer")
def review_result(id: str) -> Any:
    review = reviews.read(json_body(api.request), aws.table().get(id), api.user)
    return aws.pipeline().review(id, review)


@api.route("/results/{id}/review", "DELETE", group="reviewer")
def withdraw_review(id: str) -> Any:
    aws.table().get(id)
    return aws.pipeline().review(id, None)


@api.route("/retrainings", "POST", group="admin")
def start_retraining() -> Response:
    started = aws.retraining_service().start(json_body(api.request), api.user)
    return Response(started, status_code=HTTPStatus.CREATED.value)


@api.route("/retrainings")
def list_retrainings() -> Any:
    wanted = page_parameters(api.query, limits.RETRAININGS_PER_PAGE)
    page, cursor = aws.retraining_service().page(*wanted)
    return {"retrainings": page, "cursor": cursor}


@api.route("/retrainings/{name}")
def follow_retraining(name: str) -> Any:
    return aws.retraining_service().follow(name)


@api.route("/retrainings/{name}/files/{file}")
def get_retraining_file(name: str, file: str) -> Response:
    return Response(*task_views.shown_file(file, aws.retraining_service().file(name, file)))


@api.route("/retrainings/{name}/approval", "POST", group="admin")
def approve_retraining(name: str) -> Any:
    aws.retraining_service().approve(name, json_body(api.request), api.user)
    return {"name": name}


@app.on_s3_event(settings().data_bucket, ["s3:ObjectCreated:*"], prefix=inbox.INBOX, name="prepare")
def prepare(event: S3Event) -> None:
    for original in inbox.event_objects(event.to_dict()):
        aws.pipeline().prepare(original)


@app.on_s3_event(settings().data_bucket, ["s3:ObjectCreated:*"], prefix=inbox.PREPARED, name="classify")
def classify(event: S3Event) -> None:
    aws.pipeline().classify(inbox.event_keys(event.to_dict()))


@app.schedule(Rate(10, unit=Rate.MINUTES), name="sweep")
def sweep(_event: CloudWatchEvent) -> None:
    aws.sweeper().run(datetime.now(UTC))


@app.schedule(Rate(1, unit=Rate.DAYS), name="drift-monitor")
def drift_monitor(_event: CloudWatchEvent) -> None:
    aws.drift_monitor().run()


@app.lambda_function(name="retraining")
def retraining(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    return aws.retraining_steps().run(event)

"""Every entry point of Negatoscope: the REST routes, the S3 handlers and the schedule. Wiring only."""

import json
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from pathlib import Path
from typing import Any

from chalice.app import (
    Chalice,
    CloudWatchEvent,
    CognitoUserPoolAuthorizer,
    ConvertToMiddleware,
    Rate,
    Response,
    S3Event,
)

from chalicelib import DISCLAIMER, VERSION, arrivals, aws, catalogue, export, results
from chalicelib.errors import ImageTooLarge, InvalidRequest, NotClassified, UnsupportedMediaType
from chalicelib.http import IMAGE_TYPES, Api, body_bytes, find_task, json_body, number, selection, text
from chalicelib.imaging import MAX_BYTES
from chalicelib.observability import logger, tracer
from chalicelib.prepared import PreparedArray
from chalicelib.settings import settings
from chalicelib.storage import UPLOAD_SECONDS, ObjectMissing, StorageFailed
from chalicelib.tasks import load_tasks

MAX_BODY = 4_500_000
"""Bytes. Lambda takes events of 6 MiB, and API Gateway hands binary bodies over in base64."""
MAX_INLINE_CSV = 4_000_000
"""Bytes. Lambda answers at most 6 MiB."""

_pool = settings().user_pool_arn
authorizer = CognitoUserPoolAuthorizer("users", provider_arns=[_pool]) if _pool else None

app = Chalice(app_name="negatoscope")
app.register_middleware(ConvertToMiddleware(logger.inject_lambda_context))
app.register_middleware(ConvertToMiddleware(tracer.capture_lambda_handler(capture_response=False)))
api = Api(app, authorizer)


@api.route("/health", public=True)
def health() -> dict[str, str]:
    return {
        "status": "ok",
        "stage": settings().stage,
        "version": VERSION,
        "data_bucket": settings().data_bucket,
        "disclaimer": DISCLAIMER,
    }


@api.route("/openapi.json", public=True)
def openapi() -> Any:
    return json.loads((Path(__file__).parent / "chalicelib" / "openapi.json").read_text())


@api.route("/tasks")
def list_tasks() -> dict[str, Any]:
    tasks = [catalogue.describe(task, aws.classifier()) for task in load_tasks().values()]
    return {"tasks": tasks, "disclaimer": DISCLAIMER}


@api.route("/tasks/{task}/classify", "POST", IMAGE_TYPES)
def classify_image(task: str) -> Any:
    data = body_bytes(api.request)
    if len(data) > MAX_BODY:
        raise ImageTooLarge(f"Images of more than {MAX_BODY:,} bytes go through POST /api/uploads.")
    return aws.pipeline().classify_now(find_task(task), data)


@api.route("/uploads", "POST")
def create_upload() -> Response:
    body = json_body(api.request)
    task, size, content_type = find_task(text(body, "task")), body.get("size"), text(body, "content_type")
    aws.classifier().require_model(task)
    if type(size) is not int or size < 1:
        raise InvalidRequest("'size' must be the number of bytes of the file.")
    if size > MAX_BYTES:
        raise ImageTooLarge(f"The file has {size:,} bytes; at most {MAX_BYTES:,} are accepted.")
    if content_type not in IMAGE_TYPES:
        raise UnsupportedMediaType(f"'content_type' must be one of {', '.join(IMAGE_TYPES)}.")
    return Response(_open_upload(task.name, size, content_type), status_code=HTTPStatus.CREATED.value)


@api.route("/results")
def list_results() -> dict[str, Any]:
    query = api.query
    limit = number(query.get("limit"), "limit", default=50, low=1, high=200)
    page, cursor = aws.table().page(selection(query), limit, query.get("cursor"))
    return {"results": page, "cursor": cursor}


@api.route("/results.csv")
def export_results() -> Response:
    wanted = selection(api.query)
    csv = export.to_csv(aws.table().every(wanted))
    name = f"negatoscope-{wanted.task or 'results'}.csv"
    content_type = "text/csv; charset=utf-8"
    if len(csv.encode()) <= MAX_INLINE_CSV:
        disposition = f'attachment; filename="{name}"'
        return Response(csv, {"Content-Type": content_type, "Content-Disposition": disposition})
    key = f"exports/{arrivals.new_id(csv)}.csv"
    aws.bucket().write(key, csv.encode(), content_type)
    return Response("", {"Location": aws.bucket().presign_download(key, name)}, HTTPStatus.SEE_OTHER.value)


@api.route("/results/{id}")
def get_result(id: str) -> Any:
    return aws.table().get(id)


@api.route("/results/{id}/preview")
def get_preview(id: str) -> Response:
    return Response(_prepared(aws.table().get(id)).preview(), {"Content-Type": "image/png"})


@api.route("/results/{id}/heatmap")
def get_heatmap(id: str) -> Any:
    result, label = aws.table().get(id), text(api.query, "label")
    task, image = find_task(result["task"]), _prepared(result)
    if label not in task.class_names:
        raise InvalidRequest(f"'label' must be one of {', '.join(task.class_names)}.")
    return aws.classifier().explain(task, image.pixels, image.box, label, result["model"])


@api.route("/results/{id}/review", "PUT")
def review_result(id: str) -> Any:
    body = json_body(api.request)
    result, label = aws.table().get(id), text(body, "label")
    classes = find_task(result["task"]).class_names if result["status"] == results.CLASSIFIED else (label,)
    if label not in classes:
        raise InvalidRequest(f"'label' must be one of {', '.join(classes)}.")
    comment = text(body, "comment") if body.get("comment") else None
    review = {"label": label, "comment": comment, "reviewed_at": results.now(), "reviewer": _user()}
    return _record_review(id, review)


@api.route("/results/{id}/review", "DELETE")
def withdraw_review(id: str) -> Any:
    aws.table().get(id)
    return _record_review(id, None)


@app.on_s3_event(settings().data_bucket, ["s3:ObjectCreated:*"], prefix=arrivals.INBOX, name="prepare")
def prepare(event: S3Event) -> None:
    for arrival in arrivals.arrivals(event.to_dict()):
        aws.pipeline().prepare(arrival)


@app.on_s3_event(settings().data_bucket, ["s3:ObjectCreated:*"], prefix=arrivals.PREPARED, name="classify")
def classify(event: S3Event) -> None:
    aws.pipeline().classify(arrivals.event_keys(event.to_dict()))


@app.schedule(Rate(10, unit=Rate.MINUTES), name="sweep")
def sweep(_event: CloudWatchEvent) -> None:
    aws.sweep().run(datetime.now(UTC))


def _open_upload(task: str, size: int, content_type: str) -> dict[str, Any]:
    token = arrivals.random_token()
    image_id = arrivals.upload_id(task, token)
    aws.table().announce(results.received(image_id, task, "upload"))
    form = aws.bucket().presign_upload(arrivals.upload_key(task, token), size, content_type)
    expires = datetime.now(UTC) + timedelta(seconds=UPLOAD_SECONDS)
    return {"id": image_id, "upload": form, "expires_at": expires.isoformat()}


def _prepared(result: dict[str, Any]) -> PreparedArray:
    if result["status"] != results.CLASSIFIED:
        raise NotClassified("There is no image to show: it has not been prepared, or could not be.")
    try:
        return PreparedArray.unpack(aws.bucket().read(arrivals.prepared_key(result["task"], result["id"])))
    except (ObjectMissing, StorageFailed):
        raise NotClassified("There is no image to show yet. Try again in a moment.") from None


def _record_review(image_id: str, review: dict[str, str | None] | None) -> dict[str, Any]:
    reviewed = aws.table().review(image_id, review)
    aws.bucket().write_json(results.key(reviewed), reviewed)
    return reviewed


def _user() -> str:
    """Who is signed in: the user pool's own id, which is no name."""
    claims = api.request.context.get("authorizer", {}).get("claims", {})
    return str(claims.get("sub", "local"))

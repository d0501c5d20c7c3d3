"""Routes of results, with their images and reviews."""

from chalice.app import Response

from chalicelib import dependencies
from chalicelib.api import (
    export,
    queries,
    reviews,
    schemas,
    task_views,
)
from chalicelib.api.http import api, json_body
from chalicelib.api.route import Errors
from chalicelib.errors import (
    EndpointNotReady,
    ExportTooLarge,
    InvalidModelPackage,
    ModelFailed,
    NoPicture,
    NotClassified,
    ReviewChanged,
    TaskHasNoModel,
    TooManyReadings,
    UnknownModel,
    UnknownTask,
)
from chalicelib.exports.columns import ATTRIBUTES
from chalicelib.models.heatmap import Heatmap
from chalicelib.pipeline import stored_pictures
from chalicelib.results.result_document import Result

EXPORTING: Errors = (UnknownTask, ExportTooLarge)
EXPLAINING: Errors = (
    *(NotClassified, UnknownTask),
    *(TaskHasNoModel, UnknownModel, InvalidModelPackage, ModelFailed, EndpointNotReady),
)
REVIEWING: Errors = (NotClassified, UnknownTask, ReviewChanged, TooManyReadings)


@api.get("/results", query=(*queries.SELECTION, *queries.RESULT_PAGE), errors=(UnknownTask,))
def list_results() -> schemas.ResultPage:
    """List results, page by page."""
    wanted = queries.selection(api.query, api.groups)
    page, cursor = dependencies.table().page(wanted, *queries.page(api.query, queries.RESULTS_PER_PAGE))
    return {"results": page, "cursor": cursor}


@api.get("/results.csv", costly=True, query=queries.SELECTION, answer=export.TABLE, errors=EXPORTING)
def export_results() -> Response:
    """Export results as a table.

    The table is read for 20 s at most. If that takes longer, or the table has more than 200 MB, the answer is
    400 with the code ExportTooLarge: start an export of any size with POST /exports, or narrow the selection.
    Cells that spreadsheets would take for formulas begin with an apostrophe.
    """
    wanted = queries.selection(api.query, api.groups)
    dependencies.audit().record(api.user, "export-results", wanted.task or "all")
    return export.answer(dependencies.table().pages(wanted, ATTRIBUTES), wanted.task, dependencies.bucket())


@api.get("/results/{id}")
def get_result(id: str) -> Result:
    """Get one result, whatever its status."""
    return dependencies.table().get(id)


@api.get(
    "/results/{id}/preview", query=(queries.THUMBNAIL,), answer=task_views.PREVIEW, errors=(NotClassified,)
)
def get_preview(id: str) -> Response:
    """Get the image as the model saw it, without identity and padding."""
    image = dependencies.pipeline().prepared_image(dependencies.table().get(id))
    thumbnail = bool(queries.THUMBNAIL.read(api.query))
    return Response(image.preview(thumbnail=thumbnail), {"Content-Type": "image/png"})


@api.get(
    "/results/{id}/picture",
    query=(queries.FRAME,),
    answer=task_views.PICTURE,
    errors=(NotClassified, NoPicture),
)
def get_picture(id: str) -> Response:
    """Get the image for a viewer: the original without identity, its longest side at most 2,048 pixels.

    The result's `picture` says what its samples mean; for a frame, `GET /results/{id}/frames` does.
    """
    result, frame = dependencies.table().get(id), queries.FRAME.read(api.query)
    return task_views.redirect(stored_pictures.link(dependencies.bucket(), result, frame or None))


@api.get("/results/{id}/frames", errors=(NotClassified, NoPicture))
def list_frames(id: str) -> schemas.Frames:
    """List the frames or pages of the image's file that have a picture.

    The list is empty if the file has one frame only, and for images that were prepared by an earlier version
    of this application.
    """
    return {"frames": stored_pictures.frames(dependencies.bucket(), dependencies.table().get(id))}


@api.get("/results/{id}/heatmap", query=(queries.CLASS,), errors=EXPLAINING)
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
    errors=REVIEWING,
)
def review_result(id: str) -> Result:
    """Confirm or correct a classification."""
    dependencies.table().get(id)
    reading = reviews.read(json_body(api.request), api.user, api.user_name)
    add, audit = reviews.addition(api.query, reading), dependencies.audit()
    details = {"label": reading["label"]}
    change = reviews.recorded(add, audit, api.user, "review-result", lambda *_: details)
    return dependencies.decisions().review(id, change)


@api.delete(
    "/results/{id}/review",
    group="reviewer",
    query=(queries.SEEN, queries.RESTORED, queries.WITHDRAWN),
    errors=(NotClassified, ReviewChanged),
)
def withdraw_review(id: str) -> Result:
    """Withdraw a review, or go back to an earlier one.

    It remains among the image's readings, marked as withdrawn.
    """
    dependencies.table().get(id)
    change = reviews.withdrawal(api.query, api.user)
    change = reviews.recorded(change, dependencies.audit(), api.user, "withdraw-review", reviews.restored)
    return dependencies.decisions().review(id, change)


@api.delete("/results/{id}", group="admin")
def delete_result(id: str) -> Result:
    """Delete a result for good, with all that is stored of its image.

    The result is gone at once; what is stored is deleted within half an hour. Can be repeated.
    """
    return dependencies.removal().delete(id, api.user)


@api.put("/results/{id}/hidden", group="admin", errors=(NotClassified,))
def hide_result(id: str) -> Result:
    """Hide a result from lists, exports, drift and retrainings."""
    return dependencies.removal().hide(id, api.user)


@api.delete("/results/{id}/hidden", group="admin", errors=(NotClassified,))
def show_result(id: str) -> Result:
    """Show a hidden result again."""
    return dependencies.removal().show(id, api.user)

"""Routes of tasks: their models, the rules and measurements of these, and classifying one image."""

from chalice.app import Response

from chalicelib import DISCLAIMER, dependencies
from chalicelib.api import (
    agreement,
    queries,
    review_rules,
    review_statistics,
    schemas,
    task_views,
    uploads,
)
from chalicelib.api.http import api, body_bytes, json_body
from chalicelib.api.queries import find_task
from chalicelib.api.route import Errors
from chalicelib.errors import (
    AdministrationFailed,
    AlreadyRetraining,
    DecoderUnavailable,
    DecodingFailed,
    EndpointNotChanged,
    EndpointNotReady,
    ImageError,
    InvalidModelPackage,
    ModelChanged,
    ModelFailed,
    NothingToRollBackTo,
    ResultDeleted,
    ReviewRuleChanged,
    ReviewRuleFixed,
    TaskHasNoModel,
    UnknownModel,
)
from chalicelib.models.deployment import Deployment
from chalicelib.monitoring.agreement import Agreement
from chalicelib.monitoring.drift_document import DriftDocument
from chalicelib.monitoring.review_statistics_document import ReviewStatistics
from chalicelib.results.result_document import Result
from chalicelib.storage import inbox
from chalicelib.tasks import load_tasks

CLASSIFYING: Errors = (
    *(TaskHasNoModel, UnknownModel, InvalidModelPackage, ModelFailed, EndpointNotReady),
    *(ImageError, DecoderUnavailable, DecodingFailed, ResultDeleted),
)
READING_RULE: Errors = (TaskHasNoModel, UnknownModel, InvalidModelPackage)
CHANGING_RULE: Errors = (*READING_RULE, ModelChanged, ReviewRuleChanged, ReviewRuleFixed)
ROLLING_BACK: Errors = (
    *(AlreadyRetraining, NothingToRollBackTo, EndpointNotChanged, ModelChanged, UnknownModel),
    AdministrationFailed,
)


@api.get("/tasks", query=(queries.LANGUAGE,), errors=(InvalidModelPackage,))
def list_tasks() -> schemas.Tasks:
    """List the tasks that the user may see, each with its model if it has one."""
    language = queries.LANGUAGE.read(api.query)
    seen = [task for task in load_tasks().values() if api.tasks is None or task.name in api.tasks]
    tasks = [task_views.describe(task, dependencies.classifier(), language) for task in seen]
    return {"tasks": tasks, "disclaimer": DISCLAIMER}


@api.post(
    "/tasks/{task}/classify",
    group="reviewer",
    query=(queries.STORE,),
    body=uploads.IMAGE,
    errors=CLASSIFYING,
)
def classify_image(task: str) -> Result:
    """Classify one image of at most 4.5 MB, given as the request's body."""
    found, image = find_task(task), uploads.small_image(body_bytes(api.request))
    audit, user = dependencies.audit(), api.user
    if queries.STORE.read(api.query) is False:
        with audit.recording(user, "try-image", task):
            return dependencies.pipeline().try_out(found, image)
    image_id = inbox.new_id("api", task, image)
    with audit.recording(user, "classify-image", image_id, task=task) as wait_for_entry:
        return dependencies.pipeline().classify_now(found, image, wait_for_entry)


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


@api.post("/tasks/{task}/rollback", group="admin", query=(queries.ROLLED_BACK,), errors=ROLLING_BACK)
def roll_back(task: str) -> Deployment:
    """Roll back to the previous model; members of the group admin only."""
    version = queries.ROLLED_BACK.read(api.query)
    return dependencies.administrator().roll_back(find_task(task).name, version, api.user)


@api.get("/tasks/{task}/drift")
def get_drift(task: str) -> DriftDocument:
    """Compare the latest images of a task with those that its model was validated on."""
    return dependencies.drift_monitor().last(find_task(task))


@api.get("/tasks/{task}/review-rule", errors=READING_RULE)
def get_review_rule(task: str) -> schemas.ModelReviewRule:
    """Get the rule by which answers of the model in use need a review."""
    return review_rules.show(find_task(task), dependencies.classifier(), dependencies.review_rules())


@api.put(
    "/tasks/{task}/review-rule",
    group="admin",
    body=schemas.ReviewRuleChange,
    errors=CHANGING_RULE,
)
def change_review_rule(task: str) -> schemas.ModelReviewRule:
    """Change the probability below which answers need a review; members of the group admin only.

    It takes effect everywhere within a minute, for new answers of the model in use. Another version starts
    with its own rule.
    """
    user, body = api.user, json_body(api.request)
    rules, audit = dependencies.review_rules(), dependencies.audit()
    return review_rules.change(find_task(task), body, dependencies.classifier(), rules, audit, user)


@api.get("/tasks/{task}/review-statistics", costly=True, query=queries.STATISTICS)
def get_review_statistics(task: str) -> ReviewStatistics:
    """Compare the answers of a task's model with people's reviews.

    The reviews count as right. Images are read for 20 s, the newest first; `complete` says whether that was
    enough. If not, choose a shorter period.
    """
    return review_statistics.answer(find_task(task), api.query, dependencies.table())


@api.get("/tasks/{task}/agreement", costly=True, group="reviewer", query=queries.STATISTICS)
def get_agreement(task: str) -> Agreement:
    """Compare the readings of a task's images with each other and with the model's answers.

    Only the last reading of each reader that stands counts. Images are read for 20 s, the newest first;
    `complete` says whether that was enough. If not, choose a shorter period.
    """
    return agreement.answer(find_task(task), api.query, dependencies.table())

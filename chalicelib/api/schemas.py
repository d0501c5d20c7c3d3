"""Shapes of requests and answers that belong to the API alone. openapi.json is generated from them.

Shapes that the rest of the application handles stand beside the code that makes them, such as `Result`.
Docstrings become descriptions; limits are keywords of `Schema`.
"""

from typing import Annotated, Any, Literal, NotRequired, TypedDict

from chalicelib import limits
from chalicelib.hyperparameters import json_schema as hyperparameters
from chalicelib.json_schema import Schema
from chalicelib.models.backend import BackendKind
from chalicelib.models.model_version import ModelVersion
from chalicelib.results.result_document import ImageId, ListedResult
from chalicelib.retraining.record import RetrainingRecord
from chalicelib.retraining.request import MAX_TRIALS, MIN_TRIALS
from chalicelib.storage.bucket import UploadForm
from chalicelib.tasks import InputSpec, ReviewRule

TEXT_PATTERN = f"^{limits.TEXT.pattern}$"
type Comment = Annotated[
    str,
    Schema(
        maxLength=limits.MAX_TEXT,
        pattern=TEXT_PATTERN,
        description="Blank counts as none. No control characters except tabs and line breaks.",
    ),
]


class Error(TypedDict):
    """What is wrong with a request, or went wrong with it."""

    code: str
    message: str
    """What is wrong and what to do."""
    request_id: str | None


class Login(TypedDict):
    """Where people sign in."""

    origin: str
    """Of the login page and the OAuth 2.0 endpoints of the user pool."""
    client_id: str
    """The page's app client in the user pool."""


class Health(TypedDict):
    """The API is up."""

    status: Literal["ok"]
    stage: str
    version: str
    data_bucket: str
    login: Login | None
    """Where people sign in; null where no login is needed."""
    max_image_bytes: int
    """Size of the largest image that POST /tasks/{task}/classify accepts. Larger ones go through POST
    /uploads."""
    disclaimer: str


class Me(TypedDict):
    """The signed-in user and their permissions."""

    login: bool
    """Whether this stage has a login. Without one, as on one machine, all callers belong to every group."""
    user: str
    """The signed-in user, as reviews name their reviewer: the user pool's id, or local without a login."""
    groups: list[str]
    """The groups of the user pool that the user belongs to."""
    role: Literal["reader", "reviewer", "admin"] | None
    """The group with the most permissions: readers see results, models and retrainings; reviewers also send
    images and review; admins also decide which model classifies. Null if the user may do nothing."""


class TaskClass(TypedDict):
    """One class an image can belong to."""

    name: str
    title: str


class Gate(TypedDict):
    """What a newly trained model must reach to be deployed."""

    metrics: dict[str, float]
    """Lowest accepted value of each metric on the test images."""
    max_sensitivity_drop: float
    """How far the sensitivity of any class may fall below the current model's."""


class Shortfall(TypedDict):
    """A metric that a model did not reach in its test."""

    metric: str
    value: float | None
    """Null if it could not be measured."""
    least: float
    """The lowest value that the task accepts."""


class Interval(TypedDict):
    """A metric on the test images, with its 95 % confidence interval."""

    value: float | None
    low: float | None
    high: float | None


class Model(TypedDict):
    """The model that classifies for a task.

    Nothing is known of a model on an endpoint that the stage or the task's file names before it answers: then
    the other members are null, and there are no metrics.
    """

    backend: BackendKind
    endpoint: str | None
    """Name of the SageMaker endpoint that serves it; null for the embedded model. While there is no such
    endpoint, the model runs embedded; each result says which backend answered."""
    version: str | None
    created_at: str | None
    sha256: str | None
    metrics: dict[str, Interval]
    """On the test images. The model's model.json and card.md have more."""
    shortfall: list[Shortfall]
    """The metrics that are lower than the task's gate asks for. If there are any, every answer needs
    review."""
    since: str | None
    """When it was deployed; null if it came with the application or is named by it."""


class Task(TypedDict):
    """A classification task."""

    name: str
    title: str
    modality: str
    """DICOM modality code."""
    intended_use: str
    limits: list[str]
    classes: list[TaskClass]
    input: InputSpec
    review: ReviewRule
    gate: Gate
    model: Model | None


class Tasks(TypedDict):
    """Every task."""

    tasks: list[Task]
    disclaimer: str


class Models(TypedDict):
    """The versions of a task's model, newest first."""

    models: list[ModelVersion]


class ResultPage(TypedDict):
    """One page of results."""

    results: list[ListedResult]
    cursor: str | None
    """For the next page; null on the last one."""


class UploadRequest(TypedDict):
    """An image that will be uploaded."""

    task: Annotated[str, Schema(minLength=1, maxLength=limits.PATH_PARAMETERS["task"], pattern=TEXT_PATTERN)]
    size: Annotated[int, Schema(minimum=1, maximum=limits.MAX_FILE_BYTES)]
    """Bytes."""
    content_type: Annotated[str, Schema(enum=list(limits.IMAGE_TYPES))]
    filename: NotRequired[Annotated[str, Schema(maxLength=limits.MAX_FILENAME)] | None]
    """Accepted and discarded: file names can name patients."""


class Upload(TypedDict):
    """The form to upload an image with. After the upload, poll GET /results/{id}."""

    id: ImageId
    upload: UploadForm
    expires_at: str


class ReviewRequest(TypedDict):
    """A person's judgement of a classified image."""

    label: Annotated[str, Schema(minLength=1, maxLength=limits.MAX_NAME, pattern=TEXT_PATTERN)]
    """The right class, one of the result's task."""
    comment: NotRequired[Comment | None]


class RetrainingBody(TypedDict):
    """A retraining to start."""

    task: Annotated[str, Schema(maxLength=limits.PATH_PARAMETERS["task"])]
    hyperparameters: NotRequired["Hyperparameters"]
    tune: NotRequired[bool | Annotated[int, Schema(minimum=MIN_TRIALS, maximum=MAX_TRIALS)]]
    """Search for better hyper-parameters first: true, or the number of training jobs to try."""
    force: NotRequired[bool]
    """Train even if neither images nor labels have changed."""
    approval: NotRequired[bool]
    """Ask a person before a model is deployed."""
    spot: NotRequired[bool]
    """Train on spare capacity, which costs less and can be reclaimed."""
    reason: NotRequired[Comment]
    """Why, for people to read."""


type Hyperparameters = Annotated[
    dict[str, Any], Schema(description="Those that differ from the task's recipe.", **hyperparameters())
]


class RetrainingPage(TypedDict):
    """One page of retrainings."""

    retrainings: list[RetrainingRecord]
    cursor: str | None
    """For the next page; null on the last one."""


class Approval(TypedDict):
    """The answer to a retraining that asks for approval."""

    approved: bool
    """Whether the new model may be deployed."""
    comment: NotRequired[Comment | None]


class ApprovedRetraining(TypedDict):
    """The retraining continues."""

    name: str

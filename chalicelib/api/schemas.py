"""Shapes of requests and answers that belong to the API alone. openapi.json is generated from them.

Shapes that the rest of the application handles stand beside the code that makes them, such as `Result`.
Docstrings become descriptions; limits are keywords of `Schema`.
"""

from collections.abc import Sequence
from typing import Annotated, Any, Literal, NotRequired, TypedDict

from chalicelib import limits
from chalicelib.exports.export_document import Export
from chalicelib.json_schema import Schema
from chalicelib.models.backend import BackendKind
from chalicelib.models.model_version import ModelVersion
from chalicelib.results.picture import FramePicture
from chalicelib.results.result_document import ImageId, ListedResult, Probability
from chalicelib.retraining.record import RetrainingRecord
from chalicelib.storage.access_log import AccessEntry
from chalicelib.storage.audit import AuditEntry
from chalicelib.storage.bucket import UploadForm
from chalicelib.tasks import MAX_INSTANCES, InputSpec, ReviewRule

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
    """The API is up. Strangers learn no more than what the page needs to let people sign in."""

    status: Literal["ok"]
    login: Login | None
    """Where people sign in; null where no login is needed."""


class Stage(TypedDict):
    """One installation of the application."""

    stage: str
    version: str
    data_bucket: str
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
    tasks: Sequence[str] | None
    """The tasks that the user may see, because their groups are groups of tasks, such as reader:chest-xray;
    null for all."""


class TaskClass(TypedDict):
    """One class an image can belong to."""

    name: str
    title: str


class TaskWindow(TypedDict):
    """A window to show images in: a share of the one they open with, or one in the values of a DICOM file."""

    name: str
    title: str
    black: float | None
    """Percent of the window with which an image opens; what is darker is shown black."""
    white: float | None
    """The same for what is shown white."""
    center: float | None
    """Of a window in the rescaled values of a DICOM file, such as Hounsfield units."""
    width: float | None


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
    min_probability: Probability | None
    """The lowest probability without a review that an administrator has chosen; null if the model's own rule
    applies: the larger one of the task's probability and of that in model.json."""


class Task(TypedDict):
    """A classification task."""

    name: str
    language: str
    """Of the titles, the intended use and the limits, as in BCP 47."""
    title: str
    modality: str
    """DICOM modality code."""
    intended_use: str
    limits: list[str]
    classes: list[TaskClass]
    windows: list[TaskWindow]
    """For the display of its images, beside those that every image has."""
    input: InputSpec
    review: ReviewRule
    gate: Gate
    model: Model | None


class ModelReviewRule(TypedDict):
    """Which answers of the model in use need a review."""

    version: str | None
    """Of the model; null for a model on an endpoint that the stage or the task's file names."""
    min_probability: Probability
    """Answers with a lower probability need a review. So do those with a small margin, those for
    out-of-distribution images and, if `fixed` is not null, all."""
    own: Probability
    """The same as the model came with it."""
    fixed: Literal["below-gate", "no-threshold", "unknown-model"] | None
    """Why the rule cannot be changed. below-gate: the model did not reach the task's gate in its test, so
    that all of its answers need a review; no-threshold: so they do because its probabilities do not tell
    which are right; unknown-model: nothing is known of the model on the endpoint."""
    changed_by: str | None
    """The user who chose last for this version, if anybody has."""
    changed_at: str | None


class ReviewRuleChange(TypedDict):
    """Another review rule for the model in use."""

    version: Annotated[
        str, Schema(minLength=1, maxLength=limits.PATH_PARAMETERS["version"], pattern=TEXT_PATTERN)
    ]
    """Of the model that the rule is for. If another one is in use by now, nothing changes, and the answer is
    409 with the code ModelChanged."""
    min_probability: Probability | None
    """The lowest probability of an answer that needs no review; null for the model's own."""
    seen: NotRequired[Annotated[str, Schema(maxLength=limits.MAX_SEEN, pattern=TEXT_PATTERN)] | None]
    """`changed_at` of the rule that the person saw, null for a rule that nobody had changed. If it has been
    changed by now, nothing changes, and the answer is 409 with the code ReviewRuleChanged."""


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


class Exports(TypedDict):
    """Exports of one user."""

    exports: list[Export]
    """The newest first."""


class Frames(TypedDict):
    """The frames or pages of a file that have a display picture."""

    frames: list[FramePicture]
    """By their numbers."""


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


class KnownImage(TypedDict):
    """A labelled image that has been uploaded."""

    label: str
    """Name of its class."""
    sha256: str
    """Digest of the file."""


class LabelledImages(TypedDict):
    """One page of the labelled images that have been uploaded."""

    images: list[KnownImage]
    cursor: str | None
    """For the next page; null on the last one."""


class LabelledImage(TypedDict):
    """A labelled image that will be uploaded."""

    label: Annotated[str, Schema(minLength=1, maxLength=limits.MAX_NAME, pattern=TEXT_PATTERN)]
    """Name of its class."""
    sha256: Annotated[str, Schema(pattern="^[0-9a-f]{64}$")]
    """Digest of the file, which becomes its name."""
    size: Annotated[int, Schema(minimum=1, maximum=limits.MAX_FILE_BYTES)]
    """Bytes."""
    content_type: Annotated[str, Schema(enum=list(limits.IMAGE_TYPES))]


class LabelledUploadRequest(TypedDict):
    """Labelled images that will be uploaded."""

    images: Annotated[list[LabelledImage], Schema(minItems=1, maxItems=limits.MAX_LABELLED_IMAGES)]


class LabelledUploads(TypedDict):
    """The forms to upload labelled images with."""

    uploads: list[UploadForm]
    """One for each image, in the order of the request."""
    expires_at: str


class GivenUpUpload(TypedDict):
    """The upload that is no longer waited for."""

    id: ImageId


class ReviewRequest(TypedDict):
    """A person's judgement of a classified image."""

    label: Annotated[str, Schema(minLength=1, maxLength=limits.MAX_NAME, pattern=TEXT_PATTERN)]
    """The right class, one of the result's task."""
    comment: NotRequired[Comment | None]
    blind: NotRequired[bool]
    """Whether the person saw neither the model's answer nor other readings. Stored only for a person's first
    reading of the image; any later one is not blind."""
    adjudication: NotRequired[bool]
    """Whether the person settles a disagreement between readers. At least two people must have read the
    image, and the reading becomes the review, also with `second`."""


class RetrainingBody(TypedDict):
    """A retraining to start."""

    task: Annotated[str, Schema(maxLength=limits.PATH_PARAMETERS["task"])]
    hyperparameters: NotRequired["Hyperparameters"]
    tune: NotRequired[bool | Annotated[int, Schema(minimum=limits.MIN_TRIALS, maximum=limits.MAX_TRIALS)]]
    """Search for better hyper-parameters first: true, or the number of training jobs to try."""
    force: NotRequired[bool]
    """Train even if neither images nor labels have changed."""
    approval: NotRequired[bool]
    """Ask a person before a model is deployed."""
    spot: NotRequired[bool]
    """Train on spare capacity, which costs less and can be reclaimed."""
    stream: NotRequired[bool]
    """Read each image whenever it is needed, and keep none on the disk, where not all have room."""
    instance_count: NotRequired[Annotated[int, Schema(minimum=1, maximum=MAX_INSTANCES)]]
    """Instances that train one network together; the task's file says how many without it."""
    preparation_instance_count: NotRequired[Annotated[int, Schema(minimum=1, maximum=MAX_INSTANCES)]]
    """Instances that read the images of the data set together; likewise."""
    reason: NotRequired[Comment]
    """Why, for people to read."""


type Hyperparameters = Annotated[
    dict[str, Any], Schema(description="Those that differ from the task's recipe.", **_hyperparameters())
]


def _hyperparameters() -> dict[str, Any]:
    # Only who describes the API needs them.
    from chalicelib.hyperparameters import json_schema

    return json_schema()


class RetrainingPage(TypedDict):
    """One page of retrainings."""

    retrainings: list[RetrainingRecord]
    cursor: str | None
    """For the next page; null on the last one."""


class AuditPage(TypedDict):
    """One page of the audit record."""

    entries: list[AuditEntry]
    names: dict[str, str]
    """What colleagues know users by, by id: of those who are still in the user pool."""
    cursor: str | None
    """For the next page; null on the last one. A page may be empty and still have one."""


class AccessLogPage(TypedDict):
    """One page of the access log."""

    entries: list[AccessEntry]
    names: dict[str, str]
    """What colleagues know users by, by id: of those who are still in the user pool."""
    cursor: str | None
    """For the next page; null on the last one. A page may be empty and still have one."""


class Approval(TypedDict):
    """The answer to a retraining that asks for approval."""

    approved: bool
    """Whether the new model may be deployed."""
    comment: NotRequired[Comment | None]


class StoppedRetraining(TypedDict):
    """The retraining has been stopped."""

    name: str
    status: Literal["stopped"]


class ApprovedRetraining(TypedDict):
    """The retraining continues."""

    name: str

"""What the state machine and the steps of its Lambda pass to each other, as JSON.

Arguments and results of the steps have these types. Tests bind the definition of the state machine to them:
every path such as `$.plan.serving.kind` leads to a key of `State`.
"""

from typing import Any, Literal, NotRequired, TypedDict

from chalicelib.tasks import ServingKind

Creating = Literal["data", "tuning", "training", "model", "transform", "evaluation", "config", "endpoint"]
"""What the state machine creates."""
Failure = Literal[
    "DataFailed",
    "TuningFailed",
    "TrainingFailed",
    "RegistrationFailed",
    "EvaluationFailed",
    "ApprovalFailed",
    "DeploymentFailed",
    "SmokeTestFailed",
    "PromotionFailed",
]
"""The states that a failed retraining passes before it is rolled back."""

# ---------------------------------------------------------------------------------------------- the plan


class LabelledData(TypedDict):
    """How much there is to learn from."""

    images: int
    corrections: int
    """Results that people have reviewed."""


class DataPreparation(TypedDict):
    """The job that prepares the data."""

    arguments: list[str]


class ProcessingInstance(TypedDict):
    """What data preparation and evaluation run on."""

    instance_type: str
    volume_gb: int


class TrainingPlan(TypedDict):
    """The parts of SageMaker's CreateTrainingJob that differ from retraining to retraining."""

    hyperparameters: dict[str, str]
    inputs: list[dict[str, Any]]
    """SageMaker's InputDataConfig."""
    spot: bool
    stopping: dict[str, int]
    """SageMaker's StoppingCondition."""


class CurrentModel(TypedDict):
    """The model that the candidate is compared with."""

    deployed: NotRequired[str | None]
    """The version that the candidate may replace. Plans of earlier releases do not name it."""
    version: str | None
    """None if there is nothing to compare with."""
    origin: str
    uri: str
    """Of the package, or of another object that exists: an input of a job must."""
    path: str
    """Of the package in the evaluation job; empty if there is none."""
    fingerprint: str | None
    """Of the data that it was trained on."""


class ServingPlan(TypedDict):
    """The endpoint of the task, and what its next configuration holds."""

    kind: ServingKind
    endpoint: str
    alarm: str
    variants: list[dict[str, Any]]
    """SageMaker's ProductionVariants."""
    update: dict[str, Any]
    """SageMaker's DeploymentConfig."""
    spec: dict[str, Any]
    """The task's [serving]."""


class Plan(TypedDict):
    """Everything about a retraining that is known before it starts."""

    run: str
    execution: str
    """ARN."""
    task: str
    title: str
    plain: bool
    """Whether only other data would make a difference; see `RetrainingRequest.is_plain`."""
    approval: bool
    name: str
    """Of jobs, model and endpoint configuration."""
    tuning_name: str
    trials: int
    folder: str
    """s3:// URI, ending in a slash."""
    data: LabelledData
    preparing: DataPreparation
    processing: ProcessingInstance
    training: TrainingPlan
    current: CurrentModel
    serving: ServingPlan


class NoPlan(TypedDict, total=False):
    """Why there is no plan: exactly one of these."""

    skipped: str
    """The task is being retrained already."""
    refused: str
    """The request cannot be fulfilled."""
    waits_for: str
    """Name of a stopped retraining that is being cleaned up."""


# ------------------------------------------------------------------------------------ results of the steps


class DataCheck(TypedDict):
    """Whether the prepared data are new."""

    unchanged: bool
    fingerprint: str


class Job(TypedDict):
    """A job that has completed."""

    job: str


class TrainedModel(TypedDict):
    """What training has left."""

    job: str
    model: str
    """s3:// URI of model.tar.gz."""


class Candidate(TypedDict):
    """A trained model in the registry."""

    version: str
    sha256: str
    """Of the graph."""
    uri: str
    """s3:// URI of the registry's copy of the package."""
    package: str
    """ARN in SageMaker's model registry."""


class Decision(TypedDict):
    """Whether the candidate has passed the gate."""

    accepted: bool
    reasons: str


class Approval(TypedDict):
    """What a person has answered."""

    approved: bool
    by: str
    comment: str


class EndpointState(TypedDict):
    """The endpoint before the deployment."""

    state: Literal["absent", "ready", "changing"]
    config: str | None
    """Configuration that it serves."""
    retain: bool
    """Whether an update may keep the number of instances."""


class EndpointStatus(TypedDict):
    """The endpoint during the deployment, as SageMaker describes it."""

    status: str
    config: str


class SmokeTest(TypedDict):
    """How the deployed candidate has answered known images."""

    passed: bool
    reason: str | None
    """Why it has failed."""
    images: int
    slowest_ms: float | None


class TaskError(TypedDict):
    """What Step Functions has caught."""

    Error: str
    Cause: str


class Creation(TypedDict):
    """What there is of something that may have been created."""

    creating: Creating
    status: Literal["running", "completed", "failed"]
    job: str | None
    """Name of the training job, if one has completed."""
    error: TaskError


class Notification(TypedDict):
    """A message to the subscribers of the topic."""

    subject: str
    message: str


class Rollback(TypedDict):
    """How far a failed retraining has been rolled back."""

    settled: bool
    """False if the step has to be repeated."""
    error: str
    cause: str
    subject: NotRequired[str]
    message: NotRequired[str]


class State(TypedDict, total=False):
    """`$`: the results of the states so far, by the keys of their ResultPaths."""

    plan: Plan
    prepared: Job
    data: DataCheck
    trained: TrainedModel
    candidate: Candidate
    transformed: Job
    evaluated: Job
    decision: Decision
    approval: Approval
    endpoint: EndpointState
    deployed: EndpointStatus
    smoke_test: SmokeTest
    promoted: dict[str, Any]
    creating: Creating
    creation: Creation
    error: TaskError
    failed: Failure
    rollback: Rollback
    notification: Notification

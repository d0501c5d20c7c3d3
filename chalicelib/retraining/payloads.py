"""What the state machine and the steps of its Lambda pass to each other, as JSON.

Arguments and results of the steps have these types. Tests bind the definition of the state machine to them:
every path such as `$.plan.serving.kind` leads to a key of `State`.
"""

from typing import Any, Literal, NotRequired, TypedDict

from chalicelib.retraining.planning.plan import Plan

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


class DataCheck(TypedDict):
    """Whether the prepared data are new."""

    unchanged: bool
    fingerprint: str


class Job(TypedDict):
    """A job that has completed."""

    job: str


class TrainedModel(TypedDict):
    """The output of the training."""

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


class GateDecision(TypedDict):
    """Whether the candidate has passed the gate."""

    accepted: bool
    reasons: str


class ApprovalAnswer(TypedDict):
    """A person's decision on the candidate."""

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


class DeployedEndpoint(TypedDict):
    """The endpoint during the deployment, as SageMaker describes it; it has more members."""

    EndpointStatus: str
    EndpointConfigName: NotRequired[str]


class SmokeTest(TypedDict):
    """How the deployed candidate has answered known images."""

    passed: bool
    reason: str | None
    """Why it has failed."""
    images: int
    slowest_ms: float | None


class TaskError(TypedDict):
    """An error that Step Functions caught."""

    Error: str
    Cause: str


class Creation(TypedDict):
    """The state of a resource that may have been created."""

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
    decision: GateDecision
    approval: ApprovalAnswer
    endpoint: EndpointState
    deployed: DeployedEndpoint
    smoke_test: SmokeTest
    promoted: dict[str, Any]
    creating: Creating
    creation: Creation
    error: TaskError
    failed: Failure
    rollback: Rollback
    notification: Notification

"""The plan of a retraining, which all states of the state machine read."""

from typing import Any, NotRequired, TypedDict

from chalicelib.tasks import ServingKind


class LabelledData(TypedDict):
    """The size of the training data."""

    images: int
    corrections: int
    """Results that people have reviewed."""


class DataPreparation(TypedDict):
    """The job that prepares the data."""

    arguments: list[str]
    instance_count: int


class ProcessingInstance(TypedDict):
    """What data preparation and evaluation run on."""

    instance_type: str
    volume_gb: int


class TrainingPlan(TypedDict):
    """The parts of SageMaker's CreateTrainingJob that differ from retraining to retraining."""

    hyperparameters: dict[str, str]
    inputs: list[dict[str, Any]]
    """SageMaker's InputDataConfig."""
    resources: dict[str, Any]
    """SageMaker's ResourceConfig."""
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

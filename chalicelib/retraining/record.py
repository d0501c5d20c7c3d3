"""Shapes of the records of retrainings."""

from typing import Any, Literal, NotRequired, TypedDict

RetrainingStatus = Literal[
    "running", "deployed", "rejected", "unchanged", "skipped", "failed", "stopped", "ended"
]


class StartedRetraining(TypedDict):
    """The retraining has started."""

    name: str
    task: str
    status: Literal["running"]


class Scores(TypedDict):
    """Balanced accuracies on the same test images."""

    images: int
    candidate: float
    current: float | None
    """Null if there was no model to compare with."""


class RetrainingRecord(TypedDict):
    """The record of a retraining."""

    name: str
    execution: NotRequired[str]
    """ARN of the state machine's execution."""
    task: str
    status: RetrainingStatus
    started_at: str
    ended_at: str | None
    reason: str
    requested_by: str
    hyperparameters: dict[str, Any]
    """Those that differ from the task's recipe."""
    trials: int
    """Training jobs of the search for hyper-parameters; 0 without a search."""
    data: dict[str, Any]
    """Counts of images and corrections; once the data are prepared also split, findings and fingerprint."""
    job: NotRequired[str | None]
    """Name of the training job, or of the tuning job while it searches."""
    current: str | None
    """The version that classified when the retraining began."""
    candidate: str | None
    """The version that was trained."""
    accepted: bool | None
    """Whether the candidate passed the gate."""
    scores: NotRequired[Scores | None]
    """Of the candidate and the current model; null or absent if they were not recorded."""
    outcome: str | None
    """The result and its reason, in words."""
    waiting_for: NotRequired[Literal["approval", None]]
    smoke_test: NotRequired[dict[str, Any]]
    """The answers of the deployed candidate, compared with those it gave in its evaluation."""
    stopped_by: NotRequired[str]
    """Id of the user who stopped it."""
    failure: NotRequired[str]
    """Why it failed, in words."""


class RetrainingEnd(TypedDict, total=False):
    """What the end of an execution adds to the record of its retraining."""

    status: RetrainingStatus
    ended_at: str
    outcome: str


class EnteredState(TypedDict):
    """A state of the state machine that the execution has entered."""

    name: str
    entered_at: str
    exited_at: str | None


class FollowedRetraining(RetrainingRecord):
    """One retraining in detail."""

    states: list[EnteredState]
    """In the order in which they were entered."""
    metrics: dict[str, float]
    """The latest of the training job."""
    files: list[str]
    """For GET /retrainings/{name}/files/{file}."""
    names: dict[str, str]
    """What colleagues know those by who started and stopped it, by id, if they are still in the user pool."""

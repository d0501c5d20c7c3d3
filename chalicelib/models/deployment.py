"""The current deployment of a task: the content of its current.json."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, NotRequired, TypedDict

Status = Literal["candidate", "rejected", "accepted", "current", "previous"]
"""An accepted version has passed the gate, but is neither current nor previous."""


class Decision(TypedDict):
    """Whether a version may be deployed."""

    accepted: bool
    reasons: list[str]
    """In words."""
    decided_at: str
    test_decisions: NotRequired[int]
    """How many candidates the same test images have decided on, this one included."""


class ModelVersion(TypedDict):
    """What is known of a version of a model, and how it was made."""

    task: str
    version: str
    sha256: str
    """Of the package's graph."""
    created_at: str
    registered_at: str
    fingerprint: str
    """Of the data that it was trained on."""
    metrics: dict[str, Any]
    """The most important ones on its test images, with 95 % confidence intervals; model.json has all."""
    parent: str | None
    """The version that classified when this one was registered."""
    decision: Decision | None
    endpoint: str | None
    """The endpoint that served it when it was last deployed; null for embedded."""
    config: str | None
    """The endpoint configuration that it was served with."""
    origin: NotRequired[str]
    """bundled: it came with the application. retraining: made by the retraining that `run` names."""
    run: NotRequired[str]
    job: NotRequired[str]
    """The training job that made it."""
    status: Status
    since: str | None
    """When the current version was deployed; null for all others."""


@dataclass(frozen=True)
class Deployment:
    """The version that classifies for a task."""

    version: str
    sha256: str
    """Of the package's graph."""
    endpoint: str | None
    """The SageMaker endpoint that serves it; null if the package runs in the process that asks."""
    previous: str | None
    """The version before, which a rollback restores."""
    since: str
    """When it was deployed."""
    config: str | None = None
    """The configuration with which the endpoint serves it; null without an endpoint."""

    def config_on(self, endpoint: str) -> str | None:
        """The configuration that an endpoint should have; None if it is not this deployment's endpoint."""
        return self.config if self.endpoint == endpoint else None

    def is_same_as(self, other: "Deployment") -> bool:
        """Whether both have the same version in the same place, regardless of time."""
        return replace(self, since="", previous=None) == replace(other, since="", previous=None)

    def has_deployed(self, version: str | None) -> bool:
        """Whether a version is the current or the previous one."""
        return version is not None and version in (self.version, self.previous)


def status_of(record: Mapping[str, Any], current: Deployment | None) -> Status:
    """The status of the version with a record, given the current deployment."""
    if current and record["version"] == current.version:
        return "current"
    if current and record["version"] == current.previous:
        return "previous"
    if record["decision"] is None:
        return "candidate"
    return "accepted" if record["decision"]["accepted"] else "rejected"

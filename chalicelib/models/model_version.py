"""The record of a model version, and its status relative to the current deployment."""

from collections.abc import Mapping
from typing import Any, Literal, NotRequired, TypedDict

from chalicelib.models.deployment import Deployment

IMPORTED = "import"
"""The origin of versions that came from another stage."""

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


class Source(TypedDict):
    """The stage that an imported version came from, and what it was there."""

    stage: str
    origin: NotRequired[str]
    run: NotRequired[str]
    registered_at: NotRequired[str]


class ModelVersion(TypedDict):
    """The record of a model version: its metrics, its status and how it was made."""

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
    """bundled: it came with the application. retraining: made by the retraining that `run` names. import: it
    came from another stage."""
    source: NotRequired[Source]
    """Of an imported version."""
    run: NotRequired[str]
    job: NotRequired[str]
    """The training job that made it."""
    status: Status
    since: str | None
    """When the current version was deployed; null for all others."""


def status_of(record: Mapping[str, Any], current: Deployment | None) -> Status:
    """The status of the version with a record, given the current deployment."""
    if current and record["version"] == current.version:
        return "current"
    if current and record["version"] == current.previous:
        return "previous"
    if record["decision"] is None:
        return "candidate"
    return "accepted" if record["decision"]["accepted"] else "rejected"

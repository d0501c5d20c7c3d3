"""The current deployment of a task: the content of its current.json."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

Status = Literal["candidate", "rejected", "accepted", "current", "previous"]
"""An accepted version has passed the gate, but is neither current nor previous."""


@dataclass(frozen=True)
class Deployment:
    """The version that classifies for a task, and where it runs."""

    version: str
    sha256: str
    """Digest of the graph."""
    endpoint: str | None
    """The SageMaker endpoint that serves it; None if the package runs in the process that is asked."""
    previous: str | None
    """The version before."""
    since: str
    config: str | None = None
    """The endpoint configuration that serves it; None without an endpoint."""

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

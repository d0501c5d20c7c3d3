"""What classifies for a task: the content of its current.json."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

Status = Literal["candidate", "rejected", "accepted", "current", "previous"]
"""An accepted version has passed the gate, but another one classifies now."""


@dataclass(frozen=True)
class Deployment:
    """What classifies for a task now."""

    version: str
    sha256: str
    """Of the graph."""
    endpoint: str | None
    """The SageMaker endpoint that serves it; None if the package is run where the request is."""
    previous: str | None
    """The version before."""
    since: str
    config: str | None = None
    """The configuration with which the endpoint serves it; None without an endpoint."""

    def config_on(self, endpoint: str) -> str | None:
        """The configuration with which that endpoint should serve it; None if it is not its endpoint."""
        return self.config if self.endpoint == endpoint else None

    def is_same_as(self, other: "Deployment") -> bool:
        """Whether both have the same version classify in the same place, no matter since when."""
        return replace(self, since="", previous=None) == replace(other, since="", previous=None)

    def has_deployed(self, version: str | None) -> bool:
        """Whether a version has been deployed lately: it classifies now, or did until a rollback."""
        return version is not None and version in (self.version, self.previous)


def status_of(record: Mapping[str, Any], current: Deployment | None) -> Status:
    """The status of a version with that record, while `current` classifies."""
    if current and record["version"] == current.version:
        return "current"
    if current and record["version"] == current.previous:
        return "previous"
    if record["decision"] is None:
        return "candidate"
    return "accepted" if record["decision"]["accepted"] else "rejected"

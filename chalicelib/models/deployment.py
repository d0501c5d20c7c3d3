"""The current deployment of a task: the content of its current.json."""

from dataclasses import dataclass, replace


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
    """The configuration with which the endpoint serves it; null without an endpoint. A retraining gives the
    same name to SageMaker's model."""

    def config_on(self, endpoint: str) -> str | None:
        """The configuration that an endpoint should have; None if it is not this deployment's endpoint."""
        return self.config if self.endpoint == endpoint else None

    def is_same_as(self, other: "Deployment") -> bool:
        """Whether both have the same version in the same place, regardless of time."""
        return replace(self, since="", previous=None) == replace(other, since="", previous=None)

    def has_deployed(self, version: str | None) -> bool:
        """Whether a version is the current or the previous one."""
        return version is not None and version in (self.version, self.previous)

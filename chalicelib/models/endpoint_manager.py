"""Manages SageMaker endpoints: their status, configuration, scaling and deletion."""

from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from chalicelib.errors import EndpointNotChanged
from chalicelib.models.scaling import Scaling

IN_SERVICE, DELETING = "InService", "Deleting"
_SERVERLESS = "serverless"
_BROKEN = ("Failed", "UpdateRollbackFailed")
_SETTLED = (IN_SERVICE, "OutOfService", *_BROKEN)
"""All other statuses (API reference, DescribeEndpoint) are temporary and forbid changes."""


@dataclass(frozen=True)
class EndpointStatus:
    """The present state of an endpoint."""

    name: str
    status: str
    config: str | None
    """Name of the configuration that it serves; None before the first."""
    failure: str | None
    """Why it failed, or why its last update failed."""
    pending: str | None = None
    """Name of the configuration that it is being created with or updated to."""

    @property
    def is_broken(self) -> bool:
        """Whether it has failed, so that it can only be deleted."""
        return self.status in _BROKEN

    @property
    def is_changing(self) -> bool:
        """Whether it is being created, updated or deleted."""
        return self.status not in _SETTLED

    def serves(self, config: str | None) -> bool:
        """Whether it serves a configuration, or will after the change in progress."""
        return config is not None and config == (self.pending or self.config) and self.status != DELETING


@dataclass(frozen=True)
class Instances:
    """The instances of an endpoint configuration."""

    kind: str
    count: int
    """The initial number."""


class EndpointManager:
    """Describes and changes endpoints. `client` is a boto3 `sagemaker` client."""

    def __init__(self, client: Any, scaling: Scaling):
        self._client = client
        self._scaling = scaling

    def find(self, name: str) -> EndpointStatus | None:
        """The endpoint called `name`, if there is one."""
        found = self._unless_missing("describe_endpoint", EndpointName=name)
        if found is None:
            return None
        return EndpointStatus(
            name,
            found["EndpointStatus"],
            found.get("EndpointConfigName"),
            found.get("FailureReason"),
            found.get("PendingDeploymentSummary", {}).get("EndpointConfigName"),
        )

    def names(self, prefix: str) -> list[str]:
        """The names of all endpoints that begin with `prefix`."""
        pages = self._client.get_paginator("list_endpoints").paginate(NameContains=prefix)
        names = [entry["EndpointName"] for page in pages for entry in page["Endpoints"]]
        return [name for name in names if name.startswith(prefix)]

    def create(self, name: str, config: str) -> None:
        """Create an endpoint with a configuration.

        Raises:
            EndpointNotChanged: if the configuration is gone, or a quota is exhausted.
        """
        self._change("create", EndpointName=name, EndpointConfigName=config)

    def can_update(self, endpoint: EndpointStatus, config: str) -> bool:
        """Whether an update can lead a settled endpoint to a configuration; if not, it can only be deleted.

        SageMaker converts a serverless endpoint to instances, but not back (developer guide, "Serverless
        Inference").
        """
        if endpoint.status != IN_SERVICE:
            return False
        return not (self._instances(endpoint.config) and self._kind(config) == _SERVERLESS)

    def can_update_at_once(self, endpoint: EndpointStatus, config: str) -> bool:
        """Whether `update` is all that it takes: the scaling need not start again after the update.

        If the configuration is gone, `update` says so.
        """
        return self.can_update(endpoint, config) and self._kind(config) in (None, self._kind(endpoint.config))

    def update(self, name: str, config: str) -> None:
        """Begin an update to another configuration; the endpoint keeps answering.

        Raises:
            EndpointNotChanged: if it is being changed, or the configuration is gone.
        """
        retain = {"RetainAllVariantProperties": True} if self.prepare_update(name, config) else {}
        self._change("update", EndpointName=name, EndpointConfigName=config, **retain)

    def prepare_update(self, name: str, config: str) -> bool:
        """Prepare an endpoint for an update; True if it keeps its number of instances.

        An update must keep the number of instances that scaling has set. A scaled endpoint cannot change its
        instance type, so its scaling is stopped (SageMaker developer guide, "Update endpoints that use auto
        scaling").
        """
        endpoint = self.find(name)
        before, after = self._instances(endpoint.config if endpoint else None), self._instances(config)
        if before and after and before.kind == after.kind:
            return True
        if before and self._kind(config):  # or the update is refused
            self._scaling.stop(name)
        return False

    def scale(self, name: str, config: str | None) -> None:
        """Start automatic scaling of an endpoint, if its configuration has instances."""
        if instances := self._instances(config):
            self._scaling.start(name, instances.count)

    def delete(self, name: str) -> None:
        """Delete an endpoint and keep its configuration.

        Raises:
            EndpointNotChanged: if it is being changed.
        """
        endpoint = self.find(name)
        if endpoint and self._instances(endpoint.config):
            self._scaling.stop(name)
        self._change("delete", EndpointName=name)

    def forget(self, name: str) -> None:
        """Delete the endpoint configuration and the model called `name`, if they exist."""
        self._unless_missing("delete_endpoint_config", EndpointConfigName=name)
        self._unless_missing("delete_model", ModelName=name)

    def _instances(self, config: str | None) -> Instances | None:
        """The instances of a configuration; None if it is serverless or does not exist."""
        for variant in self._variants(config):
            if "InstanceType" in variant:
                return Instances(variant["InstanceType"], variant["InitialInstanceCount"])
        return None

    def _kind(self, config: str | None) -> str | None:
        """The instance type of a configuration, or `_SERVERLESS`; None if it does not exist."""
        for variant in self._variants(config):
            return str(variant.get("InstanceType", _SERVERLESS))
        return None

    def _variants(self, config: str | None) -> list[dict[str, Any]]:
        """The production variants of a configuration; none if it does not exist."""
        found = (
            self._unless_missing("describe_endpoint_config", EndpointConfigName=config) if config else None
        )
        return found["ProductionVariants"] if found else []

    def _unless_missing(self, operation: str, **request: str) -> Any:
        """SageMaker's answer; None if the resource does not exist."""
        try:
            return getattr(self._client, operation)(**request)
        except ClientError as error:
            # SageMaker has no separate error code for this.
            if "Could not find" in str(error):
                return None
            raise

    def _change(self, verb: str, **request: Any) -> None:
        try:
            getattr(self._client, f"{verb}_endpoint")(**request)
        except ClientError as error:
            if error.response["Error"]["Code"] not in ("ValidationException", "ResourceLimitExceeded"):
                raise
            raise EndpointNotChanged(
                f"SageMaker did not {verb} the endpoint {request['EndpointName']}: "
                f"{error.response['Error']['Message']}"
            ) from error

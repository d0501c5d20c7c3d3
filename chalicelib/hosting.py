"""SageMaker endpoints as resources: what each serves, and changing that."""

from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from chalicelib.errors import EndpointNotChanged

IN_SERVICE = "InService"
_BROKEN = ("Failed", "UpdateRollbackFailed")
_SETTLED = (IN_SERVICE, "OutOfService", *_BROKEN)
"""Every other status (API reference, DescribeEndpoint) passes by itself, and forbids changes until then."""


@dataclass(frozen=True)
class Hosted:
    """An endpoint as it is now."""

    name: str
    status: str
    config: str | None
    """Name of the configuration that it serves; None if it has never served any."""
    failure: str | None
    """Why it has failed, or did not change as it was told."""

    @property
    def is_broken(self) -> bool:
        """Whether it can only be deleted."""
        return self.status in _BROKEN

    @property
    def is_changing(self) -> bool:
        """Whether it is on its way from one state to another."""
        return self.status not in _SETTLED


class Hosting:
    """Describes and changes endpoints. `client` is a boto3 `sagemaker` client."""

    def __init__(self, client: Any):
        self._client = client

    def find(self, name: str) -> Hosted | None:
        """The endpoint called `name`, if there is one."""
        found = self._unless_missing("describe_endpoint", EndpointName=name)
        if found is None:
            return None
        return Hosted(
            name, found["EndpointStatus"], found.get("EndpointConfigName"), found.get("FailureReason")
        )

    def names(self, prefix: str) -> list[str]:
        """The names of all endpoints that begin with `prefix`."""
        pages = self._client.get_paginator("list_endpoints").paginate(NameContains=prefix)
        names = [entry["EndpointName"] for page in pages for entry in page["Endpoints"]]
        return [name for name in names if name.startswith(prefix)]

    def create(self, name: str, config: str) -> None:
        """Begin to serve a configuration.

        Raises:
            EndpointNotChanged: if the configuration is gone, or the account may have no more endpoints.
        """
        self._change("create", EndpointName=name, EndpointConfigName=config)

    def update(self, name: str, config: str) -> None:
        """Begin to serve another configuration; the endpoint answers all the while.

        Raises:
            EndpointNotChanged: if it is being changed, or the configuration is gone.
        """
        self._change("update", EndpointName=name, EndpointConfigName=config)

    def delete(self, name: str) -> None:
        """Take an endpoint down; its configuration stays.

        Raises:
            EndpointNotChanged: if it is being changed.
        """
        self._change("delete", EndpointName=name)

    def forget(self, name: str) -> None:
        """Delete the endpoint configuration and the model of that name, if they are there."""
        self._unless_missing("delete_endpoint_config", EndpointConfigName=name)
        self._unless_missing("delete_model", ModelName=name)

    def _unless_missing(self, operation: str, **request: str) -> Any:
        """What SageMaker answers; None if what the request names is not there."""
        try:
            return getattr(self._client, operation)(**request)
        except ClientError as error:
            # SageMaker has no error of its own for that.
            if "Could not find" in str(error):
                return None
            raise

    def _change(self, verb: str, **request: str) -> None:
        try:
            getattr(self._client, f"{verb}_endpoint")(**request)
        except ClientError as error:
            if error.response["Error"]["Code"] not in ("ValidationException", "ResourceLimitExceeded"):
                raise
            raise EndpointNotChanged(
                f"SageMaker did not {verb} the endpoint {request['EndpointName']}: "
                f"{error.response['Error']['Message']}"
            ) from error

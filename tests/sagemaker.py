"""SageMaker's endpoints as a boto3 client shows them, without SageMaker."""

from collections.abc import Iterator
from typing import Any

from botocore.exceptions import ClientError


def refusal(message: str, operation: str) -> ClientError:
    """As SageMaker answers what it does not take."""
    return ClientError({"Error": {"Code": "ValidationException", "Message": message}}, operation)


class FakeSageMaker:
    """Endpoints by name, each with its status and configuration.

    Endpoints come and go at once; an update never comes to its end.
    """

    def __init__(self, *configs: str) -> None:
        self.configs = configs
        self.endpoints: dict[str, dict[str, str]] = {}
        self.calls: list[tuple[str, ...]] = []

    def serve(self, name: str, config: str, status: str = "InService") -> None:
        """Let there be an endpoint."""
        self.endpoints[name] = {"EndpointConfigName": config, "EndpointStatus": status}

    def describe_endpoint(self, EndpointName: str) -> dict[str, str]:  # noqa: N803
        if EndpointName not in self.endpoints:
            raise refusal(f'Could not find endpoint "{EndpointName}".', "DescribeEndpoint")
        return self.endpoints[EndpointName]

    def update_endpoint(self, EndpointName: str, EndpointConfigName: str) -> None:  # noqa: N803
        if EndpointConfigName not in self.configs:
            raise refusal("Could not find endpoint configuration.", "UpdateEndpoint")
        self.calls.append(("update", EndpointName, EndpointConfigName))
        self.serve(EndpointName, EndpointConfigName, "Updating")

    def delete_endpoint(self, EndpointName: str) -> None:  # noqa: N803
        self.calls.append(("delete", EndpointName))
        del self.endpoints[EndpointName]

    def create_endpoint(self, EndpointName: str, EndpointConfigName: str) -> None:  # noqa: N803
        if EndpointConfigName not in self.configs:
            raise refusal("Could not find endpoint configuration.", "CreateEndpoint")
        self.calls.append(("create", EndpointName, EndpointConfigName))
        self.serve(EndpointName, EndpointConfigName)

    def get_paginator(self, operation: str) -> "FakeSageMaker":
        assert operation == "list_endpoints"
        return self

    def paginate(self, NameContains: str) -> Iterator[dict[str, Any]]:  # noqa: N803
        """One page for each endpoint."""
        for name in [*self.endpoints]:
            if NameContains in name:
                yield {"Endpoints": [{"EndpointName": name}]}

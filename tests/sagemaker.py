"""A fake of SageMaker's endpoints as a boto3 client."""

from collections.abc import Iterator
from typing import Any

from botocore.exceptions import ClientError

from chalicelib.models.endpoint_manager import EndpointManager
from chalicelib.models.scaling import Scaling


def refusal(message: str, operation: str) -> ClientError:
    """The error of a request that SageMaker refuses."""
    return ClientError({"Error": {"Code": "ValidationException", "Message": message}}, operation)


def check_conversion(before: str | None, after: str | None) -> None:
    """Refuse an update from instances to serverless (SageMaker developer guide, "Serverless Inference").

    The arguments are the instance types of both configurations, None for serverless.
    """
    if before and not after:
        raise refusal("Cannot convert an instance-based endpoint to a serverless one.", "UpdateEndpoint")


class FakeScaling(Scaling):
    """A fake of Application Auto Scaling that records endpoints and their initial instances."""

    def __init__(self) -> None:
        self.instances: dict[str, int] = {}

    def start(self, endpoint: str, instances: int) -> None:
        self.instances[endpoint] = instances

    def stop(self, endpoint: str) -> None:
        self.instances.pop(endpoint, None)


def endpoint_manager(sagemaker: Any, scaling: Scaling | None = None) -> EndpointManager:
    """A manager of fake endpoints."""
    return EndpointManager(sagemaker, scaling or FakeScaling())


def variants(instance_type: str | None, count: int = 1) -> dict[str, Any]:
    """An endpoint configuration as SageMaker describes it; serverless without an instance type."""
    if instance_type is None:
        return {"ProductionVariants": [{"VariantName": "AllTraffic", "ServerlessConfig": {}}]}
    instances = {"InstanceType": instance_type, "InitialInstanceCount": count}
    return {"ProductionVariants": [{"VariantName": "AllTraffic", **instances}]}


class FakeSageMaker:
    """Endpoints by name, each with its status and configuration.

    Endpoints come and go at once; an update never comes to its end.
    """

    def __init__(self, *configs: str) -> None:
        self.configs = configs
        self.instance_types: dict[str, str] = {}
        """Instance type by configuration; missing ones are serverless."""
        self.endpoints: dict[str, dict[str, str]] = {}
        self.calls: list[tuple[str, ...]] = []

    def serve(self, name: str, config: str, status: str = "InService") -> None:
        """Add an endpoint."""
        self.endpoints[name] = {"EndpointConfigName": config, "EndpointStatus": status}

    def describe_endpoint(self, EndpointName: str) -> dict[str, str]:  # noqa: N803
        if EndpointName not in self.endpoints:
            raise refusal(f'Could not find endpoint "{EndpointName}".', "DescribeEndpoint")
        return self.endpoints[EndpointName]

    def describe_endpoint_config(self, EndpointConfigName: str) -> dict[str, Any]:  # noqa: N803
        if EndpointConfigName not in self.configs:
            raise refusal("Could not find endpoint configuration.", "DescribeEndpointConfig")
        return variants(self.instance_types.get(EndpointConfigName))

    def update_endpoint(self, EndpointName: str, EndpointConfigName: str, **retain: bool) -> None:  # noqa: N803
        if EndpointConfigName not in self.configs:
            raise refusal("Could not find endpoint configuration.", "UpdateEndpoint")
        before = self.endpoints.get(EndpointName, {}).get("EndpointConfigName", "")
        check_conversion(self.instance_types.get(before), self.instance_types.get(EndpointConfigName))
        self.calls.append(("update", EndpointName, EndpointConfigName, *retain))
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

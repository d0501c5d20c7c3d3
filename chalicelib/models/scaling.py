"""Scales endpoints on instances with their load (Application Auto Scaling)."""

from collections.abc import Callable
from typing import Any

VARIANT = "AllTraffic"
"""The only production variant of an endpoint."""

INVOCATIONS_PER_INSTANCE = 600
"""Per minute. A core classifies an image in about 10 ms, so it is idle nine tenths of the time."""
MAX_GROWTH = 4
"""The largest number of instances, as a multiple of the configured number."""


class Scaling:
    """Registers and deregisters endpoints. Both operations can be repeated.

    `client` makes a boto3 `application-autoscaling` client.
    """

    def __init__(self, client: Callable[[], Any]):
        self._client = client

    def start(self, endpoint: str, instances: int) -> None:
        """Scale an endpoint from `instances` to `MAX_GROWTH` times as many."""
        client, target = self._client(), _target(endpoint)
        client.register_scalable_target(**target, MinCapacity=instances, MaxCapacity=instances * MAX_GROWTH)
        client.put_scaling_policy(
            **target,
            PolicyName="invocations",
            PolicyType="TargetTrackingScaling",
            TargetTrackingScalingPolicyConfiguration={
                "TargetValue": INVOCATIONS_PER_INSTANCE,
                "PredefinedMetricSpecification": {
                    "PredefinedMetricType": "SageMakerVariantInvocationsPerInstance"
                },
            },
        )

    def stop(self, endpoint: str) -> None:
        """Stop scaling an endpoint and delete its scaling policies."""
        client = self._client()
        try:
            client.deregister_scalable_target(**_target(endpoint))
        except client.exceptions.ObjectNotFoundException:
            return


def _target(endpoint: str) -> dict[str, str]:
    return {
        "ServiceNamespace": "sagemaker",
        "ResourceId": f"endpoint/{endpoint}/variant/{VARIANT}",
        "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
    }

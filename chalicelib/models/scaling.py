"""Lets an endpoint on instances grow and shrink with its load (Application Auto Scaling)."""

from collections.abc import Callable
from typing import Any

VARIANT = "AllTraffic"
"""The only production variant of an endpoint."""

INVOCATIONS_PER_INSTANCE = 600
"""A minute. A core classifies an image in some 10 ms; this leaves it idle for nine tenths of the time."""
MAX_GROWTH = 4
"""Times the instances that the configuration asks for."""


class Scaling:
    """Registers and deregisters endpoints; both can be repeated.

    `client` makes a boto3 `application-autoscaling` client.
    """

    def __init__(self, client: Callable[[], Any]):
        self._client = client

    def start(self, endpoint: str, instances: int) -> None:
        """Let an endpoint have from `instances` to `MAX_GROWTH` times as many."""
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
        """Leave the number of an endpoint's instances alone; its policies go, too."""
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

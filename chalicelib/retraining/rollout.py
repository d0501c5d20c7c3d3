"""The endpoint of a task, on its way from one configuration to the next and, if it must be, back."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from chalicelib.hosting import Hosting
from chalicelib.retraining.serving import VARIANT

INVOCATIONS_PER_INSTANCE = 600
"""A minute. A core classifies an image in some 10 ms; this leaves it idle for nine tenths of the time."""
MOST_INSTANCES = 4
"""Times what the task's file asks for."""


@dataclass(frozen=True)
class Rollout:
    """What Step Functions cannot decide about an endpoint by itself."""

    hosting: Hosting
    cloudwatch: Callable[[], Any]
    """Makes the boto3 client, as does the next."""
    autoscaling: Callable[[], Any]

    def look(self, serving: Mapping[str, Any]) -> dict[str, Any]:
        """What there is to be updated: `{"state": "absent" | "ready" | "changing", "config": name or None}`.

        A broken endpoint can only be deleted, which is what happens here; nothing was served by it.
        """
        endpoint = self.hosting.find(serving["endpoint"])
        if endpoint is None:
            return {"state": "absent", "config": None}
        if endpoint.is_broken:
            self.hosting.delete(endpoint.name)
            return {"state": "changing", "config": None}
        if not endpoint.is_changing and serving["kind"] == "provisioned":
            self._watch(serving)
        return {"state": "changing" if endpoint.is_changing else "ready", "config": endpoint.config}

    def scale(self, serving: Mapping[str, Any]) -> None:
        """Let a provisioned endpoint grow with its load."""
        if serving["kind"] != "provisioned":
            return
        target = {
            "ServiceNamespace": "sagemaker",
            "ResourceId": f"endpoint/{serving['endpoint']}/variant/{VARIANT}",
            "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
        }
        least = serving["spec"]["instances"]
        client = self.autoscaling()
        client.register_scalable_target(**target, MinCapacity=least, MaxCapacity=least * MOST_INSTANCES)
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

    def restore(self, plan: Mapping[str, Any], before: str | None) -> bool:
        """Bring the endpoint back to what it served before; True once nothing is left to be done.

        Args:
            plan: of the retraining that failed.
            before: the configuration it had; None if there was no endpoint.
        """
        endpoint = self.hosting.find(plan["serving"]["endpoint"])
        if endpoint is None:
            return True
        if endpoint.is_changing:
            return False
        if endpoint.is_broken or (before is None and endpoint.config == plan["name"]):
            self.hosting.delete(endpoint.name)
            return False
        if before is not None and endpoint.config == plan["name"]:
            self.hosting.update(endpoint.name, before)
            return False
        return True

    def reason(self, name: str) -> str:
        """Why an endpoint does not serve what it should."""
        endpoint = self.hosting.find(name)
        return (endpoint and endpoint.failure) or "The endpoint did not take the new model."

    def _watch(self, serving: Mapping[str, Any]) -> None:
        """The alarm upon which SageMaker takes an update back by itself."""
        self.cloudwatch().put_metric_alarm(
            AlarmName=serving["alarm"],
            AlarmDescription="The endpoint answered with errors. Its log is in /aws/sagemaker/Endpoints.",
            Namespace="AWS/SageMaker",
            MetricName="Invocation5XXErrors",
            Dimensions=[
                {"Name": "EndpointName", "Value": serving["endpoint"]},
                {"Name": "VariantName", "Value": VARIANT},
            ],
            Statistic="Sum",
            Period=60,
            EvaluationPeriods=1,
            Threshold=0,
            ComparisonOperator="GreaterThanThreshold",
            TreatMissingData="notBreaching",
        )

"""The endpoint of a task, on its way from one configuration to the next and, if it must be, back."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from chalicelib.retraining.planning import VARIANT

CHANGING = ("Creating", "Updating", "SystemUpdating", "RollingBack", "Deleting")
BROKEN = ("Failed", "UpdateRollbackFailed")
INVOCATIONS_PER_INSTANCE = 600
"""A minute. A core classifies an image in some 10 ms; this leaves it idle for nine tenths of the time."""
MOST_INSTANCES = 4
"""Times what the task's file asks for."""


@dataclass(frozen=True)
class Rollout:
    """What Step Functions cannot decide about an endpoint by itself."""

    sagemaker: Callable[[], Any]
    """Makes the boto3 clients."""
    cloudwatch: Callable[[], Any]
    autoscaling: Callable[[], Any]

    def look(self, serving: Mapping[str, Any]) -> dict[str, Any]:
        """What there is to be updated: `{"state": "absent" | "ready" | "changing", "config": name or None}`.

        A broken endpoint can only be deleted, which is what happens here; nothing was served by it.
        """
        endpoint = self._describe(serving["endpoint"])
        if endpoint is None:
            return {"state": "absent", "config": None}
        if endpoint["EndpointStatus"] in BROKEN:
            self.sagemaker().delete_endpoint(EndpointName=serving["endpoint"])
            return {"state": "changing", "config": None}
        state = "changing" if endpoint["EndpointStatus"] in CHANGING else "ready"
        if state == "ready" and serving["kind"] == "provisioned":
            self._watch(serving)
        return {"state": state, "config": endpoint["EndpointConfigName"]}

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
        name, own = plan["serving"]["endpoint"], plan["name"]
        endpoint = self._describe(name)
        if endpoint and endpoint["EndpointStatus"] in CHANGING:
            return False
        if endpoint and (endpoint["EndpointConfigName"] == own or endpoint["EndpointStatus"] in BROKEN):
            if before is None or endpoint["EndpointStatus"] in BROKEN:
                self.sagemaker().delete_endpoint(EndpointName=name)
            else:
                self.sagemaker().update_endpoint(EndpointName=name, EndpointConfigName=before)
            return False
        self.forget(own)
        return True

    def reason(self, name: str) -> str:
        """Why an endpoint does not serve what it should."""
        endpoint = self._describe(name) or {}
        return str(endpoint.get("FailureReason") or "The endpoint did not take the new model.")

    def forget(self, name: str) -> None:
        """Delete model and endpoint configuration of that name, if they are there."""
        client = self.sagemaker()
        with suppress(ClientError):
            client.delete_endpoint_config(EndpointConfigName=name)
        with suppress(ClientError):
            client.delete_model(ModelName=name)

    def _describe(self, name: str) -> Mapping[str, Any] | None:
        try:
            endpoint: Mapping[str, Any] = self.sagemaker().describe_endpoint(EndpointName=name)
        except ClientError as error:
            # SageMaker has no error of its own for what does not exist.
            if error.response["Error"]["Code"] == "ValidationException":
                return None
            raise
        return endpoint

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

"""Moves a task's endpoint from one configuration to the next and, if need be, back."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from chalicelib.models.endpoint_manager import EndpointManager
from chalicelib.models.scaling import VARIANT
from chalicelib.retraining.payloads import EndpointState
from chalicelib.retraining.planning.plan import Plan, ServingPlan


@dataclass(frozen=True)
class Rollout:
    """Decides what Step Functions cannot decide about an endpoint by itself."""

    endpoint_manager: EndpointManager
    cloudwatch: Callable[[], Any]
    """Makes the boto3 client."""

    def inspect(self, serving: ServingPlan, config: str) -> EndpointState:
        """Find out what there is to be updated, and prepare the update.

        An endpoint that no update can lead there, because it is broken or cannot become serverless, is
        deleted here. Then it is absent, and is created again.

        Args:
            serving: of the plan.
            config: that the endpoint is to serve.
        """
        endpoint = self.endpoint_manager.find(serving["endpoint"])
        if endpoint is None:
            return {"state": "absent", "config": None, "retain": False}
        if endpoint.is_changing:
            return {"state": "changing", "config": endpoint.config, "retain": False}
        if not self.endpoint_manager.can_update(endpoint, config):
            self.endpoint_manager.delete(endpoint.name)
            return {"state": "changing", "config": None, "retain": False}
        if serving["kind"] == "provisioned":
            self._put_alarm(serving)
        retain = self.endpoint_manager.prepare_update(endpoint.name, config)
        return {"state": "ready", "config": endpoint.config, "retain": retain}

    def restore(self, plan: Plan, before: str | None) -> bool:
        """Bring the endpoint back to an earlier configuration, one change at a time; True once it is done.

        Args:
            plan: of the retraining that failed.
            before: the configuration that it should serve; None if there should be no endpoint.
        """
        endpoint = self.endpoint_manager.find(plan["serving"]["endpoint"])
        if endpoint is None:
            return True
        if endpoint.is_changing:
            return False
        if endpoint.is_broken or endpoint.config == plan["name"]:
            if before and self.endpoint_manager.can_update(endpoint, before):
                self.endpoint_manager.update(endpoint.name, before)
            else:
                # `deploy.endpoints wake` creates it again, if there should be one.
                self.endpoint_manager.delete(endpoint.name)
            return False
        # The update had switched scaling off.
        self.endpoint_manager.scale(endpoint.name, endpoint.config)
        return True

    def reason(self, name: str) -> str:
        """Why an endpoint does not serve what it should."""
        endpoint = self.endpoint_manager.find(name)
        return (endpoint and endpoint.failure) or "The endpoint did not take the new model."

    def describe(self, serving: ServingPlan) -> str:
        """The state of the endpoint, in a sentence."""
        endpoint = self.endpoint_manager.find(serving["endpoint"])
        if endpoint is None:
            return f"There is no endpoint {serving['endpoint']}."
        served, failure = endpoint.config or "nothing", f" ({endpoint.failure})" if endpoint.failure else ""
        return f"The endpoint {endpoint.name} is {endpoint.status} and serves {served}{failure}."

    def _put_alarm(self, serving: ServingPlan) -> None:
        """Create the alarm at which SageMaker rolls an update back by itself."""
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

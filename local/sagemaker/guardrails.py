"""Deployment guardrails: alarms that take an update of an endpoint back.

SageMaker looks at them while the traffic moves; here they are looked at once, when the new containers are
healthy.
"""

from collections.abc import Mapping
from typing import Any

from local.account import ACCOUNT, REGION
from local.sagemaker.compute_host import ComputeHost
from local.sagemaker.errors import JobFailed
from local.sagemaker.models import MODEL_OF_VARIANT
from local.sagemaker.resources import Record


def alarms(request: Mapping[str, Any]) -> list[str]:
    """The names of the alarms in a request for an update."""
    rollback = request.get("DeploymentConfig", {}).get("AutoRollbackConfiguration", {})
    return [alarm["AlarmName"] for alarm in rollback.get("Alarms", ())]


def check(host: ComputeHost, config: Record, names: list[str]) -> None:
    """Raise JobFailed if an alarm rings, is missing, or may not be read by the role of the model."""
    if not names:
        return
    role = config["ProductionVariants"][0][MODEL_OF_VARIANT]["ExecutionRoleArn"]
    # The emulator does not know the resources of DescribeAlarms, so the role cannot call it.
    decisions = host.service("iam").simulate_principal_policy(
        PolicySourceArn=role,
        ActionNames=["cloudwatch:DescribeAlarms"],
        ResourceArns=[f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm:{name}" for name in names],
    )["EvaluationResults"]
    if any(one["EvalDecision"] != "allowed" for one in decisions):
        raise JobFailed(f"{role} is not authorized to perform: cloudwatch:DescribeAlarms")
    found = host.service("cloudwatch").describe_alarms(AlarmNames=names)["MetricAlarms"]
    states = {alarm["AlarmName"]: alarm["StateValue"] for alarm in found}
    for name in names:
        if states.get(name, "missing") in ("ALARM", "missing"):
            raise JobFailed(
                f"The alarm {name} is {states.get(name, 'missing')}, so the update was rolled back."
            )

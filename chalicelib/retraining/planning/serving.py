"""The part of a plan that is about serving: the endpoint, and its next configuration."""

from dataclasses import asdict
from typing import Any

from chalicelib import resource_names
from chalicelib.models.scaling import VARIANT
from chalicelib.retraining.planning.plan import ServingPlan
from chalicelib.tasks import ServingKind, Task

CANARY_SECONDS = 300
"""How long an alarm can roll the new configuration back: five periods of the alarm."""


def plan_serving(stage: str, task: Task, kind: ServingKind, name: str) -> ServingPlan:
    """Plan the serving of a new model.

    Args:
        stage: name of the installation.
        task: that the model is for.
        kind: of serving, in this stage.
        name: of the model in SageMaker.
    """
    spec = task.serving
    serverless = {"MemorySizeInMB": spec.memory_mb, "MaxConcurrency": spec.max_concurrency}
    provisioned = {
        "InstanceType": spec.instance_type,
        "InitialInstanceCount": spec.instances,
        "InitialVariantWeight": 1,
    }
    alarm = resource_names.endpoint_alarm(stage, task.name)
    variant = {"ServerlessConfig": serverless} if kind == "serverless" else provisioned
    return {
        "kind": kind,
        "endpoint": resource_names.endpoint(stage, task.name),
        "alarm": alarm,
        "variants": [{"VariantName": VARIANT, "ModelName": name, **variant}],
        "update": _update(spec.instances, alarm),
        "spec": asdict(spec),
    }


def _update(instances: int, alarm: str) -> dict[str, Any]:
    """SageMaker's DeploymentConfig of a provisioned endpoint: with a canary if there are several instances.

    A canary may take at most half of the instances. (SageMaker API reference, BlueGreenUpdatePolicy.)
    """
    canary = {
        "Type": "CANARY",
        "CanarySize": {"Type": "INSTANCE_COUNT", "Value": 1},
        "WaitIntervalInSeconds": CANARY_SECONDS,
    }
    at_once = {"Type": "ALL_AT_ONCE", "WaitIntervalInSeconds": CANARY_SECONDS}
    return {
        "BlueGreenUpdatePolicy": {
            "TrafficRoutingConfiguration": canary if instances > 1 else at_once,
            "TerminationWaitInSeconds": CANARY_SECONDS,
            "MaximumExecutionTimeoutInSeconds": 3600,
        },
        "AutoRollbackConfiguration": {"Alarms": [{"AlarmName": alarm}]},
    }

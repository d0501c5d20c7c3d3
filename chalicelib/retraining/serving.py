"""How a new model will be served: the part of a plan that is about its endpoint."""

from dataclasses import asdict
from typing import Any

from chalicelib import resource_names
from chalicelib.models.scaling import VARIANT
from chalicelib.tasks import ServingKind, Task

CANARY_SECONDS = 300
"""How long an alarm may take the new configuration back: some periods of the alarm."""


def plan_serving(stage: str, task: Task, kind: ServingKind, name: str) -> dict[str, Any]:
    """The endpoint of a task, and what its next configuration holds.

    Args:
        stage: whose endpoint it is.
        task: that it answers for.
        kind: of serving, in this stage.
        name: of the model that the configuration serves.
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
    """How a provisioned endpoint goes to its next configuration: a part of the traffic first, if it can.

    A canary takes at most half of the instances, so a single one cannot have any. (API reference,
    BlueGreenUpdatePolicy.)
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

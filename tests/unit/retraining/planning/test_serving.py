"""The serving part of a plan."""

from dataclasses import replace

import pytest

from chalicelib.models.scaling import VARIANT
from chalicelib.retraining.planning.plan import ServingPlan
from chalicelib.retraining.planning.serving import plan_serving
from chalicelib.tasks import ServingKind, load_task
from tests.models import TASK

TASK_ = load_task(TASK)


def planned(kind: ServingKind, instances: int = 1) -> ServingPlan:
    task = replace(TASK_, serving=replace(TASK_.serving, instances=instances))
    return plan_serving("test", task, kind, "model-1")


def test_serverless_variant_has_the_memory_of_the_task() -> None:
    plan = planned("serverless")

    (variant,) = plan["variants"]
    assert (variant["VariantName"], variant["ModelName"]) == (VARIANT, "model-1")
    assert variant["ServerlessConfig"]["MemorySizeInMB"] == TASK_.serving.memory_mb
    assert "InstanceType" not in variant
    assert plan["endpoint"] == f"negatoscope-test-{TASK}"


def test_provisioned_variant_has_the_instances_of_the_task() -> None:
    (variant,) = planned("provisioned", 3)["variants"]

    assert (variant["InstanceType"], variant["InitialInstanceCount"]) == (TASK_.serving.instance_type, 3)
    assert "ServerlessConfig" not in variant


@pytest.mark.parametrize(("instances", "kind"), [(1, "ALL_AT_ONCE"), (2, "CANARY"), (4, "CANARY")])
def test_update_has_a_canary_if_there_are_several_instances(instances: int, kind: str) -> None:
    update = planned("provisioned", instances)["update"]

    assert update["BlueGreenUpdatePolicy"]["TrafficRoutingConfiguration"]["Type"] == kind


def test_alarm_rolls_an_update_back() -> None:
    plan = planned("provisioned")

    assert plan["update"]["AutoRollbackConfiguration"] == {"Alarms": [{"AlarmName": plan["alarm"]}]}

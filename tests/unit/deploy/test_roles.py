"""Permissions of the roles of retraining that the emulator does not check."""

from fnmatch import fnmatch
from typing import Any

import pytest

from chalicelib.retraining.planning.serving import plan_serving
from chalicelib.tasks import load_tasks
from tests.cloud import FOUNDATION, RETRAINING, template


def allowed(path: Any, role: str, action: str) -> list[str]:
    """The resources on which a role may do something."""
    found: list[str] = []
    for policy in template(path)["Resources"][role]["Properties"]["Policies"]:
        for statement in policy["PolicyDocument"]["Statement"]:
            actions, resources = statement["Action"], statement["Resource"]
            if action in (actions if isinstance(actions, list) else [actions]):
                found += resources if isinstance(resources, list) else [resources]
    return found


@pytest.mark.parametrize("role", ["StatesRole", "SageMakerRole"])
def test_role_can_read_the_alarm_of_an_update(role: str) -> None:
    """SageMaker developer guide, "Auto-Rollback Configuration and Monitoring"."""
    (pattern,) = allowed(RETRAINING, role, "cloudwatch:DescribeAlarms")

    for task in load_tasks().values():
        alarm = plan_serving("${Stage}", task, "provisioned", "name")["alarm"]
        assert fnmatch(alarm, pattern.rpartition(":alarm:")[2]), alarm
        assert alarm in str(plan_serving("${Stage}", task, "provisioned", "name")["update"])


@pytest.mark.parametrize("role", ["ApiRole", "RetrainingRole"])
@pytest.mark.parametrize(
    "action", ["sagemaker:DescribeEndpointConfig", "application-autoscaling:DeregisterScalableTarget"]
)
def test_role_that_changes_endpoints_can_stop_their_scaling(role: str, action: str) -> None:
    assert allowed(FOUNDATION, role, action)


@pytest.mark.parametrize(
    "action",
    [
        "sagemaker:DescribeHyperParameterTuningJob",
        "sagemaker:DescribeModel",
        "sagemaker:DescribeProcessingJob",
        "sagemaker:DescribeTrainingJob",
        "sagemaker:DescribeTransformJob",
    ],
)
def test_role_can_describe_what_was_created(action: str) -> None:
    assert allowed(FOUNDATION, "RetrainingRole", action)

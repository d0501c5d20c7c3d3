"""Permissions that the emulator does not check."""

import json
import re
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest
from ministack.core.iam_evaluator import EvalContext, evaluate, parse_policy_document

from chalicelib.retraining.jobs import JOBS
from chalicelib.retraining.planning.serving import plan_serving
from chalicelib.tasks import load_tasks
from tests.cloud import FOUNDATION, RETRAINING, SITE, template
from tests.stage import ROOT


def allowed(path: Any, role: str, action: str) -> list[str]:
    """The resources on which a role may do something."""
    found: list[str] = []
    for policy in template(path)["Resources"][role]["Properties"]["Policies"]:
        for statement in policy["PolicyDocument"]["Statement"]:
            actions, resources = statement["Action"], statement["Resource"]
            if action in (actions if isinstance(actions, list) else [actions]):
                found += resources if isinstance(resources, list) else [resources]
    return found


def test_log_groups_have_the_key_of_the_stage_and_their_names_may_use_it() -> None:
    policy = template(FOUNDATION)["Resources"]["DataKey"]["Properties"]["KeyPolicy"]
    (logs,) = (one for one in policy["Statement"] if one["Sid"] == "LogGroupsAreEncrypted")
    patterns = [arn.partition(":log-group:")[2] for arn in logs["Condition"]["ArnLike"].popitem()[1]]
    groups = [
        one["Properties"]
        for path in (FOUNDATION, RETRAINING)
        for one in template(path)["Resources"].values()
        if one["Type"] == "AWS::Logs::LogGroup"
    ]

    assert len(groups) > 7
    for group in groups:
        assert "DataKey" in group["KmsKeyId"], group
        assert any(fnmatch(group["LogGroupName"], pattern) for pattern in patterns), group


@pytest.mark.parametrize("role", ["StatesRole", "SageMakerRole"])
def test_role_can_read_the_alarm_of_an_update(role: str) -> None:
    """SageMaker developer guide, "Auto-Rollback Configuration and Monitoring"."""
    (pattern,) = allowed(RETRAINING, role, "cloudwatch:DescribeAlarms")

    for task in load_tasks().values():
        alarm = plan_serving("${Stage}", task, "provisioned", "name")["alarm"]
        assert fnmatch(alarm, pattern.rpartition(":alarm:")[2]), alarm
        assert alarm in str(plan_serving("${Stage}", task, "provisioned", "name")["update"])


@pytest.mark.parametrize(
    ("role", "actions"),
    [
        ("AdministrationRole", ["cloudwatch:DeleteAlarms", "cloudwatch:DescribeAlarms"]),
        (
            "RetrainingRole",
            ["cloudwatch:DeleteAlarms", "cloudwatch:DescribeAlarms", "cloudwatch:PutMetricAlarm"],
        ),
    ],
)
def test_role_that_scales_may_use_the_alarms_of_the_scaling(role: str, actions: list[str]) -> None:
    """Application Auto Scaling user guide, "Permissions required for target tracking scaling policies"."""
    alarm = "TargetTracking-endpoint/negatoscope-${Stage}-chest-xray/variant/AllTraffic-AlarmHigh-0"
    for action in actions:
        patterns = [pattern.rpartition(":alarm:")[2] for pattern in allowed(FOUNDATION, role, action)]
        assert any(fnmatch(alarm, pattern) for pattern in patterns), action


def test_role_that_scales_may_change_the_capacity() -> None:
    assert allowed(FOUNDATION, "RetrainingRole", "sagemaker:UpdateEndpointWeightsAndCapacities")


@pytest.mark.parametrize(
    ("role", "action"), [("StatesRole", "sagemaker:ListTags"), ("SageMakerRole", "kms:Encrypt")]
)
def test_role_has_what_sagemaker_documents(role: str, action: str) -> None:
    """Step Functions developer guide, "IAM policies for calling Amazon SageMaker AI", and SageMaker's API
    reference, OutputDataConfig."""
    assert allowed(RETRAINING, role, action)


@pytest.mark.parametrize(
    "path", [*(ROOT / "deploy").glob("*.yaml"), RETRAINING, SITE], ids=lambda path: path.name
)
def test_templates_hold_in_every_partition(path: Path) -> None:
    assert "arn:aws" not in path.read_text()


@pytest.mark.parametrize("role", ["AdministrationRole", "RetrainingRole"])
@pytest.mark.parametrize(
    "action", ["sagemaker:DescribeEndpointConfig", "application-autoscaling:DeregisterScalableTarget"]
)
def test_role_that_changes_endpoints_can_stop_their_scaling(role: str, action: str) -> None:
    assert allowed(FOUNDATION, role, action)


@pytest.mark.parametrize("role", ["AdministrationRole", "RetrainingRole"])
def test_role_can_stop_every_job_of_a_retraining(role: str) -> None:
    for _, kind, pattern in JOBS.values():
        resources = allowed(FOUNDATION, role, f"sagemaker:Stop{kind}")
        name = pattern.format(name="negatoscope-${Stage}-run", tuning_name="negatoscope-${Stage}-tuning")
        kebab = re.sub(r"(?<!^)(?=[A-Z])", "-", kind).lower()
        assert any(fnmatch(f"{kebab}/{name}", found.rpartition(":")[2]) for found in resources), kind


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


ENCRYPTION = "s3:x-amz-server-side-encryption"
KEY = f"{ENCRYPTION}-aws-kms-key-id"
DATA_KEY = "arn:aws:kms:us-east-1:123456789012:key/data"


@pytest.mark.parametrize(
    ("headers", "refused"),
    [
        ({}, False),
        ({ENCRYPTION: "aws:kms", KEY: DATA_KEY}, False),
        ({ENCRYPTION: "aws:kms"}, True),
        ({ENCRYPTION: "AES256"}, True),
        ({ENCRYPTION: "aws:kms", KEY: DATA_KEY.replace("data", "other")}, True),
    ],
)
def test_bucket_refuses_objects_encrypted_with_another_key(headers: dict[str, str], refused: bool) -> None:
    assert denied_by_the_bucket("s3:PutObject", headers) == refused


@pytest.mark.parametrize(
    "action", ["s3:GetObject", "s3:PutObject", "s3:ListBucket", "s3:DeleteObjectVersion"]
)
@pytest.mark.parametrize(
    ("account", "service", "refused"),
    [
        ("123456789012", "false", False),
        ("210987654321", "false", True),
        ("", None, True),  # anonymous
        ("", "true", False),
    ],
)
def test_bucket_refuses_other_accounts(action: str, account: str, service: str | None, refused: bool) -> None:
    keys = {"aws:principalisawsservice": service} if service else {}
    assert denied_by_the_bucket(action, keys, account) == refused


def denied_by_the_bucket(action: str, keys: dict[str, str], account: str = "123456789012") -> bool:
    """Whether the data bucket's policy refuses a request, whatever the caller's policies allow."""
    policy = json.dumps(template(FOUNDATION)["Resources"]["DataBucketPolicy"]["Properties"]["PolicyDocument"])
    names = {"DataKey.Arn": DATA_KEY, "AWS::AccountId": "123456789012"}
    names |= dict.fromkeys(("${DataBucket.Arn}", "DataBucket.Arn"), "arn:aws:s3:::bucket")
    for name, known in names.items():
        policy = policy.replace(name, known)
    request = EvalContext(
        principal_arn="arn:aws:iam::123456789012:role/any",
        principal_type="AssumedRole",
        principal_account=account,
        action=action,
        resource_arn="arn:aws:s3:::bucket" if action == "s3:ListBucket" else "arn:aws:s3:::bucket/inbox/x",
        region="us-east-1",
        secure_transport=True,
        service_context=keys,
    )
    return str(evaluate(request, [parse_policy_document(policy)]).decision) == "Deny"

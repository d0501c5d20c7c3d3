"""Creates the results table as foundation.yaml describes it, if it was deleted.

CloudFormation does not notice that a table is gone, so a deployment does not restore it. CloudFormation knows
the table by its name, so one that is created here belongs to the stack like the first one.
"""

import time
from typing import Any

import boto3
from botocore.exceptions import ClientError

from deploy import foundation, stacks
from deploy.progress import say
from deploy.stacks import DeployError

_SCHEMA = ("AttributeDefinitions", "BillingMode", "GlobalSecondaryIndexes", "KeySchema")
"""Properties that CreateTable takes in the same form as the template."""
_TRIES = 60
"""Backups of a new table cannot be enabled immediately."""


def ensure(stage: str, name: str) -> None:
    """Make sure that the table `name` exists, with expiry and backups; safe to repeat.

    Raises:
        DeployError: if the stage has no foundation.
    """
    dynamodb = boto3.client("dynamodb")
    described = foundation.data_template()["Resources"]["ResultsTable"]["Properties"]
    if not _exists(dynamodb, name):
        _create(dynamodb, stage, name, described)
    _expire(dynamodb, name, described["TimeToLiveSpecification"])
    _back_up(dynamodb, name, described["PointInTimeRecoverySpecification"])


def _exists(dynamodb: Any, name: str) -> bool:
    """Whether the table exists, after the end of its creation or deletion."""
    try:
        status = dynamodb.describe_table(TableName=name)["Table"]["TableStatus"]
    except dynamodb.exceptions.ResourceNotFoundException:
        return False
    if status == "DELETING":
        _wait(dynamodb, "table_not_exists", name)
        return False
    _wait(dynamodb, "table_exists", name)
    return True


def _create(dynamodb: Any, stage: str, name: str, described: dict[str, Any]) -> None:
    key = stacks.resources(foundation.stack_name(stage)).get("DataKey")
    if key is None:
        raise DeployError(f"The stage {stage} does not exist in this account and region.")
    encryption = described["SSESpecification"]
    dynamodb.create_table(
        TableName=name,
        DeletionProtectionEnabled=stage != "local",
        SSESpecification={
            "Enabled": encryption["SSEEnabled"],
            "SSEType": encryption["SSEType"],
            "KMSMasterKeyId": key,
        },
        **{setting: described[setting] for setting in _SCHEMA},
    )
    _wait(dynamodb, "table_exists", name)
    say(f"{name}: was missing, created")


def _expire(dynamodb: Any, name: str, specification: dict[str, Any]) -> None:
    found = dynamodb.describe_time_to_live(TableName=name)["TimeToLiveDescription"]
    if found["TimeToLiveStatus"] in ("DISABLED", "DISABLING"):
        dynamodb.update_time_to_live(TableName=name, TimeToLiveSpecification=specification)


def _back_up(dynamodb: Any, name: str, specification: dict[str, Any]) -> None:
    for attempt in range(_TRIES):
        found = dynamodb.describe_continuous_backups(TableName=name)["ContinuousBackupsDescription"]
        recovery = found.get("PointInTimeRecoveryDescription", {})
        if recovery.get("PointInTimeRecoveryStatus") == "ENABLED":
            return
        try:
            dynamodb.update_continuous_backups(TableName=name, PointInTimeRecoverySpecification=specification)
        except ClientError as error:
            code = error.response["Error"]["Code"]
            if code != "ContinuousBackupsUnavailableException" or attempt == _TRIES - 1:
                raise
            time.sleep(stacks.PAUSE)


def _wait(dynamodb: Any, what: str, name: str) -> None:
    dynamodb.get_waiter(what).wait(TableName=name, WaiterConfig={"Delay": stacks.PAUSE, "MaxAttempts": 300})

"""The foundation stack: everything that holds data or grants access."""

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import ClientError
from samtranslator.yaml_helper import yaml_parse

from chalicelib import resource_names
from chalicelib.settings import SettingsError, read_endpoints
from chalicelib.tasks import TaskFileError
from deploy import buckets, stacks, stages
from deploy.progress import say
from deploy.stacks import DeployError

TEMPLATE = Path(__file__).with_name("foundation.yaml")
DATA = (
    "AWS::DynamoDB::Table",
    "AWS::KMS::Alias",
    "AWS::KMS::Key",
    "AWS::S3::Bucket",
    "AWS::S3::BucketPolicy",
)
"""Types of the resources that hold data."""
MFA = {"required": "ON", "optional": "OPTIONAL"}
"""Cognito's words for who needs a second factor. It cannot ask for one by group."""
ACCESS_LOGS = "AccessLogs"
"""The log group that is part of the audit record, and is kept as data are."""
KEY_DAYS = 7
"""Minimum waiting time, in days, before AWS deletes a key."""


def stack_name(stage: str) -> str:
    """Name of the stack."""
    return resource_names.stack_name(stage, "foundation")


def deploy(
    stage: str,
    site_origin: str | None = None,
    alarm_email: str | None = None,
    *,
    local_login: bool = False,
    protected: bool | None = None,
    mfa: str | None = None,
) -> dict[str, str]:
    """Create or update the stack, and return its outputs. None keeps the value of the deployment before."""
    wanted = parameters(
        stage, site_origin, alarm_email, local_login=local_login, protected=protected, mfa=mfa
    )
    return stacks.put_stack(stack_name(stage), TEMPLATE.read_text(), wanted, protected=stage != "local")


def parameters(
    stage: str,
    site_origin: str | None = None,
    alarm_email: str | None = None,
    *,
    local_login: bool = False,
    protected: bool | None = None,
    mfa: str | None = None,
) -> dict[str, str | None]:
    """The parameters of the stack."""
    return {
        "Stage": stage,
        "SiteOrigin": site_origin,
        "AlarmEmail": alarm_email,
        "OtherEndpoints": ",".join(other_endpoints(stage)),
        "LocalLogin": "true" if local_login else "false",
        "DeletionProtection": "true" if protected else None,
        "Mfa": MFA[mfa] if mfa else None,
    }


def data_bucket(stage: str) -> str | None:
    """The name of the data bucket; None if there is none, also if the stack's own has been deleted."""
    bucket = stacks.resources(stack_name(stage)).get("DataBucket")
    if bucket is None:
        return None
    try:
        boto3.client("s3").head_bucket(Bucket=bucket)
    except ClientError as error:
        if error.response["Error"]["Code"] in ("404", "NoSuchBucket"):
            return None
        raise
    return bucket


def other_endpoints(stage: str) -> list[str]:
    """ARNs of the endpoints that tasks name and whose names do not begin with the stage's prefix."""
    try:
        endpoints = read_endpoints(stages.variables(stage).get("ENDPOINTS") or "{}")
    except (SettingsError, TaskFileError) as error:
        raise DeployError(f"{error}.") from error
    named = {endpoint.name for endpoint in endpoints.values()}
    others = {name for name in named if not name.startswith(resource_names.prefix(stage))}
    if not others:
        return []
    caller = boto3.client("sts").get_caller_identity()
    partition, region = caller["Arn"].split(":")[1], boto3.session.Session().region_name
    prefix = f"arn:{partition}:sagemaker:{region}:{caller['Account']}:endpoint/"
    # SageMaker may convert the name in an ARN to lower case, and IAM is case-sensitive.
    return sorted({prefix + spelling for name in others for spelling in (name, name.lower())})


def reduce(stage: str) -> None:
    """Delete everything except the resources that hold data; also the accounts of the users.

    The stack stays, so that another deployment finds the data and their key.
    """
    name = stack_name(stage)
    if stacks.settled_status(name) in stacks.UNFINISHED:
        stacks.delete_stack(name)  # its creation failed, so it holds nothing
    if stacks.stack_status(name):
        parameters = dict.fromkeys(("AlarmEmail", "OtherEndpoints", "SiteOrigin"), "") | {
            "LocalLogin": "false",
            "Stage": stage,
        }
        stacks.put_stack(name, json.dumps(data_template()), parameters, protected=True)
    delete_user_pools(stage)


def data_template() -> dict[str, Any]:
    """The template, reduced to the resources that hold data."""
    template: dict[str, Any] = yaml_parse(TEMPLATE.read_text())
    resources = template["Resources"].items()
    kept = {name: one for name, one in resources if one["Type"] in DATA or name == ACCESS_LOGS}
    return {key: template[key] for key in template if key != "Outputs"} | {"Resources": kept}


def delete_user_pools(stage: str) -> None:
    """Delete the user pools that belong to no stack any more, found by name."""
    cognito = boto3.client("cognito-idp")
    for page in cognito.get_paginator("list_user_pools").paginate(MaxResults=60):
        for pool in page["UserPools"]:
            if pool["Name"] == resource_names.resource_name(stage):
                # This also resets the other settings of the pool, which no longer matter.
                cognito.update_user_pool(UserPoolId=pool["Id"], DeletionProtection="INACTIVE")
                cognito.delete_user_pool(UserPoolId=pool["Id"])
                say(f"{pool['Id']}: user accounts deleted")


def delete(stage: str) -> None:
    """Delete the data as well: images, results, models, and finally the stack."""
    resources = stacks.resources(stack_name(stage))
    if "DataBucket" in resources:
        buckets.delete(resources["DataBucket"])
        say(f"{resources['DataBucket']}: all versions deleted")
    for logical in ("ResultsTable", "RetrainingsTable"):
        if logical in resources:
            delete_table(resources[logical])
    if "DataKey" in resources:
        delete_key(resources["DataKey"])
    if ACCESS_LOGS in resources:
        logs = boto3.client("logs")
        with suppress(logs.exceptions.ResourceNotFoundException):
            logs.delete_log_group(logGroupName=resources[ACCESS_LOGS])
    stacks.delete_stack(stack_name(stage))


def delete_table(name: str) -> None:
    """Delete a table, if it exists, although it is protected."""
    dynamodb = boto3.client("dynamodb")
    try:
        dynamodb.update_table(TableName=name, DeletionProtectionEnabled=False)
        dynamodb.get_waiter("table_exists").wait(TableName=name, WaiterConfig={"Delay": stacks.PAUSE})
        dynamodb.delete_table(TableName=name)
    except dynamodb.exceptions.ResourceNotFoundException:
        return
    dynamodb.get_waiter("table_not_exists").wait(TableName=name, WaiterConfig={"Delay": stacks.PAUSE})
    say(f"{name}: deleted")


def delete_key(key: str) -> None:
    """Schedule the deletion of a key, unless it is scheduled already."""
    kms = boto3.client("kms")
    if kms.describe_key(KeyId=key)["KeyMetadata"]["KeyState"] != "PendingDeletion":
        kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=KEY_DAYS)
    say(f"{key}: the key will be deleted in {KEY_DAYS} days, and costs nothing until then")

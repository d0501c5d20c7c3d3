"""The foundation stack: everything that holds data or grants access."""

import json
from pathlib import Path
from typing import Any

import boto3
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
) -> dict[str, str]:
    """Create or update the stack, and return its outputs. None keeps the value of the deployment before."""
    parameters = {
        "Stage": stage,
        "SiteOrigin": site_origin,
        "AlarmEmail": alarm_email,
        "OtherEndpoints": ",".join(other_endpoints(stage)),
        "LocalLogin": "true" if local_login else "false",
    }
    return stacks.put_stack(stack_name(stage), TEMPLATE.read_text(), parameters, protected=stage != "local")


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
    kept = {name: one for name, one in template["Resources"].items() if one["Type"] in DATA}
    return {key: template[key] for key in template if key != "Outputs"} | {"Resources": kept}


def delete_user_pools(stage: str) -> None:
    """Delete the user pools that belong to no stack any more, found by name."""
    cognito = boto3.client("cognito-idp")
    for page in cognito.get_paginator("list_user_pools").paginate(MaxResults=60):
        for pool in page["UserPools"]:
            if pool["Name"] == resource_names.resource_name(stage):
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
    stacks.delete_stack(stack_name(stage))


def delete_table(name: str) -> None:
    """Delete a table, if it exists."""
    dynamodb = boto3.client("dynamodb")
    try:
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

"""The stack of all that holds data or grants access."""

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
"""The types of what holds data."""
KEY_DAYS = 7
"""How long AWS waits at least before it deletes a key."""


def stack_name(stage: str) -> str:
    """The stack of the stage."""
    return resource_names.stack_name(stage, "foundation")


def deploy(
    stage: str,
    site_origin: str | None = None,
    alarm_email: str | None = None,
    *,
    local_login: bool = False,
) -> dict[str, str]:
    """Create or update the stack, and return its outputs; None keeps what has been deployed before."""
    parameters = {
        "Stage": stage,
        "SiteOrigin": site_origin,
        "AlarmEmail": alarm_email,
        "OtherEndpoints": ",".join(other_endpoints(stage)),
        "LocalLogin": "true" if local_login else "false",
    }
    return stacks.put_stack(stack_name(stage), TEMPLATE.read_text(), parameters, protected=stage != "local")


def other_endpoints(stage: str) -> list[str]:
    """ARNs of the endpoints that tasks name and the stage's roles may not call by their own name."""
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
    # SageMaker may write a name into its ARN in lower case, and IAM tells the two apart.
    return sorted({prefix + spelling for name in others for spelling in (name, name.lower())})


def reduce(stage: str) -> None:
    """Take away everything but what holds data, and the accounts of the stage's users.

    The stack stays, so that deploying again finds the data where it is, and their key.
    """
    name = stack_name(stage)
    if stacks.settled_status(name) in stacks.UNFINISHED:
        stacks.delete_stack(name)  # it never stood, and so holds nothing
    if stacks.stack_status(name):
        parameters = dict.fromkeys(("AlarmEmail", "OtherEndpoints", "SiteOrigin"), "") | {
            "LocalLogin": "false",
            "Stage": stage,
        }
        stacks.put_stack(name, json.dumps(data_template()), parameters, protected=True)
    delete_user_pools(stage)


def data_template() -> dict[str, Any]:
    """The template, with only what holds data."""
    template: dict[str, Any] = yaml_parse(TEMPLATE.read_text())
    kept = {name: one for name, one in template["Resources"].items() if one["Type"] in DATA}
    return {key: template[key] for key in template if key != "Outputs"} | {"Resources": kept}


def delete_user_pools(stage: str) -> None:
    """Delete the pools that no stack holds any more: their names are all that tells them."""
    cognito = boto3.client("cognito-idp")
    for page in cognito.get_paginator("list_user_pools").paginate(MaxResults=60):
        for pool in page["UserPools"]:
            if pool["Name"] == resource_names.resource_name(stage):
                cognito.delete_user_pool(UserPoolId=pool["Id"])
                say(f"{pool['Id']}: the accounts of its users are deleted")


def delete(stage: str) -> None:
    """Delete the data as well: images, results, models, and last the stack that knows of them."""
    resources = stacks.resources(stack_name(stage))
    if "DataBucket" in resources:
        buckets.delete(resources["DataBucket"])
        say(f"{resources['DataBucket']}: deleted, in all versions")
    for logical in ("ResultsTable", "RetrainingsTable"):
        if logical in resources:
            delete_table(resources[logical])
    if "DataKey" in resources:
        delete_key(resources["DataKey"])
    stacks.delete_stack(stack_name(stage))


def delete_table(name: str) -> None:
    """Delete a table, if it is there."""
    dynamodb = boto3.client("dynamodb")
    try:
        dynamodb.delete_table(TableName=name)
    except dynamodb.exceptions.ResourceNotFoundException:
        return
    dynamodb.get_waiter("table_not_exists").wait(TableName=name, WaiterConfig={"Delay": stacks.PAUSE})
    say(f"{name}: deleted")


def delete_key(key: str) -> None:
    """Have a key deleted, unless it is being deleted already."""
    kms = boto3.client("kms")
    if kms.describe_key(KeyId=key)["KeyMetadata"]["KeyState"] != "PendingDeletion":
        kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=KEY_DAYS)
    say(f"{key}: the key is deleted within {KEY_DAYS} days, and costs nothing until then")

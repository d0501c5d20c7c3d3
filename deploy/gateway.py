"""The API at API Gateway: its errors, limits, access log and key, none of which Chalice can configure."""

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import boto3

from chalicelib import resource_names
from deploy import stacks, stages
from deploy.progress import say

ERRORS = Path(__file__).with_name("gateway-errors.json")

LIMITS = {
    "*/*": (100, 200),
    "/results.csv/GET": (2, 10),
    "/tasks/{task}/agreement/GET": (5, 20),
    "/tasks/{task}/review-statistics/GET": (5, 20),
}
"""Requests a second and at once, by method. The latter three read the table for up to 20 s."""

LOGGED = {
    "at": "$context.requestTimeEpoch",
    "user": "$context.authorizer.claims.sub",
    "status": "$context.status",
    "refused": "$context.error.responseType",
    "milliseconds": "$context.responseLatency",
    "request_id": "$context.requestId",
    "method": "$context.httpMethod",
    "path": "$context.path",
}
"""An entry of the access log. Paths hold ids and names of tasks. Queries, which could hold more, are left
out, and so are addresses: API Gateway sees only those of CloudFront. It escapes nothing, so what callers
choose comes last: `AccessLog` believes the first of two members with one name."""

ROLE_SECONDS = 60.0
"""How long a new role may take until API Gateway can use it."""

KEY_DAYS = 30
"""Age at which the edge gets another key."""


class Key(NamedTuple):
    """The key without which API Gateway refuses requests. Only CloudFront sends it."""

    id: str
    value: str
    created: datetime


def configure(stage: str, api_id: str, access_log: str, logging_role: str) -> None:
    """Configure the API, after each deployment of Chalice, which replaces its definition.

    Args:
        stage: of the application.
        api_id: of the REST API.
        access_log: ARN of the log group.
        logging_role: ARN of the role with which API Gateway writes logs.
    """
    put_errors(api_id)
    _, partition, _, region, *_ = access_log.split(":")
    tag(stage, f"arn:{partition}:apigateway:{region}::/restapis/{api_id}")
    boto3.client("apigateway").create_deployment(
        restApiId=api_id, stageName=stages.api_stage(), description="with its own errors"
    )
    allow_logging(logging_role)
    settings = {
        "/accessLogSettings/destinationArn": access_log,
        "/accessLogSettings/format": json.dumps(LOGGED),
    }
    for method, (rate, burst) in LIMITS.items():
        path = f"/{method}" if method == "*/*" else f"/{_escaped(method)}"
        settings[f"{path}/throttling/rateLimit"] = str(rate)
        settings[f"{path}/throttling/burstLimit"] = str(burst)
    operations = [{"op": "replace", "path": path, "value": value} for path, value in settings.items()]
    boto3.client("apigateway").update_stage(
        restApiId=api_id, stageName=stages.api_stage(), patchOperations=operations
    )


def tag(stage: str, api_arn: str) -> None:
    """Give the API, and what it serves at its stage, the tags of the stage's other resources."""
    for arn in (api_arn, f"{api_arn}/stages/{stages.api_stage()}"):
        boto3.client("apigateway").tag_resource(resourceArn=arn, tags=stacks.tags(stage))


def _escaped(method: str) -> str:
    """A resource's path and a method as part of a patch's path (API Gateway reference, UpdateStage)."""
    path, _, verb = method.rpartition("/")
    return f"{path.replace('/', '~1')}/{verb}"


def put_errors(api_id: str) -> None:
    """Give errors of API Gateway itself the body {"code", "message", "request_id"}."""
    for response_type, error in json.loads(ERRORS.read_text()).items():
        body = {"code": error["code"], "message": error["message"], "request_id": "$context.requestId"}
        boto3.client("apigateway").put_gateway_response(
            restApiId=api_id,
            responseType=response_type,
            responseTemplates={"application/json": json.dumps(body)},
            **({"statusCode": error["status"]} if "status" in error else {}),
        )


def allow_logging(role: str, sleep: Callable[[float], None] = time.sleep) -> None:
    """Let API Gateway write logs in this account and region, unless it has a role for that already."""
    gateway = boto3.client("apigateway")
    if gateway.get_account().get("cloudwatchRoleArn"):
        return
    operation = {"op": "replace", "path": "/cloudwatchRoleArn", "value": role}
    deadline = time.monotonic() + ROLE_SECONDS
    while True:
        try:
            gateway.update_account(patchOperations=[operation])
            return
        except gateway.exceptions.BadRequestException:
            # IAM tells other services of a new role some seconds later.
            if time.monotonic() > deadline:
                raise
        sleep(5)


# --------------------------------------------------------------------------------------- the edge's key


def current_key(stage: str, api_id: str) -> Key:
    """The key for CloudFront to send: the stage's newest, or a new one if that is old. Others stay valid."""
    gateway = boto3.client("apigateway")
    plan = _plan(gateway, stage, api_id)
    newest = newest_key(stage)
    if newest is None or newest.created < datetime.now(UTC) - timedelta(days=KEY_DAYS):
        newest = _key(gateway.create_api_key(name=_key_name(stage), enabled=True))
        say("new key for requests from CloudFront")
    used = gateway.get_paginator("get_usage_plan_keys").paginate(usagePlanId=plan)
    if newest.id not in {key["id"] for page in used for key in page["items"]}:
        gateway.create_usage_plan_key(usagePlanId=plan, keyId=newest.id, keyType="API_KEY")
    return newest


def newest_key(stage: str) -> Key | None:
    """The stage's newest key, if it has one."""
    return max(_keys(boto3.client("apigateway"), stage), key=lambda key: key.created, default=None)


def retire_keys(stage: str, keep: Key) -> None:
    """Delete the stage's keys except one, when CloudFront sends that one everywhere."""
    gateway = boto3.client("apigateway")
    for key in _keys(gateway, stage):
        if key.id != keep.id:
            gateway.delete_api_key(apiKey=key.id)


def delete(stage: str) -> None:
    """Delete the stage's keys and its plan, and take back the role if API Gateway uses it for logs."""
    gateway = boto3.client("apigateway")
    for key in _keys(gateway, stage):
        gateway.delete_api_key(apiKey=key.id)
    for plan in _plans(gateway, stage):
        _delete_plan(gateway, plan)
    role = gateway.get_account().get("cloudwatchRoleArn") or ""
    if role.endswith(f":role/{resource_names.resource_name(stage, 'gateway-logs')}"):
        operation = {"op": "replace", "path": "/cloudwatchRoleArn", "value": ""}
        gateway.update_account(patchOperations=[operation])


def _key_name(stage: str) -> str:
    return resource_names.resource_name(stage, "edge")


def _key(found: dict[str, Any]) -> Key:
    return Key(found["id"], found["value"], found["createdDate"])


def _keys(gateway: Any, stage: str) -> list[Key]:
    pages = gateway.get_paginator("get_api_keys").paginate(nameQuery=_key_name(stage), includeValues=True)
    return [_key(key) for page in pages for key in page["items"] if key["name"] == _key_name(stage)]


def _plans(gateway: Any, stage: str) -> list[dict[str, Any]]:
    pages = gateway.get_paginator("get_usage_plans").paginate()
    return [plan for page in pages for plan in page["items"] if plan["name"] == _key_name(stage)]


def _plan(gateway: Any, stage: str, api_id: str) -> str:
    """The id of the usage plan that makes the stage's keys valid for its API."""
    served = {"apiId": api_id, "stage": stages.api_stage()}
    for plan in _plans(gateway, stage):
        if any(served.items() <= one.items() for one in plan["apiStages"]):
            return str(plan["id"])
        _delete_plan(gateway, plan)  # of an API that was deleted
    return str(gateway.create_usage_plan(name=_key_name(stage), apiStages=[served])["id"])


def _delete_plan(gateway: Any, plan: dict[str, Any]) -> None:
    """Delete a usage plan. API Gateway refuses that as long as the plan has an API."""
    for one in plan.get("apiStages", ()):
        operation = {"op": "remove", "path": "/apiStages", "value": f"{one['apiId']}:{one['stage']}"}
        gateway.update_usage_plan(usagePlanId=plan["id"], patchOperations=[operation])
    gateway.delete_usage_plan(usagePlanId=plan["id"])

"""Creates, updates and deletes CloudFormation stacks."""

import time
from collections.abc import Mapping
from typing import Any

import boto3
from botocore.exceptions import ClientError, WaiterError

from deploy import stack_failures
from deploy.progress import say

PAUSE = 2
"""Seconds between two requests for the status of a stack."""
MAX_WAIT = 3600
"""Seconds after which an operation on a stack counts as stuck. CloudFront takes up to 30 minutes."""
UNFINISHED = (
    "CREATE_FAILED", "DELETE_FAILED", "REVIEW_IN_PROGRESS", "ROLLBACK_COMPLETE", "ROLLBACK_FAILED",
)  # fmt: skip
"""States in which a stack can only be deleted: its creation or its deletion failed, or it was never created
because a change set was not executed."""
ROLLBACK_FAILED = "UPDATE_ROLLBACK_FAILED"
"""The state in which a stack can only continue the rollback of an update."""
ATTEMPTS = 4
"""At an operation that fails because a service has not learnt of a new role yet."""
ATTEMPT_PAUSE = 20.0
"""Seconds before another attempt. (IAM user guide: changes are not always immediately visible.)"""


class DeployError(Exception):
    """The deployment failed; the message is for the user."""


def put_stack(
    name: str, template: str, parameters: Mapping[str, str | None], *, protected: bool
) -> dict[str, str]:
    """Create or update a stack, wait until it is complete, and return its outputs and parameters.

    Args:
        name: of the stack.
        template: its text.
        parameters: by name; `Stage` must be among them. All others, and those that are None, keep values that
            somebody has given to an existing stack, and otherwise have the template's defaults.
        protected: whether a new stack has termination protection.

    Raises:
        DeployError: with the reasons, if CloudFormation could not create or update the stack.
    """
    for attempt in range(1, ATTEMPTS + 1):
        try:
            _put_stack(name, template, parameters, protected=protected)
            break
        except DeployError as error:
            if attempt == ATTEMPTS or not stack_failures.is_temporary(str(error)):
                raise
            say(f"{error}\n    New roles take a moment to propagate; trying again")
            time.sleep(ATTEMPT_PAUSE)
    return outputs(name)


def _put_stack(name: str, template: str, parameters: Mapping[str, str | None], *, protected: bool) -> None:
    cloudformation = boto3.client("cloudformation")
    status = settled_status(name)
    if status in UNFINISHED:
        delete_stack(name)
        status = None
    elif status == ROLLBACK_FAILED:
        continue_rollback(name)
    request = stack_request(name, template, parameters, exists=status is not None)
    if status is None:
        cloudformation.create_stack(**request, EnableTerminationProtection=protected)
        wait_for_stack("stack_create_complete", name)
    elif start_update(request):
        wait_for_stack("stack_update_complete", name)


def stack_request(
    name: str, template: str, parameters: Mapping[str, str | None], *, exists: bool
) -> dict[str, Any]:
    """What CloudFormation needs to create or update a stack, or to make a change set; see `put_stack`."""
    given = {key: value for key, value in parameters.items() if value is not None}
    kept = kept_parameters(name, template) - given.keys() if exists else set()
    return {
        "StackName": name,
        "TemplateBody": without_comments(template),
        "Capabilities": ["CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"],
        "Tags": [{"Key": key, "Value": value} for key, value in tags(given["Stage"]).items()],
        "Parameters": [
            *({"ParameterKey": key, "ParameterValue": value} for key, value in given.items()),
            *({"ParameterKey": key, "UsePreviousValue": True} for key in sorted(kept)),
        ],
    }


def without_comments(template: str) -> str:
    """A template without blank lines and lines of comments: a request may hold 51,200 bytes of it."""
    lines = template.splitlines(keepends=True)
    return "".join(line for line in lines if line.strip() and not line.lstrip().startswith("#"))


def tags(stage: str) -> dict[str, str]:
    """The tags of every resource, by which costs and permissions can be told apart."""
    return {"application": "negatoscope", "stage": stage}


def kept_parameters(name: str, template: str) -> set[str]:
    """Names of the parameters of a stack that somebody has set, and that a template declares.

    CloudFormation would reset them if an update left them out. Those that have the default of the deployed
    template get the default of the new one, or no stack would ever get a newer image.
    """
    found, before = outputs(name), parameter_defaults(StackName=name)
    declared = parameter_defaults(TemplateBody=without_comments(template))
    return {key for key in declared.keys() & found.keys() if found[key] != before.get(key)}


def parameter_defaults(**template: str) -> dict[str, str | None]:
    """The defaults of the parameters that a template declares; None for those without one."""
    summary = boto3.client("cloudformation").get_template_summary(**template)
    return {one["ParameterKey"]: one.get("DefaultValue") for one in summary.get("Parameters", ())}


def continue_rollback(name: str) -> None:
    """Finish the rollback of an update, whose cause has been removed meanwhile.

    Raises:
        DeployError: with the reasons, if it fails again.
    """
    boto3.client("cloudformation").continue_update_rollback(StackName=name)
    try:
        wait_for_stack("stack_rollback_complete", name)
    except DeployError as error:
        raise DeployError(
            f"{error}\nThis was the rollback of an earlier update. If these resources cannot be rolled back, "
            f"leave them out: aws cloudformation continue-update-rollback --stack-name {name} "
            "--resources-to-skip NAMES, and then repeat the command, which updates them."
        ) from error


def delete_stack(name: str) -> None:
    """Delete a stack if it exists, even if it is protected; resources that its template retains stay."""
    if settled_status(name) is None:
        return
    cloudformation = boto3.client("cloudformation")
    cloudformation.update_termination_protection(StackName=name, EnableTerminationProtection=False)
    cloudformation.delete_stack(StackName=name)
    wait_for_stack("stack_delete_complete", name)


def outputs(name: str) -> dict[str, str]:
    """Outputs and parameters of an existing stack, by name."""
    stack = boto3.client("cloudformation").describe_stacks(StackName=name)["Stacks"][0]
    return {
        **{output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", ())},
        **{
            parameter["ParameterKey"]: parameter["ParameterValue"]
            for parameter in stack.get("Parameters", ())
        },
    }


def resources(name: str) -> dict[str, str]:
    """Physical ids of the resources that a stack has, by logical id; empty if the stack does not exist.

    CloudFormation also lists those that a failed creation or deletion has deleted, or never made.
    """
    if stack_status(name) is None:
        return {}
    pages = boto3.client("cloudformation").get_paginator("list_stack_resources").paginate(StackName=name)
    return {
        one["LogicalResourceId"]: one["PhysicalResourceId"]
        for page in pages
        for one in page["StackResourceSummaries"]
        if one.get("PhysicalResourceId") and one.get("ResourceStatus") != "DELETE_COMPLETE"
    }


def settled_status(name: str) -> str | None:
    """Wait for the end of any operation on the stack, and return its status; None if it does not exist.

    Raises:
        DeployError: if the operation does not end.
    """
    deadline = time.monotonic() + MAX_WAIT
    while (status := stack_status(name)) and status.endswith("_IN_PROGRESS") and status not in UNFINISHED:
        if time.monotonic() > deadline:
            raise DeployError(
                f"Stack {name} is still {status}. CloudFormation's console says what it waits for; "
                "the update can be cancelled there."
            )
        time.sleep(PAUSE)
    return status


def stack_status(name: str) -> str | None:
    """The status of the stack; None if it does not exist."""
    try:
        stacks = boto3.client("cloudformation").describe_stacks(StackName=name)["Stacks"]
    except ClientError as error:
        if "does not exist" in str(error):
            return None
        raise
    return str(stacks[0]["StackStatus"])


def start_update(request: dict[str, Any]) -> bool:
    """Start a stack update; False if there is nothing to update."""
    try:
        boto3.client("cloudformation").update_stack(**request)
    except ClientError as error:
        if "No updates are to be performed" in str(error):
            return False
        raise
    return True


def wait_for_stack(waiter: str, name: str) -> None:
    """Wait for the end of a stack operation; raise DeployError with the reasons if it fails."""
    cloudformation = boto3.client("cloudformation")
    try:
        cloudformation.get_waiter(waiter).wait(
            StackName=name, WaiterConfig={"Delay": PAUSE, "MaxAttempts": MAX_WAIT // PAUSE}
        )
    except WaiterError as error:
        reasons = stack_failures.reasons(name) or str(error)
        text = "\n".join(filter(None, (reasons, stack_failures.advice(reasons))))
        raise DeployError(f"Stack {name} failed:\n{text}") from error

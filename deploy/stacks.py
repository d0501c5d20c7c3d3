"""Creates, updates and deletes CloudFormation stacks."""

import time
from collections.abc import Iterator, Mapping
from typing import Any

import boto3
from botocore.exceptions import ClientError, WaiterError

PAUSE = 2
"""Seconds between two requests for the status of a stack."""
UNFINISHED = ("CREATE_FAILED", "DELETE_FAILED", "ROLLBACK_COMPLETE", "ROLLBACK_FAILED")
"""States in which a stack can only be deleted: its creation or its deletion failed."""


class DeployError(Exception):
    """The deployment failed; the message is for the user."""


def put_stack(
    name: str, template: str, parameters: Mapping[str, str | None], *, protected: bool
) -> dict[str, str]:
    """Create or update a stack, wait until it is complete, and return its outputs and parameters.

    Args:
        name: of the stack.
        template: its text.
        parameters: by name. None keeps the value of an existing stack; in a new stack it means the template's
            default.
        protected: whether a new stack has termination protection.

    Raises:
        DeployError: with the reasons, if CloudFormation could not create or update the stack.
    """
    cloudformation = boto3.client("cloudformation")
    status = settled_status(name)
    if status in UNFINISHED:
        delete_stack(name)
        status = None
    known = outputs(name) if status else {}
    request = {
        "StackName": name,
        "TemplateBody": template,
        "Capabilities": ["CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"],
        "Parameters": [
            {"ParameterKey": key, "UsePreviousValue": True}
            if value is None
            else {"ParameterKey": key, "ParameterValue": value}
            for key, value in parameters.items()
            if value is not None or key in known
        ],
    }
    if status is None:
        cloudformation.create_stack(**request, EnableTerminationProtection=protected)
        wait_for_stack("stack_create_complete", name)
    elif start_update(request):
        wait_for_stack("stack_update_complete", name)
    return outputs(name)


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
    """Physical ids of a stack's resources, by logical id; empty if the stack does not exist."""
    if stack_status(name) is None:
        return {}
    pages = boto3.client("cloudformation").get_paginator("list_stack_resources").paginate(StackName=name)
    return {
        one["LogicalResourceId"]: one["PhysicalResourceId"]
        for page in pages
        for one in page["StackResourceSummaries"]
        if "PhysicalResourceId" in one
    }


def settled_status(name: str) -> str | None:
    """Wait for the end of any operation on the stack, and return its status; None if it does not exist."""
    while (status := stack_status(name)) and status.endswith("_IN_PROGRESS"):
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
            StackName=name, WaiterConfig={"Delay": PAUSE, "MaxAttempts": 900}
        )
    except WaiterError as error:
        reasons = "\n".join([*failure_reasons(name)] or [*resource_failures(name)]) or str(error)
        raise DeployError(f"Stack {name} failed:\n{reasons}") from error


def failure_reasons(name: str) -> Iterator[str]:
    """Why the last operation on the stack failed: resources with their reasons, newest first."""
    paginator = boto3.client("cloudformation").get_paginator("describe_events")
    pages = paginator.paginate(StackName=name, Filters={"FailedEvents": True})
    operation = None
    for event in (event for page in pages for event in page["OperationEvents"]):
        operation = operation or event["OperationId"]
        reason = event.get("ResourceStatusReason") or event.get("ValidationStatusReason")
        if event["OperationId"] == operation and reason:
            yield f"  {event['LogicalResourceId']}: {reason}"


def resource_failures(name: str) -> Iterator[str]:
    """The same from the events of resources, for emulators without failed operations."""
    pages = boto3.client("cloudformation").get_paginator("describe_stack_events").paginate(StackName=name)
    for event in (event for page in pages for event in page["StackEvents"]):
        status, of_stack = event["ResourceStatus"], event["PhysicalResourceId"] == event["StackId"]
        if of_stack and status in ("CREATE_IN_PROGRESS", "UPDATE_IN_PROGRESS", "DELETE_IN_PROGRESS"):
            return
        if not of_stack and status.endswith("_FAILED"):
            yield f"  {event['LogicalResourceId']}: {event.get('ResourceStatusReason')}"

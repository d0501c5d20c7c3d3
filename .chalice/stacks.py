"""CloudFormation stacks, created or updated as need be."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import ClientError, WaiterError


class DeployError(Exception):
    """Why the deployment stopped, in words for the person who started it."""


def put_stack(
    name: str, template: Path, parameters: Mapping[str, str | None], *, protected: bool
) -> dict[str, str]:
    """Create or update a stack, wait until it stands, and return its outputs and parameters.

    Args:
        name: of the stack.
        template: its file.
        parameters: by name; None keeps the value that an existing stack has, and else means "".
        protected: whether a new stack can be deleted only after somebody has allowed it.

    Raises:
        DeployError: with the reasons, if the stack cannot be what the template says.
    """
    cloudformation = boto3.client("cloudformation")
    status = stack_status(name)
    if status == "ROLLBACK_COMPLETE":  # a first creation that failed leaves a stack that can only be deleted
        cloudformation.delete_stack(StackName=name)
        cloudformation.get_waiter("stack_delete_complete").wait(StackName=name, WaiterConfig={"Delay": 2})
        status = None
    request = {
        "StackName": name,
        "TemplateBody": template.read_text(),
        "Capabilities": ["CAPABILITY_NAMED_IAM"],
        "Parameters": [
            _parameter(key, value, exists=status is not None) for key, value in parameters.items()
        ],
    }
    if status is None:
        cloudformation.create_stack(**request, EnableTerminationProtection=protected)
        wait_for_stack("stack_create_complete", name)
    elif start_update(request):
        wait_for_stack("stack_update_complete", name)
    stack = cloudformation.describe_stacks(StackName=name)["Stacks"][0]
    return {
        **{output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]},
        **{parameter["ParameterKey"]: parameter["ParameterValue"] for parameter in stack["Parameters"]},
    }


def _parameter(key: str, value: str | None, *, exists: bool) -> dict[str, Any]:
    if value is None and exists:
        return {"ParameterKey": key, "UsePreviousValue": True}
    return {"ParameterKey": key, "ParameterValue": value or ""}


def stack_status(name: str) -> str | None:
    """The status of the stack, None where there is none."""
    try:
        stacks = boto3.client("cloudformation").describe_stacks(StackName=name)["Stacks"]
    except ClientError as error:
        if "does not exist" in str(error):
            return None
        raise
    return str(stacks[0]["StackStatus"])


def start_update(request: dict[str, Any]) -> bool:
    """Start a stack update; False where nothing differs."""
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
        cloudformation.get_waiter(waiter).wait(StackName=name, WaiterConfig={"Delay": 2, "MaxAttempts": 900})
    except WaiterError as error:
        reasons = "\n".join(failure_reasons(name)) or str(error)
        raise DeployError(f"Stack {name} failed:\n{reasons}") from error


def failure_reasons(name: str) -> Iterator[str]:
    """Which resources the last operation on the stack failed on, and why, newest first."""
    failed = boto3.client("cloudformation").describe_events(StackName=name, Filters={"FailedEvents": True})
    operation = None
    for event in failed["OperationEvents"]:
        operation = operation or event["OperationId"]
        reason = event.get("ResourceStatusReason") or event.get("ValidationStatusReason")
        if event["OperationId"] == operation and reason:
            yield f"  {event['LogicalResourceId']}: {reason}"

"""Why an operation on a CloudFormation stack failed."""

from collections.abc import Iterator

import boto3

_OF_A_NEW_ROLE = (
    "authorized to access the Log Destination",
    "authorized to assume the provided role",
    "authorized to create managed-rule",
    "to assume the role",
)
"""What Step Functions and EventBridge Scheduler answer to a role that IAM has created a moment ago."""


def reasons(name: str) -> str:
    """Why the last operation on the stack failed, one reason a line; empty if nothing says."""
    return "\n".join([*operation_failures(name)] or [*resource_failures(name)])


def operation_failures(name: str) -> Iterator[str]:
    """Failures of the last operation on the stack: resources with their reasons, newest first."""
    paginator = boto3.client("cloudformation").get_paginator("describe_events")
    pages = paginator.paginate(StackName=name, Filters={"FailedEvents": True})
    operation = None
    for event in (event for page in pages for event in page["OperationEvents"]):
        operation = operation or event["OperationId"]
        reason = event.get("ResourceStatusReason") or event.get("ValidationStatusReason")
        if event["OperationId"] == operation and reason:
            # Failures of the operation itself name no resource.
            yield f"  {event.get('LogicalResourceId', name)}: {reason}"


def resource_failures(name: str) -> Iterator[str]:
    """The same from the events of resources, for emulators without failed operations."""
    pages = boto3.client("cloudformation").get_paginator("describe_stack_events").paginate(StackName=name)
    for event in (event for page in pages for event in page["StackEvents"]):
        status, of_stack = event["ResourceStatus"], event["PhysicalResourceId"] == event["StackId"]
        if of_stack and status in ("CREATE_IN_PROGRESS", "UPDATE_IN_PROGRESS", "DELETE_IN_PROGRESS"):
            return
        if not of_stack and status.endswith("_FAILED"):
            yield f"  {event['LogicalResourceId']}: {event.get('ResourceStatusReason')}"


def advice(reasons: str) -> str:
    """What to do about a failure that only a person can remove; empty if nothing is known about it."""
    # CloudFront's answer to accounts that are some hours old.
    if "must be verified" in reasons:
        return (
            "AWS has to verify a new account before it may use CloudFront. Open a case with AWS Support "
            "(Account and billing), quote the message above, and repeat the command afterwards. Until then "
            "the API works, and images in the bucket's inbox are classified; only the page is missing."
        )
    return ""


def is_temporary(reasons: str) -> bool:
    """Whether a repetition can succeed: a service has not learnt of a role, or its rights, yet."""
    return any(sign in reasons for sign in _OF_A_NEW_ROLE)

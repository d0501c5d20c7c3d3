"""What an update of a CloudFormation stack would change: a change set that is never executed."""

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import boto3

from deploy import stacks
from deploy.stacks import DeployError

MAX_WAIT = 300.0
"""Seconds after which a change set counts as stuck."""
WITHOUT_CHANGES = ("didn't contain changes", "No updates are to be performed")
"""In the reason of a change set that fails because it is empty."""
SIGNS = {"Add": "+", "Remove": "-", "Modify": "~"}


@dataclass(frozen=True)
class Change:
    """What happens to one resource."""

    sign: str
    """+ created, - deleted, ~ changed, ? only known when it happens."""
    resource: str
    """Its logical id."""
    kind: str
    """Its type."""
    properties: tuple[str, ...]
    """Names of those that change, or what else changes, such as its tags."""
    replaced: bool | None
    """Whether another resource takes its place; None if that is only known when it happens."""

    def __str__(self) -> str:
        changed = f": {', '.join(self.properties)}" if self.properties else ""
        fate = {True: " (REPLACED)", None: " (perhaps replaced)", False: ""}[self.replaced]
        return f"{self.sign} {self.kind} {self.resource}{changed}{fate}"


def changes(name: str, template: str, parameters: Mapping[str, str | None]) -> list[Change]:
    """What `stacks.put_stack` would change in a stack that exists.

    Raises:
        DeployError: if CloudFormation cannot tell, with its reason.
    """
    cloudformation = boto3.client("cloudformation")
    named = {"StackName": name, "ChangeSetName": f"diff-{uuid4().hex}"}
    request = stacks.stack_request(name, template, parameters, exists=True)
    cloudformation.create_change_set(**(request | named), ChangeSetType="UPDATE")
    try:
        return list(_read(cloudformation, named)) if _settled(cloudformation, named) else []
    finally:
        cloudformation.delete_change_set(**named)


def _settled(cloudformation: Any, named: Mapping[str, str]) -> bool:
    """Wait until CloudFormation has made the change set; False if there is nothing in it."""
    deadline = time.monotonic() + MAX_WAIT
    while (found := cloudformation.describe_change_set(**named))["Status"].endswith(
        ("_PENDING", "_IN_PROGRESS")
    ):
        if time.monotonic() > deadline:
            raise DeployError(f"CloudFormation has not made a change set of {named['StackName']} in time.")
        time.sleep(stacks.PAUSE)
    reason = found.get("StatusReason", "")
    if found["Status"] == "FAILED" and not any(text in reason for text in WITHOUT_CHANGES):
        raise DeployError(f"CloudFormation cannot make a change set of {named['StackName']}: {reason}")
    return bool(found["Status"] != "FAILED")


def _read(cloudformation: Any, named: Mapping[str, str]) -> Iterator[Change]:
    for page in cloudformation.get_paginator("describe_change_set").paginate(**named):
        for one in page["Changes"]:
            change = one["ResourceChange"]
            yield Change(
                SIGNS.get(change["Action"], "?"),
                change["LogicalResourceId"],
                change["ResourceType"],
                tuple(sorted(set(_properties(change)))),
                {"True": True, "Conditional": None}.get(change.get("Replacement", "False"), False),
            )


def _properties(change: Mapping[str, Any]) -> Iterator[str]:
    for detail in change.get("Details", ()):
        target = detail["Target"]
        yield target["Name"] if target.get("Name") else target["Attribute"].lower()

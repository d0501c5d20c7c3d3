"""CloudFormation of the emulator.

ministack forgets a table's time to live, so that its items would never expire, and does not know that login
pages can be given a look.
"""

import functools
from collections.abc import Callable
from typing import Any

from ministack.services import dynamodb
from ministack.services.cloudformation import provisioners

from local.aws import patching

Provisioned = tuple[str, dict[str, Any]]


def install() -> None:
    """Apply TimeToLiveSpecification of every table, and take looks of login pages."""
    _add_branding()
    handlers = patching.existing(provisioners, "_RESOURCE_HANDLERS")["AWS::DynamoDB::Table"]
    create, update = handlers["create"], handlers["update"]

    @functools.wraps(create)
    def create_table(logical_id: str, properties: dict[str, Any], stack: str) -> Provisioned:
        table, attributes = create(logical_id, properties, stack)
        _apply_time_to_live(table, properties)
        return table, attributes

    @functools.wraps(update)
    def update_table(
        physical_id: str, old: dict[str, Any], new: dict[str, Any], stack: str, *rest: Any, **named: Any
    ) -> Provisioned:
        table, attributes = update(physical_id, old, new, stack, *rest, **named)
        if old.get("TimeToLiveSpecification") != new.get("TimeToLiveSpecification"):
            _apply_time_to_live(table, new)
        return table, attributes

    handlers.update(create=create_table, update=update_table)


def _add_branding() -> None:
    """The look of a login page: Cognito asks for one, even if it is its own; here there is only one look."""
    known = patching.existing(provisioners, "_RESOURCE_HANDLERS")

    def create(logical_id: str, properties: dict[str, Any], stack: str) -> Provisioned:
        return f"{properties['UserPoolId']}|{stack}-{logical_id}", {}

    def update(physical_id: str, *_changes: Any, **_named: Any) -> Provisioned:
        return physical_id, {}

    def delete(_physical_id: str, _properties: dict[str, Any]) -> None:
        """Nothing is left of it."""

    known["AWS::Cognito::ManagedLoginBranding"] = {"create": create, "update": update, "delete": delete}


def _apply_time_to_live(table: str, properties: dict[str, Any]) -> None:
    update_ttl: Callable[[dict[str, Any]], Any] = patching.existing(dynamodb, "_update_ttl")
    if "TimeToLiveSpecification" in properties:
        update_ttl({"TableName": table, "TimeToLiveSpecification": properties["TimeToLiveSpecification"]})

"""CloudFormation of the emulator: ministack forgets a table's time to live: its items would never expire."""

import functools
from collections.abc import Callable
from typing import Any

from ministack.services import dynamodb
from ministack.services.cloudformation import provisioners

from local import patching

Provisioned = tuple[str, dict[str, Any]]


def install() -> None:
    """Apply TimeToLiveSpecification wherever a stack creates or updates a table."""
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


def _apply_time_to_live(table: str, properties: dict[str, Any]) -> None:
    update_ttl: Callable[[dict[str, Any]], Any] = patching.existing(dynamodb, "_update_ttl")
    if "TimeToLiveSpecification" in properties:
        update_ttl({"TableName": table, "TimeToLiveSpecification": properties["TimeToLiveSpecification"]})

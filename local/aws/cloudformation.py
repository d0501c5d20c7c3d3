"""CloudFormation of the emulator: resources and properties that ministack does not support.

- `TimeToLiveSpecification` of tables is ignored, so items would never expire. Can go when
  tests/stack/test_deploy.py passes without it.
- `AWS::Cognito::ManagedLoginBranding` is unknown, so a stage could not be deployed. Can go when ministack
  accepts the type.
- `AWS::CloudTrail::Trail` is unknown, although there are trails. Can go when ministack accepts the type.
"""

import functools
from collections.abc import Callable
from typing import Any

from ministack.services import cloudtrail, dynamodb
from ministack.services.cloudformation import provisioners

from local.aws import patching

Provisioned = tuple[str, dict[str, Any]]


def install() -> None:
    """Apply the patches."""
    _add_branding()
    _add_trails()
    handlers = patching.existing(provisioners, "_RESOURCE_HANDLERS")["AWS::DynamoDB::Table"]
    create = handlers["create"]

    @functools.wraps(create)
    def create_table(logical_id: str, properties: dict[str, Any], stack: str) -> Provisioned:
        table, attributes = create(logical_id, properties, stack)
        _apply_time_to_live(table, properties)
        return table, attributes

    handlers["create"] = create_table


def _add_branding() -> None:
    """Accept the branding that Cognito's managed login requires. The emulator's login page has one look."""
    known = patching.existing(provisioners, "_RESOURCE_HANDLERS")

    def create(logical_id: str, properties: dict[str, Any], stack: str) -> Provisioned:
        return f"{properties['UserPoolId']}|{stack}-{logical_id}", {}

    def update(physical_id: str, *_changes: Any, **_named: Any) -> Provisioned:
        return physical_id, {}

    def delete(_physical_id: str, _properties: dict[str, Any]) -> None:
        """Nothing to delete."""

    known["AWS::Cognito::ManagedLoginBranding"] = {"create": create, "update": update, "delete": delete}


def _add_trails() -> None:
    """Accept trails of CloudTrail. They record nothing."""
    known = patching.existing(provisioners, "_RESOURCE_HANDLERS")
    make, remove, select, start = (
        patching.existing(cloudtrail, name)
        for name in ("_create_trail", "_delete_trail", "_put_event_selectors", "_start_logging")
    )

    def create(_logical_id: str, properties: dict[str, Any], _stack: str) -> Provisioned:
        name = properties["TrailName"]
        trail = {**properties, "Name": name, "KmsKeyId": properties["KMSKeyId"]}
        for operation, request in ((make, trail), (select, trail), (start, {"Name": name})):
            status, _, body = operation(request)
            if status >= 400:
                raise ValueError(body)
        return name, {}

    def delete(physical_id: str, _properties: dict[str, Any]) -> None:
        remove({"Name": physical_id})

    known["AWS::CloudTrail::Trail"] = {"create": create, "delete": delete}


def _apply_time_to_live(table: str, properties: dict[str, Any]) -> None:
    update_ttl: Callable[[dict[str, Any]], Any] = patching.existing(dynamodb, "_update_ttl")
    if "TimeToLiveSpecification" in properties:
        update_ttl({"TableName": table, "TimeToLiveSpecification": properties["TimeToLiveSpecification"]})

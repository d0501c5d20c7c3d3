"""What DynamoDB keeps and hands out, as the JSON values that the rest of the application knows."""

import base64
import json
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from chalicelib.errors import InvalidRequest

Key = dict[str, str]
"""Where an item stands in an index: its key and the table's."""

_KEY_VALUE = re.compile(r"[ -~]{1,255}")
"""DynamoDB refuses empty keys; those of this application are ASCII."""


def to_item(values: Mapping[str, Any]) -> dict[str, Any]:
    """JSON values as DynamoDB takes them: it knows decimals, and no float."""
    item: dict[str, Any] = json.loads(json.dumps(values), parse_float=Decimal)
    return item


def from_item(item: Mapping[str, Any], *hidden: str) -> dict[str, Any]:
    """The JSON values of an item, without those that are `hidden`."""
    return {name: _json_value(value) for name, value in item.items() if name not in hidden}


def to_cursor(key: Mapping[str, str]) -> str:
    """The key at which a page ends, as the API hands it out."""
    return base64.urlsafe_b64encode(json.dumps(dict(key)).encode()).decode()


def from_cursor(cursor: str) -> Key:
    """The key of a cursor. Which list it is of, the list itself has to check.

    Raises:
        InvalidRequest: if it is no cursor.
    """
    try:
        key = json.loads(base64.urlsafe_b64decode(cursor))
    except (ValueError, RecursionError):
        raise foreign_cursor() from None
    if isinstance(key, dict) and all(
        isinstance(value, str) and _KEY_VALUE.fullmatch(value) for value in key.values()
    ):
        return key
    raise foreign_cursor()


def foreign_cursor() -> InvalidRequest:
    """What to answer to a cursor that this list did not give out."""
    return InvalidRequest("'cursor' is not one that this list gave out. Start again without it.")


def _json_value(value: Any) -> Any:
    """`value` without decimals. Exports spend most of their time here."""
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, dict):
        return {name: _json_value(member) for name, member in value.items()}
    if isinstance(value, list):
        return [_json_value(member) for member in value]
    if value is None or isinstance(value, str | bool | int | float):
        return value
    raise TypeError(f"{type(value).__name__} in an item")

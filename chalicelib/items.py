"""What DynamoDB keeps and hands out, as the JSON values that the rest of the application knows."""

import base64
import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from chalicelib.errors import InvalidRequest

Key = dict[str, str]
"""Where an item stands in an index: its key and the table's."""


def to_item(values: Mapping[str, Any]) -> dict[str, Any]:
    """JSON values as DynamoDB takes them: it knows decimals, and no float."""
    item: dict[str, Any] = json.loads(json.dumps(values), parse_float=Decimal)
    return item


def from_item(item: Mapping[str, Any], *hidden: str) -> dict[str, Any]:
    """The JSON values of an item, without those that are `hidden`."""
    kept = {name: value for name, value in item.items() if name not in hidden}
    values: dict[str, Any] = json.loads(json.dumps(kept, default=_number))
    return values


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
    except ValueError:
        raise foreign_cursor() from None
    if isinstance(key, dict) and all(isinstance(value, str) for value in key.values()):
        return key
    raise foreign_cursor()


def foreign_cursor() -> InvalidRequest:
    """What to answer to a cursor that this list did not give out."""
    return InvalidRequest("'cursor' is not one that this list gave out. Start again without it.")


def _number(value: object) -> float | int:
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    raise TypeError(f"{type(value).__name__} in an item")

"""Converts between JSON values and items of DynamoDB."""

import base64
import json
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from chalicelib.errors import InvalidRequest

Key = Mapping[str, str | Decimal]
"""The key of an item in an index, with its key in the table."""

EVERYTHING = "all"
"""Value of the attribute `listing` of every item, so that one partition of an index lists them all.

A partition takes 1,000 writes a second; `results.sharding` spreads results over more.
"""

_KEY_VALUE = re.compile(r"[ -~]{1,255}")
"""DynamoDB refuses empty keys; this application's keys are ASCII."""


def to_item(values: Mapping[str, Any]) -> dict[str, Any]:
    """JSON values as a DynamoDB item, which holds decimals instead of floats."""
    item: dict[str, Any] = json.loads(json.dumps(values), parse_float=Decimal)
    return item


def from_item(item: Mapping[str, Any], *hidden: str) -> dict[str, Any]:
    """The JSON values of an item, without the `hidden` attributes."""
    return {name: _json_value(value) for name, value in item.items() if name not in hidden}


def to_cursor(key: Key) -> str:
    """The cursor for the key at which a page ends."""
    texts = {name: str(value) for name, value in key.items()}
    return base64.urlsafe_b64encode(json.dumps(texts).encode()).decode()


def from_cursor(cursor: str) -> dict[str, str]:
    """The key of a cursor, with numbers as text. The caller must check that it belongs to its list.

    Raises:
        InvalidRequest: if it is not a cursor.
    """
    try:
        key = json.loads(base64.urlsafe_b64decode(cursor))
    except (ValueError, RecursionError):
        raise invalid_cursor() from None
    if isinstance(key, dict) and all(
        isinstance(value, str) and _KEY_VALUE.fullmatch(value) for value in key.values()
    ):
        return key
    raise invalid_cursor()


def invalid_cursor() -> InvalidRequest:
    """The error for a cursor that is not from this list."""
    return InvalidRequest("'cursor' is not from this list. Start again without it.")


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

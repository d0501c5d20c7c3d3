"""The results in a table that DynamoDB has exported to S3, in its format DYNAMODB_JSON.

Each line of its files holds one item: `{"Item": {"id": {"S": "…"}, …}}` (DynamoDB developer guide, "DynamoDB
table export output format").
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from chalicelib.exports.columns import ATTRIBUTES
from chalicelib.exports.matching import matches
from chalicelib.results.result_document import ListedResult
from chalicelib.results.selection import Selection
from chalicelib.results.table_item import HIDDEN_SHELF, has_expired, listed_result

_NEEDED = {*ATTRIBUTES, "expires_at"}
"""Heat maps, which are most of an item, are not read."""


def results(lines: Iterable[str | bytes], selection: Selection) -> Iterator[ListedResult]:
    """The results of a selection, in the order of the lines.

    Raises:
        ValueError: if a line is not what DynamoDB writes.
    """
    wanted = HIDDEN_SHELF if selection.hidden else ""
    for line in lines:
        item = _item(line)
        # As in lists: places of uploads that have expired have no result, nor have deleted ones.
        if "status" not in item or has_expired(item) or _shelf(item) != wanted:
            continue
        result = listed_result(item)
        if matches(selection, result):
            yield result


def _shelf(item: Mapping[str, str]) -> str:
    """The part of `task` before its name, which hidden and deleted results have."""
    return item["task"][: item["task"].rfind("/") + 1]


def _item(line: str | bytes) -> dict[str, Any]:
    try:
        typed = json.loads(line)["Item"]
        return {name: _value(value) for name, value in typed.items() if name in _NEEDED}
    except (KeyError, TypeError, AttributeError):
        raise ValueError("A line of the exported table is not an item.") from None


def _value(typed: Mapping[str, Any]) -> Any:
    """The JSON value of an attribute: `{"N": "0.5"}` is 0.5."""
    ((kind, value),) = typed.items()
    match kind:
        case "S" | "BOOL":
            return value
        case "N":
            return _number(value)
        case "NULL":
            return None
        case "M":
            return {name: _value(member) for name, member in value.items()}
        case "L":
            return [_value(member) for member in value]
    raise ValueError(f"An attribute of the exported table has the type {kind}.")


def _number(text: str) -> float:
    """An int if it is whole, as `from_item` makes it."""
    number = float(text)
    return int(number) if number.is_integer() else number

"""JSON values, items and cursors."""

import base64
import json
from decimal import Decimal

import pytest

from chalicelib.errors import InvalidRequest
from chalicelib.storage.items import from_cursor, from_item, to_cursor, to_item

VALUES = {
    "text": "é",
    "whole": 3,
    "share": 0.1,
    "none": None,
    "flag": True,
    "list": [1, [0.25], {"a": -1e-7}],
    "nested": {"b": {"c": []}},
}


def test_values_survive_an_item() -> None:
    item = to_item(VALUES)
    assert item["share"] == Decimal("0.1")
    assert from_item(item) == VALUES


def test_flag_stays_a_flag() -> None:
    """True equals 1, so comparing values does not show this."""
    assert from_item(to_item({"flag": True}))["flag"] is True


def test_integral_decimal_becomes_an_int() -> None:
    found = from_item({"a": Decimal("3.0"), "b": Decimal("1E+2"), "c": Decimal("0.5")})
    assert [(value, type(value)) for value in found.values()] == [(3, int), (100, int), (0.5, float)]


def test_hidden_attributes_are_left_out() -> None:
    assert from_item({"a": 1, "b": 2, "c": 3}, "b", "missing") == {"a": 1, "c": 3}


def test_other_types_are_a_mistake() -> None:
    with pytest.raises(TypeError, match="set in an item"):
        from_item({"a": {1, 2}})


def test_cursor_returns_its_key() -> None:
    key = {"id": "1" * 32, "created_at": "2026-01-01T00:00:00.000000Z"}
    assert from_cursor(to_cursor(key)) == key
    assert to_cursor(key).isascii()


@pytest.mark.parametrize(
    "content",
    ["[]", "null", '"text"', '{"id": 1}', '{"id": ""}', '{"id": "é"}', '{"id": "a\\nb"}', "{", "[" * 2000,
     json.dumps({"id": "x" * 256})],
)  # fmt: skip
def test_cursor_with_other_content_is_refused(content: str) -> None:
    with pytest.raises(InvalidRequest, match="'cursor' is not from this list"):
        from_cursor(base64.urlsafe_b64encode(content.encode()).decode())


@pytest.mark.parametrize("cursor", ["", "a", "é", "%%%", "////"])
def test_text_that_is_not_a_cursor_is_refused(cursor: str) -> None:
    with pytest.raises(InvalidRequest):
        from_cursor(cursor)

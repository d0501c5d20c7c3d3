"""Values of query and path parameters."""

import pytest

from chalicelib.api.parameters import (
    PATH_PARAMETERS,
    BoolParameter,
    DatetimeParameter,
    EnumParameter,
    IntParameter,
    StrParameter,
)
from chalicelib.errors import InvalidRequest
from chalicelib.limits import Range

TEXT = StrParameter("name", 3, "A name.")
NUMBER = IntParameter("limit", Range(1, 200, 50), "A number.")
ORDER = EnumParameter("order", ("newest", "oldest"), "An order.", "newest")
FLAG = BoolParameter("reviewed", "A flag.")
TIME = DatetimeParameter("from", "A time.")


def test_absent_parameter_has_its_default() -> None:
    assert TEXT.read({}) is None
    assert NUMBER.read({}) == 50
    assert ORDER.read({}) == "newest"
    assert FLAG.read({}) is None
    assert TIME.read({}) is None
    with pytest.raises(InvalidRequest, match="'name' is missing"):
        TEXT.read_required({})


@pytest.mark.parametrize("value", ["", "  ", "abcd", "a\x00"])
def test_text_that_is_blank_long_or_has_control_characters_is_refused(value: str) -> None:
    with pytest.raises(InvalidRequest, match="'name'"):
        TEXT.read({"name": value})


@pytest.mark.parametrize(("value", "number"), [("1", 1), ("200", 200), ("007", 7)])
def test_number_within_the_range_is_read(value: str, number: int) -> None:
    assert NUMBER.read({"limit": value}) == number


@pytest.mark.parametrize("value", ["0", "201", "-1", "", "1.0", " 1", "٥", "1" * 5000])
def test_number_out_of_range_or_in_another_notation_is_refused(value: str) -> None:
    with pytest.raises(InvalidRequest, match="'limit' must be a whole number from 1 to 200"):
        NUMBER.read({"limit": value})


@pytest.mark.parametrize("value", ["", "Newest", "newest "])
def test_other_words_are_refused(value: str) -> None:
    assert ORDER.read({"order": "oldest"}) == "oldest"
    with pytest.raises(InvalidRequest, match="'order' must be one of newest, oldest"):
        ORDER.read({"order": value})


def test_flag_is_true_or_false() -> None:
    assert (FLAG.read({"reviewed": "true"}), FLAG.read({"reviewed": "false"})) == (True, False)
    for value in ("True", "1", ""):
        with pytest.raises(InvalidRequest, match="'reviewed' must be one of true, false"):
            FLAG.read({"reviewed": value})


@pytest.mark.parametrize(
    ("value", "read"),
    [
        ("2026-11-21T00:00:00Z", "2026-11-21T00:00:00.000000Z"),
        ("2026-11-21T00:30:00.5+01:00", "2026-11-20T23:30:00.500000Z"),
        ("1970-01-01T00:00:00Z", "1970-01-01T00:00:00.000000Z"),
        ("2999-12-31T23:59:59.999999Z", "2999-12-31T23:59:59.999999Z"),
    ],
)
def test_time_is_read_in_utc(value: str, read: str) -> None:
    assert TIME.read({"from": value}) == read


@pytest.mark.parametrize(
    "value",
    ["", "2026-11-21", "2026-02-30T00:00:00Z", "1969-12-31T23:59:59Z", "3000-01-01T00:00:00Z",
     "1970-01-01T00:00:00+01:00", "0001-01-01T00:00:00+23:00", "9999-12-31T23:59:59-23:00"],
)  # fmt: skip
def test_time_that_does_not_exist_or_is_too_far_away_is_refused(value: str) -> None:
    with pytest.raises(InvalidRequest, match="'from' must be a time such as"):
        TIME.read({"from": value})


def test_path_parameter_is_checked_before_it_is_looked_up() -> None:
    task = PATH_PARAMETERS["task"]
    task.check("a" * 63)
    with pytest.raises(InvalidRequest, match="'task' in the path may have 63 characters, not 64"):
        task.check("a" * 64)
    for value in ("", "a/b", "a b", "é"):
        with pytest.raises(InvalidRequest, match="'task' in the path may hold letters"):
            task.check(value)

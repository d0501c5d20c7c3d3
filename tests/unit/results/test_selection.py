"""Filters of lists, and cursors."""

import pytest

from chalicelib.errors import InvalidRequest
from chalicelib.results.selection import Selection
from chalicelib.results.table import ResultsTable
from tests.unit.results.items import classified, ids, reviewed, second, walk

pytestmark = pytest.mark.usefixtures("cloud")


def test_filters_select_results(table: ResultsTable) -> None:
    for number in range(30):
        label = "left-cc" if number % 3 else "right-cc"
        table.finish(classified(number, label=label, needs_review=number % 2 == 0))
    want = [f"{number:032x}" for number in reversed(range(30)) if number % 3 == 0 and number % 2 == 0]
    assert walk(table, limit=2, label="right-cc", needs_review=True) == want
    assert len(walk(table, limit=4, needs_review=False)) == 15
    assert walk(table, label="no-such-label") == []


def test_status_and_review_are_filters(table: ResultsTable) -> None:
    for number in range(6):
        table.finish(classified(number, needs_review=True))
    table.finish(classified(6, status="quarantined", label=None))
    for number in (1, 4):
        table.end_change(reviewed(number), 1)
    assert walk(table, reviewed=True) == ids(4, 1)
    assert walk(table, reviewed=False, needs_review=True, status="classified") == ids(5, 3, 2, 0)
    assert walk(table, status="quarantined") == ids(6)
    table.end_change(classified(4, needs_review=True), 2)
    assert walk(table, reviewed=True) == ids(1)


@pytest.mark.parametrize("task", [None, "mammography-views"])
def test_times_limit_a_list_inclusively_and_exclusively(table: ResultsTable, task: str | None) -> None:
    for number in range(10):
        table.finish(classified(number))
    assert walk(table, limit=2, task=task, since=second(3), until=second(6)) == ids(5, 4, 3)
    assert walk(table, task=task, since=second(8)) == ids(9, 8)
    assert walk(table, task=task, until=second(2)) == ids(1, 0)


def test_oldest_first_reverses_the_order(table: ResultsTable) -> None:
    for number in range(5):
        table.finish(classified(number, label="left-cc" if number % 2 else "right-cc"))
    assert walk(table, limit=2, oldest_first=True) == ids(0, 1, 2, 3, 4)
    assert walk(table, limit=1, oldest_first=True, label="right-cc") == ids(0, 2, 4)


def test_cursor_of_another_selection_is_refused(table: ResultsTable) -> None:
    for number in range(5):
        table.finish(classified(number))
    (_, cursor) = table.page(Selection(), 2)
    with pytest.raises(InvalidRequest, match="cursor"):
        table.page(Selection(task="mammography-views"), 2, cursor)
    with pytest.raises(InvalidRequest, match="cursor"):
        table.page(Selection(until=second(2)), 2, cursor)


@pytest.mark.parametrize("cursor", ["nonsense", "bm9uc2Vuc2U=", "W10=", "e30=", "eyJpZCI6IDF9", "é"])
def test_foreign_cursor_is_refused(table: ResultsTable, cursor: str) -> None:
    with pytest.raises(InvalidRequest, match="cursor"):
        table.page(cursor=cursor)

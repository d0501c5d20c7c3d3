"""Filters of lists, and cursors."""

import pytest

from chalicelib.errors import InvalidRequest
from chalicelib.results import readings
from chalicelib.results.reading import Review
from chalicelib.results.result_document import Result, ResultModel
from chalicelib.results.selection import Selection
from chalicelib.results.table import ResultsTable
from chalicelib.storage.items import to_cursor
from tests.unit.results.items import classified, ids, receive, result, reviewed, second, walk

MODEL: ResultModel = {"version": "1", "sha256": None, "backend": "endpoint"}
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


def test_label_of_the_review_and_version_of_the_model_are_filters(table: ResultsTable) -> None:
    for number in range(4):
        table.finish(classified(number))
    table.end_change(reviewed(1), 1)
    table.end_change(reviewed(2) | {"model": MODEL}, 1)
    assert walk(table, reviewed_label="right-cc") == ids(2, 1)
    assert walk(table, reviewed_label="right-cc", label="left-cc", reviewed=True) == ids(2, 1)
    assert walk(table, reviewed_label="left-cc") == []
    assert walk(table, model="1") == ids(2)
    assert walk(table, model="2") == []


def read(number: int, *readers: str) -> Result:
    """A result that people read, each with another class."""
    result = classified(number)
    for label, reader in enumerate(readers):
        reading: Review = {
            "label": str(label),
            "comment": None,
            "reviewed_at": str(label),
            "reviewer": reader,
        }
        result = readings.add(result, reading, None, second=True)
    return result


def test_readers_are_filters(table: ResultsTable) -> None:
    for number, readers in enumerate([(), ("ada",), ("ada", "bob"), ("bob", "cid", "ada")]):
        table.finish(read(number, *readers))
    old = reviewed(4)
    for name in ("readings", "readers", "disagreement"):
        del old[name]  # type: ignore[misc]
    table.finish(old)

    assert walk(table, read_by="ada") == ids(3, 2, 1)
    assert walk(table, read_by="local") == ids(4)
    assert walk(table, not_read_by="ada") == ids(4, 0)
    assert walk(table, not_read_by="local", read_by="bob") == ids(3, 2)
    assert walk(table, min_readers=1) == ids(4, 3, 2, 1)
    assert walk(table, min_readers=2) == ids(3, 2)
    assert walk(table, min_readers=3, reviewed=True) == ids(3)
    assert walk(table, disagreement=True) == ids(3, 2)
    assert walk(table, disagreement=False) == ids(4, 1, 0)


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
    assert walk(table, limit=2, order="oldest") == ids(0, 1, 2, 3, 4)
    assert walk(table, limit=1, order="oldest", label="right-cc") == ids(0, 2, 4)


TASK = "mammography-views"


def test_orders_by_probability_list_classified_results_of_a_task(table: ResultsTable) -> None:
    for number, probability in enumerate((0.9, 0.25, 1.0, 0.25, 1e-5, 0.5)):
        table.finish(classified(number, probability=probability, needs_review=number < 3))
    table.finish(classified(6, task="chest-xray", probability=0.1))
    table.finish(classified(7, status="quarantined", label=None, probability=None))
    receive(table, result(8))
    ordered = walk(table, limit=2, task=TASK, order="least-sure")
    assert [ordered[0], {*ordered[1:3]}, *ordered[3:]] == [*ids(4), {*ids(1, 3)}, *ids(5, 0, 2)]
    assert walk(table, limit=1, task=TASK, order="most-sure", needs_review=True) == ids(2, 0, 1)
    between = {"since": second(1), "until": second(5)}
    assert {*walk(table, limit=1, task=TASK, order="least-sure", **between)} == {*ids(4, 1, 3, 2)}


def test_page_by_probability_goes_on_where_it_ended_while_results_arrive(table: ResultsTable) -> None:
    for number in range(4):
        table.finish(classified(number, probability=number / 10))
    selection = Selection(task=TASK, order="least-sure")
    first, cursor = table.page(selection, 2)
    for number, probability in ((4, 0.05), (5, 0.25)):
        table.finish(classified(number, probability=probability))
    second_page, _ = table.page(selection, 5, cursor)
    assert [entry["id"] for entry in first + second_page] == ids(0, 1, 2, 5, 3)


def test_search_looks_into_id_class_and_review(table: ResultsTable) -> None:
    said = {
        "label": "right-mlo",
        "comment": "Motion blur, Arzt Müller",
        "reviewer": "user-7",
        "reviewer_name": "Ada.Lovelace",
        "reviewed_at": "1",
    }
    table.finish(classified(0xABC))
    table.finish(classified(2, label="right-cc"))
    table.finish(classified(3, review=said))
    table.finish(classified(4, review=said | {"comment": None, "label": "left-cc"}))
    receive(table, result(5))
    for text, found in {
        "ABC": ids(0xABC),
        "Right CC": ids(2),
        "right mlo": ids(3),
        "MOTION": ids(3),
        "blur, arzt": [],
        "blur, Arzt Müller": ids(3),
        "user-7": ids(4, 3),
        "ada": ids(4, 3),
        "Ada.Lovelace": ids(4, 3),
        "nothing": [],
    }.items():
        assert walk(table, limit=1, search=text) == found, text
    assert walk(table, task=TASK, search="user-7", order="most-sure", label="left-cc") == ids(4, 3)


def test_cursor_of_another_selection_is_refused(table: ResultsTable) -> None:
    for number in range(5):
        table.finish(classified(number))
    (_, cursor) = table.page(Selection(), 2)
    with pytest.raises(InvalidRequest, match="cursor"):
        table.page(Selection(task="mammography-views"), 2, cursor)
    with pytest.raises(InvalidRequest, match="cursor"):
        table.page(Selection(until=second(2)), 2, cursor)
    with pytest.raises(InvalidRequest, match="cursor"):
        table.page(Selection(task=TASK, order="least-sure"), 2, cursor)


@pytest.mark.parametrize("probability", ["1.5", "-1", "NaN", "1e-400", "0." + "3" * 60, "x"])
def test_cursor_with_an_odd_probability_is_refused(table: ResultsTable, probability: str) -> None:
    cursor = to_cursor({"id": "0" * 32, "task": TASK, "indexed_probability": probability})
    with pytest.raises(InvalidRequest, match="cursor"):
        table.page(Selection(task=TASK, order="least-sure"), 2, cursor)


@pytest.mark.parametrize("cursor", ["nonsense", "bm9uc2Vuc2U=", "W10=", "e30=", "eyJpZCI6IDF9", "é"])
def test_foreign_cursor_is_refused(table: ResultsTable, cursor: str) -> None:
    with pytest.raises(InvalidRequest, match="cursor"):
        table.page(cursor=cursor)

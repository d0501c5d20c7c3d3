"""The results table, with its definition from the template."""

import time
from itertools import chain
from typing import cast

import boto3
import pytest

from chalicelib.errors import InvalidRequest, UnknownResult
from chalicelib.models.review_rule import Reason
from chalicelib.results import result_document, result_queries
from chalicelib.results.entry import Entry
from chalicelib.results.result_document import Result
from chalicelib.results.selection import Selection
from chalicelib.results.table import ResultsTable
from tests.stage import TABLE

pytestmark = pytest.mark.usefixtures("cloud")


@pytest.fixture
def table() -> ResultsTable:
    return ResultsTable(boto3.resource("dynamodb"), TABLE)


def result(number: int, **changes: object) -> Result:
    base = result_document.received(f"{number:032x}", "mammography-views", "api")
    return cast(Result, {**base, "created_at": f"2026-01-01T00:00:{number:09.6f}Z", **changes})


def classified(number: int, **changes: object) -> Result:
    answer = {
        "status": "classified",
        "label": "left-cc",
        "probability": 0.75,
        "heatmap": {"width": 1, "height": 1, "values": [0.125]},
    }
    return cast(Result, {**result(number), **answer, **changes})


REVIEW = {"label": "right-cc", "comment": None, "reviewed_at": "now", "reviewer": "local"}


def reviewed(number: int) -> Result:
    return classified(number, review=REVIEW, needs_review=True)


def receive(table: ResultsTable, received: Result) -> tuple[Entry, bool]:
    return table.receive(received, {"Records": []})


def raw(number: int) -> dict[str, object]:
    item: dict[str, object] = (
        boto3.resource("dynamodb").Table(TABLE).get_item(Key={"id": f"{number:032x}"})["Item"]
    )
    return item


def test_result_is_returned_as_stored(table: ResultsTable) -> None:
    stored = classified(1, probabilities={"left-cc": 0.75, "right-cc": 0.25}, probability=1.0)
    assert table.finish(stored)
    assert table.get(stored["id"]) == stored


def test_unknown_id_is_refused(table: ResultsTable) -> None:
    assert table.find("0" * 32) is None
    with pytest.raises(UnknownResult):
        table.get("0" * 32)


def test_second_arrival_finds_the_first_one(table: ResultsTable) -> None:
    first, second = result(1), result(1, created_at="2027-01-01T00:00:00.000000Z")
    entry, again = receive(table, first)
    assert (entry.result, again) == (first, False)
    entry, again = receive(table, second)
    assert (entry.result, again) == (first, True)


@pytest.mark.parametrize("status", ["classified", "quarantined"])
def test_arrival_after_the_end_returns_the_result(table: ResultsTable, status: str) -> None:
    table.finish(classified(1, status=status))
    entry, again = receive(table, result(1))
    assert (entry.finished, entry.result["status"], again) == (True, status, False)
    assert "unfinished" not in raw(1)


def test_announced_upload_expires_unless_it_arrives(table: ResultsTable) -> None:
    table.announce(result(1, arrival="upload"))
    assert "expires_at" in raw(1)
    assert list(chain.from_iterable(table.unfinished())) == []
    entry, again = receive(table, result(1, arrival="upload"))
    assert (entry.result["arrival"], again) == ("upload", False)
    assert "expires_at" not in raw(1)
    assert [found for found, _ in chain.from_iterable(table.unfinished())] == ids(1)


def test_announced_upload_without_content_disappears(
    table: ResultsTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DynamoDB itself may take days to delete it."""
    for number in range(3):
        table.announce(result(number, arrival="upload"))
    assert walk(table) == ids(2, 1, 0)
    later = time.time() + 25 * 3600
    monkeypatch.setattr(time, "time", lambda: later)
    assert walk(table, limit=2) == walk(table, limit=2, status="received") == []
    assert list(table.every()) == []
    assert table.find(ids(1)[0]) is None
    assert receive(table, result(1))[1] is False
    assert walk(table) == ids(1)


@pytest.mark.parametrize("status", ["received", "classified"])
def test_item_without_status_is_ignored(table: ResultsTable, status: str) -> None:
    table.count_try(ids(1)[0])
    table.begin_change(ids(1)[0], 1)
    assert "Item" not in boto3.resource("dynamodb").Table(TABLE).get_item(Key={"id": ids(1)[0]})
    stub = {"id": ids(1)[0], "tries": 1, "listing": "all", "created_at": second(1), "task": "chest-xray"}
    boto3.resource("dynamodb").Table(TABLE).put_item(Item=stub)
    assert walk(table) == walk(table, task="chest-xray") == []
    assert table.find(ids(1)[0]) is None
    assert table.progress(ids(1)) == {}
    if status == "received":
        assert receive(table, result(1))[1] is False
    else:
        assert table.finish(classified(1))
    assert table.get(ids(1)[0])["status"] == status


def test_only_the_first_finish_counts(table: ResultsTable) -> None:
    receive(table, result(1))
    assert table.finish(classified(1))
    assert "unfinished" not in raw(1)
    assert not table.finish(classified(1, label="right-cc"))
    assert table.get(result(1)["id"])["label"] == "left-cc"


def test_change_is_marked_until_it_ends(table: ResultsTable) -> None:
    table.finish(classified(1))
    table.begin_change(ids(1)[0], 1)
    (found,) = chain.from_iterable(table.unfinished())
    assert found[0] == ids(1)[0]
    assert table.end_change(reviewed(1), 1)
    assert table.get(ids(1)[0])["review"] == REVIEW
    assert list(chain.from_iterable(table.unfinished())) == []


def test_later_change_wins_whichever_ends_first(table: ResultsTable) -> None:
    table.finish(classified(1))
    for revision in (1, 2):
        table.begin_change(ids(1)[0], revision)
    assert not table.end_change(reviewed(1), 1)  # the second one's mark must stay until its end
    assert table.end_change(classified(1), 2)
    assert not table.end_change(reviewed(1), 1)
    assert table.get(ids(1)[0])["review"] is None
    assert list(chain.from_iterable(table.unfinished())) == []


def walk(table: ResultsTable, limit: int = 50, **wanted: object) -> list[str]:
    """All ids of a selection, page by page."""
    selection = Selection(**wanted)  # type: ignore[arg-type]
    found: list[str] = []
    cursor = None
    while True:
        page, cursor = table.page(selection, limit, cursor)
        assert len(page) <= limit
        found += [entry["id"] for entry in page]
        if cursor is None:
            return found


def test_pages_are_newest_first_without_gap_or_repetition(table: ResultsTable) -> None:
    for number in range(25):
        table.finish(classified(number, task="chest-xray" if number % 5 == 0 else "mammography-views"))
    everything = [f"{number:032x}" for number in reversed(range(25))]
    assert walk(table, limit=7) == everything
    assert walk(table, limit=3, task="chest-xray") == [f"{number:032x}" for number in (20, 15, 10, 5, 0)]


def test_filters_select_results(table: ResultsTable) -> None:
    for number in range(30):
        label = "left-cc" if number % 3 else "right-cc"
        table.finish(classified(number, label=label, needs_review=number % 2 == 0))
    want = [f"{number:032x}" for number in reversed(range(30)) if number % 3 == 0 and number % 2 == 0]
    assert walk(table, limit=2, label="right-cc", needs_review=True) == want
    assert len(walk(table, limit=4, needs_review=False)) == 15
    assert walk(table, label="no-such-label") == []


def ids(*numbers: int) -> list[str]:
    return [f"{number:032x}" for number in numbers]


def second(number: int) -> str:
    return f"2026-01-01T00:00:{number:09.6f}Z"


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


def test_lists_omit_the_heat_map(table: ResultsTable) -> None:
    table.finish(classified(1))
    ((entry,), _) = table.page()
    assert "heatmap" not in entry
    assert "listing" not in entry


def test_page_stops_after_its_reads_and_returns_a_cursor(
    table: ResultsTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(result_queries, "_FILTERED_READ", 2)
    monkeypatch.setattr(result_queries, "_MAX_READS", 3)
    for number in range(10):
        table.finish(classified(number, label="right-cc" if number == 0 else "left-cc"))
    page, cursor = table.page(Selection(label="right-cc"))
    assert page == []
    assert cursor is not None
    assert walk(table, label="right-cc") == [f"{0:032x}"]


def test_repeated_ids_are_requested_once(table: ResultsTable) -> None:
    receive(table, result(1))
    assert len(table.progress([result(1)["id"]] * 3)) == 1


@pytest.mark.parametrize("cursor", ["nonsense", "bm9uc2Vuc2U=", "W10=", "e30=", "eyJpZCI6IDF9", "é"])
def test_foreign_cursor_is_refused(table: ResultsTable, cursor: str) -> None:
    with pytest.raises(InvalidRequest, match="cursor"):
        table.page(cursor=cursor)


def test_every_result_is_exported(table: ResultsTable) -> None:
    for number in range(12):
        table.finish(classified(number))
    assert len(list(table.every())) == 12
    assert list(table.every(Selection(task="chest-xray"))) == []


def test_progress_of_many_images_is_returned(table: ResultsTable) -> None:
    for number in range(150):
        receive(table, result(number))
    table.finish(classified(3))
    progress = table.progress([f"{number:032x}" for number in range(200)])
    assert len(progress) == 150
    assert progress[f"{3:032x}"] == ("classified", False)
    assert progress[f"{4:032x}"] == ("received", True)


def test_tries_are_counted_while_there_is_no_result(table: ResultsTable) -> None:
    receive(table, result(1))
    for _ in range(2):
        table.count_try(ids(1)[0])
    entry = table.entry(ids(1)[0])
    assert entry
    assert entry.tries == 2
    table.finish(classified(1))
    table.count_try(ids(1)[0])
    assert "tries" not in raw(1)


def test_unfinished_images_are_listed_oldest_first(table: ResultsTable) -> None:
    for number in range(10):
        receive(table, result(number << 124))
    series = [list(one) for one in table.unfinished()]
    assert sorted(len(one) for one in series) == [2, 2, 3, 3]  # the partitions share the images
    assert all(one == sorted(one, key=lambda entry: entry[1]) for one in series)


def test_quarantined_result_needs_review() -> None:
    result = result_document.quarantined(
        result_document.received("0" * 32, "mammography-views", "api"), Reason("NotAnImage", "text")
    )
    assert result["needs_review"]
    assert result["reasons"] == [{"code": "NotAnImage", "message": "text"}]


def test_latest_returns_the_answers_of_one_model(
    table: ResultsTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(result_queries, "_FILTERED_READ", 3)
    for number in range(20):
        sha256 = "b" if number % 3 else "a"
        model = {"version": "1", "sha256": sha256, "backend": "embedded"}
        table.finish(classified(number, model=model, distance=number + 0.5))
    table.finish(classified(20, task="chest-xray", model={"sha256": "a"}))
    receive(table, result(21))

    found = table.latest("mammography-views", "a", 4)

    assert [entry["distance"] for entry in found] == [18.5, 15.5, 12.5, 9.5]
    assert found[0].keys() == {"label", "probability", "distance", "created_at"}
    assert len(table.latest("mammography-views", "a", 100)) == 7
    monkeypatch.setattr(result_queries, "_MAX_READS", 2)
    assert len(table.latest("mammography-views", "a", 100)) == 2


def test_result_without_distance_returns_none(table: ResultsTable) -> None:
    old = classified(1)
    del old["distance"]  # type: ignore[misc]
    table.finish(old)
    assert table.get(old["id"])["distance"] is None
    ((entry,), _) = table.page()
    assert entry["distance"] is None

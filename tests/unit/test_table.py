"""The results table, against a real table definition."""

import boto3
import pytest

from chalicelib import results
from chalicelib import table as table_module
from chalicelib.errors import InvalidRequest, NotClassified, UnknownResult
from chalicelib.listing import Selection
from chalicelib.results import Result
from chalicelib.review import Reason
from chalicelib.table import ResultsTable
from tests.stage import TABLE

pytestmark = pytest.mark.usefixtures("cloud")


@pytest.fixture
def table() -> ResultsTable:
    return ResultsTable(boto3.resource("dynamodb"), TABLE)


def result(number: int, **changes: object) -> Result:
    base = results.received(f"{number:032x}", "mammography-views", "api")
    return base | {"created_at": f"2026-01-01T00:00:{number:09.6f}Z"} | changes


def classified(number: int, **changes: object) -> Result:
    answer = {
        "status": "classified",
        "label": "left-cc",
        "probability": 0.75,
        "heatmap": {"width": 1, "height": 1, "values": [0.125]},
    }
    return result(number) | answer | changes


def raw(number: int) -> dict[str, object]:
    item: dict[str, object] = (
        boto3.resource("dynamodb").Table(TABLE).get_item(Key={"id": f"{number:032x}"})["Item"]
    )
    return item


def test_result_comes_back_as_it_was_stored(table: ResultsTable) -> None:
    stored = classified(1, probabilities={"left-cc": 0.75, "right-cc": 0.25}, probability=1.0)
    assert table.finish(stored)
    assert table.get(stored["id"]) == stored


def test_unknown_id(table: ResultsTable) -> None:
    assert table.find("0" * 32) is None
    with pytest.raises(UnknownResult):
        table.get("0" * 32)


def test_second_arrival_finds_the_first_one(table: ResultsTable) -> None:
    first, second = result(1), result(1, created_at="2027-01-01T00:00:00.000000Z")
    assert table.receive(first) == first
    assert table.receive(second) == first


@pytest.mark.parametrize("status", ["classified", "quarantined"])
def test_arrival_after_the_end_is_told_so(table: ResultsTable, status: str) -> None:
    table.finish(classified(1, status=status))
    assert table.receive(result(1)) is None


def test_announced_upload_expires_unless_it_arrives(table: ResultsTable) -> None:
    table.announce(result(1, arrival="upload"))
    assert "expires_at" in raw(1)
    received = table.receive(result(1, arrival="upload"))
    assert received is not None
    assert received["arrival"] == "upload"
    assert "expires_at" not in raw(1)


def test_only_the_first_finish_counts(table: ResultsTable) -> None:
    table.receive(result(1))
    assert table.finish(classified(1))
    assert not table.finish(classified(1, label="right-cc"))
    assert table.get(result(1)["id"])["label"] == "left-cc"


def test_review_is_kept_with_the_result(table: ResultsTable) -> None:
    table.finish(classified(1))
    review = {"label": "right-cc", "comment": None, "reviewed_at": "now", "reviewer": "local"}
    assert table.review(result(1)["id"], review)["review"] == review
    assert table.get(result(1)["id"])["review"] == review


def test_review_can_be_taken_off(table: ResultsTable) -> None:
    table.finish(classified(1))
    before = table.get(result(1)["id"])
    table.review(result(1)["id"], {"label": "right-cc"})
    assert table.review(result(1)["id"], None) == before
    assert table.get(result(1)["id"]) == before


def test_review_needs_a_classification(table: ResultsTable) -> None:
    table.receive(result(1))
    with pytest.raises(NotClassified):
        table.review(result(1)["id"], {"label": "left-cc"})
    assert table.get(result(1)["id"])["review"] is None


def test_review_of_nothing_makes_no_item(table: ResultsTable) -> None:
    with pytest.raises(NotClassified):
        table.review("f" * 32, {"label": "left-cc"})
    assert table.find("f" * 32) is None


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


def test_filters(table: ResultsTable) -> None:
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
        table.review(ids(number)[0], {"label": "left-cc"})
    assert walk(table, reviewed=True) == ids(4, 1)
    assert walk(table, reviewed=False, needs_review=True, status="classified") == ids(5, 3, 2, 0)
    assert walk(table, status="quarantined") == ids(6)
    table.review(ids(4)[0], None)
    assert walk(table, reviewed=True) == ids(1)


@pytest.mark.parametrize("task", [None, "mammography-views"])
def test_times_bound_a_list_from_the_first_to_before_the_last(table: ResultsTable, task: str | None) -> None:
    for number in range(10):
        table.finish(classified(number))
    assert walk(table, limit=2, task=task, since=second(3), until=second(6)) == ids(5, 4, 3)
    assert walk(table, task=task, since=second(8)) == ids(9, 8)
    assert walk(table, task=task, until=second(2)) == ids(1, 0)


def test_oldest_come_first_on_demand(table: ResultsTable) -> None:
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


def test_lists_leave_the_heat_map_out(table: ResultsTable) -> None:
    table.finish(classified(1))
    ((entry,), _) = table.page()
    assert "heatmap" not in entry
    assert "listing" not in entry


def test_page_gives_up_looking_and_says_where_to_go_on(
    table: ResultsTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(table_module, "_FILTERED_READ", 2)
    monkeypatch.setattr(table_module, "_MOST_READS", 3)
    for number in range(10):
        table.finish(classified(number, label="right-cc" if number == 0 else "left-cc"))
    page, cursor = table.page(Selection(label="right-cc"))
    assert page == []
    assert cursor is not None
    assert walk(table, label="right-cc") == [f"{0:032x}"]


def test_newer_result_keeps_the_review(table: ResultsTable) -> None:
    table.replace(classified(1))
    review = {"label": "right-cc", "comment": None, "reviewed_at": "now", "reviewer": "local"}
    table.review(classified(1)["id"], review)
    assert table.replace(classified(1, label="right-mlo"))["review"] == review
    assert table.get(classified(1)["id"])["review"] == review


def test_repeated_ids_are_asked_for_once(table: ResultsTable) -> None:
    table.receive(result(1))
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


def test_progress_of_many(table: ResultsTable) -> None:
    for number in range(150):
        table.receive(result(number))
    table.finish(classified(3))
    table.count_try(result(4)["id"])
    table.count_try(result(4)["id"])
    progress = table.progress([f"{number:032x}" for number in range(200)])
    assert len(progress) == 150
    assert progress[f"{3:032x}"] == ("classified", 0)
    assert progress[f"{4:032x}"] == ("received", 2)


def test_quarantined_result_needs_review() -> None:
    result = results.quarantined(
        results.received("0" * 32, "mammography-views", "api"), Reason("NotAnImage", "text")
    )
    assert result["needs_review"]
    assert result["reasons"] == [{"code": "NotAnImage", "message": "text"}]


def test_latest_answers_of_one_model(table: ResultsTable, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table_module, "_FILTERED_READ", 3)
    for number in range(20):
        sha256 = "b" if number % 3 else "a"
        model = {"version": "1", "sha256": sha256, "backend": "embedded"}
        table.finish(classified(number, model=model, distance=number + 0.5))
    table.finish(classified(20, task="chest-xray", model={"sha256": "a"}))
    table.receive(result(21))

    found = table.latest("mammography-views", "a", 4)

    assert [entry["distance"] for entry in found] == [18.5, 15.5, 12.5, 9.5]
    assert found[0].keys() == {"label", "probability", "distance", "created_at"}
    assert len(table.latest("mammography-views", "a", 100)) == 7
    monkeypatch.setattr(table_module, "_MOST_READS", 2)
    assert len(table.latest("mammography-views", "a", 100)) == 2


def test_result_from_before_distances_were_kept_has_none(table: ResultsTable) -> None:
    old = classified(1)
    del old["distance"]
    table.finish(old)
    assert table.get(old["id"])["distance"] is None
    ((entry,), _) = table.page()
    assert entry["distance"] is None

"""Lists of results, page by page."""

from functools import partial

import pytest

from chalicelib.results import result_queries
from chalicelib.results.selection import Selection
from chalicelib.results.table import ResultsTable
from tests.unit.results.items import classified, receive, result, walk

pytestmark = pytest.mark.usefixtures("cloud")


def test_pages_are_newest_first_without_gap_or_repetition(table: ResultsTable) -> None:
    for number in range(25):
        table.finish(classified(number, task="chest-xray" if number % 5 == 0 else "mammography-views"))
    everything = [f"{number:032x}" for number in reversed(range(25))]
    assert walk(table, limit=7) == everything
    assert walk(table, limit=3, task="chest-xray") == [f"{number:032x}" for number in (20, 15, 10, 5, 0)]


def test_lists_omit_the_heat_map(table: ResultsTable) -> None:
    table.finish(classified(1))
    ((entry,), _) = table.page()
    assert "heatmap" not in entry
    assert "listing" not in entry


@pytest.mark.parametrize(("limit", "value"), [("_MAX_READS", 3), ("_MAX_SECONDS", -1)])
def test_page_stops_after_its_reads_or_its_time_and_returns_a_cursor(
    table: ResultsTable, monkeypatch: pytest.MonkeyPatch, limit: str, value: int
) -> None:
    monkeypatch.setattr(result_queries, "_FILTERED_READ", 2)
    monkeypatch.setattr(result_queries, limit, value)
    for number in range(10):
        table.finish(classified(number, label="right-cc" if number == 0 else "left-cc"))
    page, cursor = table.page(Selection(label="right-cc"))
    assert page == []
    assert cursor is not None
    assert walk(table, label="right-cc") == [f"{0:032x}"]


def test_results_of_earlier_versions_are_found_and_indexed(table: ResultsTable) -> None:
    for number in range(3):
        table.finish(classified(number))
    table.finish(classified(3, status="quarantined", label=None, probability=None))
    for number in (0, 2):
        key = {"id": f"{number:032x}"}
        table._table.update_item(Key=key, UpdateExpression="REMOVE indexed_probability")
    by_probability = partial(walk, table, task="mammography-views", order="least-sure")
    assert by_probability() == [f"{1:032x}"]

    assert {*table.unindexed()} == {f"{0:032x}", f"{2:032x}"}
    for image_id in (*table.unindexed(), f"{3:032x}", f"{9:032x}"):
        table.index_probability(image_id)

    assert [*table.unindexed()] == []
    assert len(by_probability()) == 3
    assert table.find(f"{9:032x}") is None


def test_every_result_is_exported(table: ResultsTable) -> None:
    for number in range(12):
        table.finish(classified(number))
    assert len(list(table.every())) == 12
    assert list(table.every(Selection(task="chest-xray"))) == []


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
    assert found[0].keys() == {"label", "probability", "distance", "created_at", "hidden"}
    assert len(table.latest("mammography-views", "a", 100)) == 7
    monkeypatch.setattr(result_queries, "_MAX_READS", 2)
    assert len(table.latest("mammography-views", "a", 100)) == 2

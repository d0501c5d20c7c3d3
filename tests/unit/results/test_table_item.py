"""Items of the table, also those of earlier releases."""

import time
from typing import Any

import pytest

from chalicelib.results.table import ResultsTable
from chalicelib.results.table_item import Entry, has_expired, listed_result, result_item, result_of
from chalicelib.storage.items import to_item
from tests.unit.results.items import classified, result, reviewed

ABSENT = ("readings", "readers", "disagreement")
"""Attributes that earlier versions did not store."""


@pytest.mark.usefixtures("cloud")
def test_result_without_distance_returns_none(table: ResultsTable) -> None:
    old = classified(1)
    del old["distance"]  # type: ignore[misc]
    table.finish(old)
    assert table.get(old["id"])["distance"] is None
    ((entry,), _) = table.page()
    assert entry["distance"] is None


def test_listed_result_of_an_earlier_version_has_its_reader() -> None:
    item = {name: value for name, value in result_item(reviewed(1)).items() if name not in ABSENT}
    listed = listed_result(item)
    assert (listed["readers"], listed["disagreement"]) == (["local"], False)


def test_item_holds_the_result_and_more() -> None:
    item = result_item(classified(1), revision=3)
    assert (item["listing"], item["revision"]) == ("all", 3)
    assert "revision" not in result_item(classified(1))
    assert result_of(item) == classified(1)


def test_entry_of_a_finished_result_has_no_work_left() -> None:
    entry = Entry.of(result_item(classified(1)))
    assert entry.finished
    assert (entry.revision, entry.pending, entry.unfinished_since, entry.event, entry.tries) == (
        0,
        None,
        None,
        None,
        0,
    )


def test_entry_of_a_waiting_image_has_the_state_of_its_work() -> None:
    event: dict[str, Any] = {"Records": [{"s3": {}}]}
    state = {"unfinished": "1", "unfinished_since": "then", "event": event, "tries": 2, "pending": 4}
    entry = Entry.of(result_item(result(1)) | state)
    assert not entry.finished
    assert (entry.pending, entry.unfinished_since, entry.event, entry.tries) == (4, "then", event, 2)
    assert entry.result == result(1)


def test_place_of_an_upload_expires(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "time", lambda: 1000.5)
    assert [has_expired({"expires_at": moment}) for moment in (1000, 1001)] == [True, False]
    assert not has_expired({})


def test_heat_map_is_packed_and_read_as_it_was() -> None:
    values = [number / 1000 for number in range(1001)]
    stored = classified(1, heatmap={"width": 77, "height": 13, "values": values})
    item = result_item(stored)
    assert len(item["heatmap"]["values"]) < 2 * len(values)
    assert result_of(item) == stored


def test_heat_map_of_an_earlier_version_is_read() -> None:
    listed = {"width": 1, "height": 2, "values": [0.125, 1]}
    item = result_item(classified(1)) | {"heatmap": to_item(listed)}
    assert result_of(item)["heatmap"] == listed

"""How much of the table is read for a comparison."""

from collections.abc import Iterator
from typing import Any, cast

from chalicelib.api import review_statistics
from chalicelib.api.export import MAX_SECONDS
from chalicelib.results.selection import Selection
from chalicelib.results.table import ResultsTable
from chalicelib.tasks import load_task
from tests.unit.results.items import classified, reviewed

TASK = load_task("mammography-views")
MODEL = {"version": "1", "sha256": "ab", "backend": "embedded"}


class Pages:
    """Answers of a table, a page of one result each, which takes ten seconds to read."""

    def __init__(self) -> None:
        self.now = 0.0
        self.wanted: list[Selection] = []

    def pages(self, wanted: Selection, attributes: Any) -> Iterator[list[Any]]:
        assert "created_at" in attributes
        self.wanted.append(wanted)
        for number in (4, 3, 2, 1):
            self.now += 10
            yield [(reviewed(number) if number % 2 else classified(number)) | {"model": MODEL}]

    def answer(self, query: dict[str, str]) -> Any:
        return review_statistics.answer(TASK, query, cast(ResultsTable, self), lambda: self.now)


def test_comparison_ends_when_the_time_is_up() -> None:
    found = Pages().answer({})
    assert MAX_SECONDS == 20
    assert (found["complete"], found["all"]["answers"]) == (False, 2)
    assert found["counted_from"] == classified(3)["created_at"]


def test_comparison_reads_the_period_that_is_asked_for() -> None:
    pages = Pages()
    pages.now = -30
    found = pages.answer({"model": "1", "from": "2026-01-01T00:00:00Z", "to": "2026-02-01T00:00:00Z"})
    (wanted,) = pages.wanted
    assert (wanted.task, wanted.status, wanted.order) == (TASK.name, "classified", "newest")
    assert (wanted.since, wanted.until) == ("2026-01-01T00:00:00.000000Z", "2026-02-01T00:00:00.000000Z")
    assert found["model"] == "1"

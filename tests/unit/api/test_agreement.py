"""The agreement of readers, read while there is time."""

from itertools import count
from typing import Any

from chalicelib.api import agreement
from chalicelib.results.selection import Selection
from chalicelib.tasks import load_task

TASK = load_task("chest-xray")


class Table:
    def __init__(self) -> None:
        self.asked: list[Selection] = []

    def pages(self, selection: Selection, _attributes: Any) -> Any:
        self.asked.append(selection)
        review = {"label": "normal", "comment": None, "reviewed_at": "then", "reviewer": "ada"}
        while len(self.asked) < 2:
            yield [{"label": "normal", "review": review, "readings": [review], "created_at": "2026"}]


def test_incomplete_agreement_says_so_in_time() -> None:
    table, seconds = Table(), count()
    query = {"model": "1", "from": "2026-01-01T00:00:00Z"}
    found = agreement.answer(TASK, query, table, lambda: next(seconds))  # type: ignore[arg-type]
    assert not found["complete"]
    assert 0 < found["images"] <= 21
    (asked,) = table.asked
    assert (asked.task, asked.model, asked.min_readers, asked.status) == ("chest-xray", "1", 1, "classified")

"""Results that several of these tests use."""

from typing import cast

from chalicelib.results import result_document
from chalicelib.results.result_document import Result
from chalicelib.results.selection import Selection
from chalicelib.results.table import ResultsTable
from chalicelib.results.table_item import Entry


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


def ids(*numbers: int) -> list[str]:
    return [f"{number:032x}" for number in numbers]


def second(number: int) -> str:
    return f"2026-01-01T00:00:{number:09.6f}Z"

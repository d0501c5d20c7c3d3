"""Results as a table that spreadsheets read."""

import csv
from collections.abc import Iterable
from io import StringIO

from chalicelib.results import Result

COLUMNS = (
    "id",
    "task",
    "status",
    "label",
    "probability",
    "needs_review",
    "reasons",
    "reviewed_label",
    "comment",
    "reviewer",
    "reviewed_at",
    "arrival",
    "format",
    "modality",
    "laterality",
    "view_position",
    "model_version",
    "created_at",
    "classified_at",
)


def to_csv(results: Iterable[Result]) -> str:
    """One line per result, RFC 4180, with a header."""
    lines = StringIO()
    writer = csv.DictWriter(lines, COLUMNS, extrasaction="ignore")
    writer.writeheader()
    for result in results:
        writer.writerow({name: _harmless(value) for name, value in _flat(result).items()})
    return lines.getvalue()


def _flat(result: Result) -> dict[str, object]:
    review = result["review"] or {}
    return {
        **(result["source"] or {}),
        **result,
        "reasons": " ".join(reason["code"] for reason in result["reasons"]),
        "needs_review": "true" if result["needs_review"] else "false",
        "reviewed_label": review.get("label"),
        "comment": review.get("comment"),
        "reviewer": review.get("reviewer"),
        "reviewed_at": review.get("reviewed_at"),
        "model_version": (result["model"] or {}).get("version"),
    }


def _harmless(value: object) -> object:
    """Spreadsheets run cells that start like a formula; an apostrophe makes them text."""
    dangerous = isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t", "\r"))
    return f"'{value}" if dangerous else value

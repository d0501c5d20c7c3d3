"""Results as a table that spreadsheets read."""

import csv
from collections.abc import Iterable
from http import HTTPStatus
from io import StringIO

from chalice.app import Response

from chalicelib import arrivals
from chalicelib.results import Result
from chalicelib.storage import DataBucket

MAX_INLINE_BYTES = 4_000_000
"""Lambda answers at most 6 MiB."""
CONTENT_TYPE = "text/csv; charset=utf-8"

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


def answer(results: Iterable[Result], task: str | None, bucket: DataBucket) -> Response:
    """The table as the answer to a request; a large one is put into `bucket`, where the answer leads.

    Args:
        results: of one task, or of all.
        task: its name; None for all.
        bucket: where large tables go.
    """
    table = to_csv(results)
    name = f"negatoscope-{task or 'results'}.csv"
    if len(table.encode()) <= MAX_INLINE_BYTES:
        disposition = f'attachment; filename="{name}"'
        return Response(table, {"Content-Type": CONTENT_TYPE, "Content-Disposition": disposition})
    key = f"exports/{arrivals.new_id(table)}.csv"
    bucket.write(key, table.encode(), CONTENT_TYPE)
    return Response("", {"Location": bucket.presign_download(key, name)}, HTTPStatus.SEE_OTHER.value)


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

"""Results as a table for spreadsheets."""

import csv
import hashlib
import json
import time
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from http import HTTPStatus
from io import TextIOWrapper
from tempfile import SpooledTemporaryFile
from typing import IO

from chalice.app import Response

from chalicelib.api.http import Headers
from chalicelib.api.route import Content
from chalicelib.errors import ExportTooLarge
from chalicelib.results.reading import readings_of
from chalicelib.results.result_document import ListedResult
from chalicelib.storage import inbox
from chalicelib.storage.bucket import DataBucket
from chalicelib.tasks import load_tasks

MAX_INLINE_BYTES = 4_000_000
"""Lambda returns at most 6 MiB."""
MAX_TABLE_BYTES = 200_000_000
"""The temporary file system of a Lambda has 512 MB."""
MAX_SECONDS = 20.0
"""Time to read results. API Gateway waits 29 s, some of which a cold start and storing the table take."""
_FORMULA_STARTS = ("=", "+", "-", "@", "\N{MINUS SIGN}")
CONTENT_TYPE = "text/csv; charset=utf-8"
TABLE = Content(
    "RFC 4180, UTF-8, with a header.",
    ("text/csv",),
    link="The table is large. The link is valid for a quarter of an hour.",
)

COLUMNS = (
    "id",
    "task",
    "status",
    "label",
    "probability",
    "distance",
    "needs_review",
    "reasons",
    "reviewed_label",
    "comment",
    "reviewer",
    "reviewed_at",
    "blind",
    "disagreement",
    "readings",
    "arrival",
    "format",
    "rows",
    "columns",
    "pixel_spacing",
    "modality",
    "laterality",
    "view_position",
    "model_version",
    "created_at",
    "classified_at",
)
"""All columns except those of the classes, which come last."""
CLASS_COLUMN = "probability:{}"
"""The column with the probability of a class."""
ATTRIBUTES = (
    "id", "task", "status", "label", "probability", "probabilities", "distance", "needs_review", "reasons",
    "review", "disagreement", "readings", "arrival", "source", "model", "created_at", "classified_at",
)  # fmt: skip
"""The attributes of results that the columns need."""


def answer(
    pages: Iterable[Sequence[ListedResult]],
    task: str | None,
    bucket: DataBucket,
    clock: Callable[[], float] = time.monotonic,
) -> Response:
    """The table as the answer to a request. A large table goes into `bucket`, and the answer redirects there.

    Args:
        pages: of the results to export.
        task: name of their task; None for results of all tasks.
        bucket: for large tables.
        clock: the time in seconds.

    Raises:
        ExportTooLarge: if reading takes too long, or the table becomes too large.
    """
    name = f"negatoscope-{task or 'results'}.csv"
    with SpooledTemporaryFile(MAX_INLINE_BYTES) as table:
        _write(_within_limits(pages, table, clock), _columns(task), table)
        size = table.tell()
        table.seek(0)
        if size <= MAX_INLINE_BYTES:
            disposition = f'attachment; filename="{name}"'
            headers: Headers = {"Content-Type": CONTENT_TYPE, "Content-Disposition": disposition}
            return Response(table.read().decode(), headers)
        digest = hashlib.file_digest(table, "sha256").hexdigest()
        table.seek(0)
        key = f"exports/{inbox.new_id(digest)}.csv"
        bucket.write(key, table, CONTENT_TYPE)
    return Response("", {"Location": bucket.presign_download(key, name)}, HTTPStatus.SEE_OTHER.value)


def _within_limits(
    pages: Iterable[Sequence[ListedResult]], table: IO[bytes], clock: Callable[[], float]
) -> Iterator[ListedResult]:
    """The results of `pages`, while there is time to read them and room in `table`.

    The time is checked for every page, because a filter can leave pages empty that take long to read.
    """
    deadline = clock() + MAX_SECONDS
    count = 0
    for page in pages:
        if clock() > deadline or table.tell() > MAX_TABLE_BYTES:
            raise ExportTooLarge(
                f"The table is too large to export at once: it has more than {count:,} rows, or finding them "
                "takes too long. Narrow the selection, for example with 'task', 'from' and 'to', and export "
                "the table in parts."
            )
        yield from page
        count += len(page)


def _columns(task: str | None) -> list[str]:
    """All columns. Tasks may share the names of classes."""
    known = load_tasks()
    tasks = [known[task]] if task in known else known.values()
    classes = dict.fromkeys(name for each in tasks for name in each.class_names)
    return [*COLUMNS, *map(CLASS_COLUMN.format, classes)]


def _write(results: Iterable[ListedResult], columns: Sequence[str], table: IO[bytes]) -> None:
    """One line per result, RFC 4180, with a header."""
    lines = TextIOWrapper(table, "utf-8", errors="replace", newline="")
    writer = csv.DictWriter(lines, columns, extrasaction="ignore")
    writer.writeheader()
    for result in results:
        writer.writerow({name: _harmless(value) for name, value in _flat(result).items()})
    lines.detach()  # flushes and leaves the file open


def _flat(result: ListedResult) -> dict[str, object]:
    review, model, source = result["review"], result["model"], result["source"]
    row: dict[str, object] = {**(source or {}), **result}
    row |= {
        "pixel_spacing": " ".join(map(str, source.get("pixel_spacing", ()))) if source else None,
        "reasons": " ".join(reason["code"] for reason in result["reasons"]),
        "needs_review": _word(result["needs_review"]),
        "disagreement": _word(result["disagreement"]),
        "model_version": model["version"] if model else None,
        "readings": json.dumps(readings_of(result), ensure_ascii=False),
    }
    row |= {CLASS_COLUMN.format(name): value for name, value in result["probabilities"].items()}
    if review:
        row |= review | {
            "reviewed_label": review["label"],
            "label": result["label"],
            "blind": _word("blind" in review),
        }
    return row


def _word(value: bool) -> str:
    return "true" if value else "false"


def _harmless(value: object) -> object:
    """`value` with an apostrophe in front if a spreadsheet would evaluate it as a formula.

    The first visible character counts, in any width: spreadsheets skip spaces and invisible characters, and
    East Asian ones accept full-width forms, which NFKC maps to ASCII.
    """
    if not isinstance(value, str) or value[:1].isalnum():
        return value
    visible = next((char for char in value if not _is_invisible(char)), "")
    is_formula = unicodedata.normalize("NFKC", visible).startswith(_FORMULA_STARTS)
    return f"'{value}" if is_formula or value.startswith(("\t", "\r", "\n")) else value


def _is_invisible(char: str) -> bool:
    """Whether a character is white space, a control or format character, or a mark without a base."""
    return char.isspace() or unicodedata.category(char) in ("Cc", "Cf", "Mn", "Me", "Zl", "Zp", "Zs")

"""Results as a table that spreadsheets read."""

import csv
import hashlib
import time
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from http import HTTPStatus
from io import TextIOWrapper
from tempfile import SpooledTemporaryFile
from typing import IO

from chalice.app import Response

from chalicelib.api.http import Headers
from chalicelib.errors import ExportTooLarge
from chalicelib.results.result_document import Result
from chalicelib.storage import inbox
from chalicelib.storage.bucket import DataBucket

MAX_INLINE_BYTES = 4_000_000
"""Lambda answers at most 6 MiB."""
MAX_TABLE_BYTES = 200_000_000
"""Lambda's file system has 512 MB, for all that this process keeps there."""
MAX_SECONDS = 20.0
"""For reading. API Gateway waits 29 s, of which a cold start and storing the table take some."""
_FORMULA_STARTS = ("=", "+", "-", "@", "\N{MINUS SIGN}")
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
ATTRIBUTES = (
    "id", "task", "status", "label", "probability", "needs_review", "reasons", "review", "arrival", "source",
    "model", "created_at", "classified_at",
)  # fmt: skip
"""Of results: what the columns are made of."""


def answer(
    pages: Iterable[Sequence[Result]],
    task: str | None,
    bucket: DataBucket,
    clock: Callable[[], float] = time.monotonic,
) -> Response:
    """The table as the answer to a request; a large one is put into `bucket`, where the answer leads.

    Args:
        pages: of results of one task, or of all.
        task: its name; None for all.
        bucket: where large tables go.
        clock: tells seconds.

    Raises:
        ExportTooLarge: if it would take too long, or become too large.
    """
    name = f"negatoscope-{task or 'results'}.csv"
    with SpooledTemporaryFile(MAX_INLINE_BYTES) as table:
        _write(_within_limits(pages, table, clock), table)
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
    pages: Iterable[Sequence[Result]], table: IO[bytes], clock: Callable[[], float]
) -> Iterator[Result]:
    """The results of `pages`, while there is time for them and room in `table`.

    Time is looked at page by page: a filter can leave pages empty, however long it takes to read them.
    """
    deadline = clock() + MAX_SECONDS
    count = 0
    for page in pages:
        if clock() > deadline or table.tell() > MAX_TABLE_BYTES:
            raise ExportTooLarge(
                f"The table is too large to be exported at once: there are more than {count:,} rows, or "
                "finding them takes too long. Narrow the selection, for example with 'task', 'from' and "
                "'to', and fetch the table in parts."
            )
        yield from page
        count += len(page)


def _write(results: Iterable[Result], table: IO[bytes]) -> None:
    """One line per result, RFC 4180, with a header."""
    lines = TextIOWrapper(table, "utf-8", errors="replace", newline="")
    writer = csv.DictWriter(lines, COLUMNS, extrasaction="ignore")
    writer.writeheader()
    for result in results:
        writer.writerow({name: _harmless(value) for name, value in _flat(result).items()})
    lines.detach()  # which flushes, and leaves the file open


def _flat(result: Result) -> dict[str, object]:
    review, model = result["review"], result["model"]
    row: dict[str, object] = {**(result["source"] or {}), **result}
    row |= {
        "reasons": " ".join(reason["code"] for reason in result["reasons"]),
        "needs_review": "true" if result["needs_review"] else "false",
        "model_version": model["version"] if model else None,
    }
    if review:
        row |= review | {"reviewed_label": review["label"], "label": result["label"]}
    return row


def _harmless(value: object) -> object:
    """Spreadsheets evaluate cells that start like a formula; an apostrophe makes them text.

    What counts is the first visible character, in any width: spreadsheets skip spaces and invisible
    characters, and East Asian ones take the full-width forms, which NFKC maps to ASCII.
    """
    if not isinstance(value, str) or value[:1].isalnum():
        return value
    visible = next((char for char in value if not _is_invisible(char)), "")
    is_formula = unicodedata.normalize("NFKC", visible).startswith(_FORMULA_STARTS)
    return f"'{value}" if is_formula or value.startswith(("\t", "\r", "\n")) else value


def _is_invisible(char: str) -> bool:
    """Whether a character is white space, a control or format character, or a mark without a base."""
    return char.isspace() or unicodedata.category(char) in ("Cc", "Cf", "Mn", "Me", "Zl", "Zp", "Zs")

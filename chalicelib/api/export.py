"""Results as a table for spreadsheets."""

import csv
import hashlib
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from http import HTTPStatus
from io import TextIOWrapper
from tempfile import SpooledTemporaryFile
from typing import IO

from chalice.app import Response

from chalicelib.api.http import Headers
from chalicelib.api.route import Content
from chalicelib.errors import ExportTooLarge
from chalicelib.exports.columns import cell, columns, row
from chalicelib.results.result_document import ListedResult
from chalicelib.storage import inbox
from chalicelib.storage.bucket import DataBucket

MAX_INLINE_BYTES = 4_000_000
"""Lambda returns at most 6 MiB."""
MAX_TABLE_BYTES = 200_000_000
"""The temporary file system of a Lambda has 512 MB."""
MAX_SECONDS = 20.0
"""Time to read results. API Gateway waits 29 s, some of which a cold start and storing the table take."""
CONTENT_TYPE = "text/csv; charset=utf-8"
TABLE = Content(
    "RFC 4180, UTF-8, with a header.",
    ("text/csv",),
    link="The table is large. The link is valid for a quarter of an hour.",
)


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
        _write(_within_limits(pages, table, clock), list(columns(task)), table)
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
                "takes too long. Start an export of any size (on the page, or with POST /exports), or narrow "
                "the selection, for example with 'task', 'from' and 'to'."
            )
        yield from page
        count += len(page)


def _write(results: Iterable[ListedResult], names: Sequence[str], table: IO[bytes]) -> None:
    """One line per result, RFC 4180, with a header."""
    lines = TextIOWrapper(table, "utf-8", errors="replace", newline="")
    writer = csv.DictWriter(lines, names, extrasaction="ignore")
    writer.writeheader()
    for result in results:
        writer.writerow({name: cell(value) for name, value in row(result).items()})
    lines.detach()  # flushes and leaves the file open

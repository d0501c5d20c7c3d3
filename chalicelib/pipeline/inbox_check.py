"""Finds files in the inbox without an event, by listing the inbox: rarely, and a part at a time.

Events can be lost, and the results table knows only files with events. One request lists a thousand objects,
so a complete pass over ten million takes 10,000 requests, about 0.05 USD. Each run continues where the last
one stopped. S3 Inventory needs no requests, but its lists are up to two days old. Folders by date would need
the cooperation of everyone who drops files.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from chalicelib.results import result_document
from chalicelib.results.table import ResultsTable
from chalicelib.storage.bucket import DataBucket
from chalicelib.storage.errors import ObjectMissing
from chalicelib.storage.inbox import InboxObject

STALE_AFTER = timedelta(minutes=10)
"""The time after which an unfinished image counts as stuck."""
MAX_AGE = timedelta(days=7)
"""Every pass looks up the files that are younger than this in the table."""
SMALL_INBOX, LARGE_INBOX = timedelta(hours=1), timedelta(days=1)
"""From the start of one pass to that of the next, if one run lists the whole inbox, and if not."""
PAGES = 200
"""Pages of a thousand keys that one run lists, in less than a minute."""

_CURSOR = "sweep/inbox.json"
"""The progress of the pass. It contains a key, which may name a patient, so it is in the data bucket."""


@dataclass(frozen=True)
class InboxCheck:
    """Lists the inbox for files without an event."""

    bucket: DataBucket
    table: ResultsTable

    def run(self, moment: datetime) -> Iterator[InboxObject]:
        """The files to process in the next part of the inbox.

        The next run continues after this part if the caller has consumed all of them.

        Args:
            moment: the current time, with time zone.
        """
        cursor = self._cursor()
        started = datetime.fromisoformat(cursor["started_at"]) if cursor else None
        if cursor and started and cursor["after"] is None:
            pause = SMALL_INBOX if cursor["in_one_run"] else LARGE_INBOX
            if moment - started < pause:
                return
            cursor = None
        after = cursor["after"] if cursor else ""
        if cursor is None or started is None:
            started = moment
        pages = 0
        for page, last in islice(self.bucket.inbox(after), PAGES):
            yield from self._unknown(page, moment)
            after, pages = last, pages + 1
        complete = pages < PAGES
        document = {
            "started_at": started.isoformat(),
            "after": None if complete else after,
            "in_one_run": complete and cursor is None,
        }
        self.bucket.write_json(_CURSOR, document)

    def _unknown(self, page: list[InboxObject], moment: datetime) -> Iterator[InboxObject]:
        """The files of a page that nothing else will process."""
        recent = [
            original
            for original in page
            if original.time and STALE_AFTER <= moment - datetime.fromisoformat(original.time) <= MAX_AGE
        ]
        known = self.table.progress([original.id for original in recent])
        for original in recent:
            status, swept = known.get(original.id, (result_document.RECEIVED, False))
            # A quarantined file in the inbox was dropped again, or its move was interrupted.
            if status == result_document.QUARANTINED or (status == result_document.RECEIVED and not swept):
                yield original

    def _cursor(self) -> dict[str, Any] | None:
        try:
            cursor: dict[str, Any] = json.loads(self.bucket.read(_CURSOR).body)
        except ObjectMissing:
            return None
        return cursor

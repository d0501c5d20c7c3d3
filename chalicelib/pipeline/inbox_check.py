"""Finds files in the inbox without an event, by listing the inbox: rarely, and a part at a time.

Events can be lost, and the results table knows only files with events. One request lists a thousand objects,
so a complete pass over ten million takes 10,000 requests, about 0.05 USD. Each run continues where the last
one stopped. S3 Inventory needs no requests, but its lists are up to two days old. Folders by date would need
the cooperation of everyone who drops files.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from chalicelib.pipeline import quarantine
from chalicelib.pipeline.listing import Listing
from chalicelib.results import result_document
from chalicelib.results.table import ResultsTable
from chalicelib.storage.bucket import DataBucket
from chalicelib.storage.inbox import InboxObject

STALE_AFTER = timedelta(minutes=10)
"""The time after which an unfinished image counts as stuck."""
MAX_AGE = timedelta(days=7)
"""Every pass looks up the files that are younger than this in the table."""
SMALL_INBOX, LARGE_INBOX = timedelta(hours=1), timedelta(days=1)
"""From the start of one pass to that of the next, if one run lists the whole inbox, and if not."""
PAGES = 200
"""Pages of a thousand keys that one run lists, in less than a minute."""


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
        listing = Listing(self.bucket, "inbox", PAGES, SMALL_INBOX, LARGE_INBOX)
        for page in listing.run(moment, self.bucket.inbox):
            yield from self._unknown(page, moment)

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
            # A quarantined file in the inbox was dropped again, or its move was interrupted, unless it is too
            # large to be moved. A file whose result has been deleted came late or was dropped again, or the
            # sweep still has to delete it.
            waiting = status in (result_document.RECEIVED, result_document.DELETED) and not swept
            unmoved = status == result_document.QUARANTINED and original.size <= quarantine.MAX_BYTES
            if waiting or unmoved:
                yield original

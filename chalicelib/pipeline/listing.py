"""Lists a large part of the bucket a little at a time, and begins again some time after the pass before."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from chalicelib.storage.bucket import DataBucket
from chalicelib.storage.errors import ObjectMissing


@dataclass(frozen=True)
class Listing:
    """A listing that each run continues where the last one stopped."""

    bucket: DataBucket
    name: str
    """Its progress is in `sweep/NAME.json`: a key, which may name a patient, so it is in the data bucket."""
    max_pages: int
    """Pages that one run lists."""
    short_pause: timedelta
    """From the start of one pass to that of the next, if one run lists everything."""
    long_pause: timedelta
    """The same if it takes several runs."""

    def run[Page](
        self, moment: datetime, pages: Callable[[str], Iterator[tuple[Page, str]]]
    ) -> Iterator[Page]:
        """The next pages. The next run continues after them if the caller has consumed all of them.

        Args:
            moment: the current time, with time zone.
            pages: lists the pages behind a key, each with its last key.
        """
        cursor = self._cursor()
        started = datetime.fromisoformat(cursor["started_at"]) if cursor else None
        if cursor and started and cursor["after"] is None:
            pause = self.short_pause if cursor["in_one_run"] else self.long_pause
            if moment - started < pause:
                return
            cursor = None
        after = cursor["after"] if cursor else ""
        if cursor is None or started is None:
            started = moment
        listed = 0
        for page, last in islice(pages(after), self.max_pages):
            yield page
            after, listed = last, listed + 1
        complete = listed < self.max_pages
        document = {
            "started_at": started.isoformat(),
            "after": None if complete else after,
            "in_one_run": complete and cursor is None,
        }
        self.bucket.write_json(self._key, document)

    @property
    def _key(self) -> str:
        return f"sweep/{self.name}.json"

    def _cursor(self) -> dict[str, Any] | None:
        try:
            cursor: dict[str, Any] = json.loads(self.bucket.read(self._key).body)
        except ObjectMissing:
            return None
        return cursor

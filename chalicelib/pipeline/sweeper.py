"""Finds images that arrived and have no result, and processes them again; deletes what is left of others."""

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from chalicelib.errors import RetriesExhausted
from chalicelib.observability import logger, measure_seconds
from chalicelib.pipeline import purge
from chalicelib.pipeline.inbox_check import STALE_AFTER, InboxCheck
from chalicelib.pipeline.leftovers import Leftovers
from chalicelib.pipeline.pipeline import Pipeline
from chalicelib.results.table_item import Entry
from chalicelib.storage import inbox
from chalicelib.storage.bucket import ObjectVersion
from chalicelib.storage.errors import ObjectMissing
from chalicelib.storage.inbox import InboxObject

MAX_TRIES = 5
CLOCK_SKEW = timedelta(minutes=1)
"""By which the clocks of S3 and of the Lambda may differ, at most."""
MAX_SECONDS = 200
"""The time after which a run leaves the rest to the next one. The Lambda has 300."""


class SweepFailed(Exception):
    """Some images could not be swept; the log says which. Raised at the end, for the alarm."""


@dataclass
class _Tally:
    stuck: int = 0
    failed: int = 0
    oldest: str | None = None
    deleted: list[Entry] = field(default_factory=list)
    """Results that were deleted long enough ago: no run that began before can store anything any more."""
    deadline: float = field(default_factory=lambda: time.monotonic() + MAX_SECONDS)


@dataclass(frozen=True)
class Sweeper:
    """Finishes images that are stuck. Its cost depends on their number, not on that of all images."""

    pipeline: Pipeline
    send_event: Callable[[dict[str, Any]], None]
    """Sends an S3 event to the prepare Lambda without waiting for it."""

    def run(self, moment: datetime) -> int:
        """Finish interrupted work, and quarantine images that are stuck after `MAX_TRIES`.

        Records `OldestUnfinishedAge`, in seconds, 0 if nothing is unfinished.

        Args:
            moment: the current time, with time zone.

        Returns:
            The number of images that were stuck.

        Raises:
            SweepFailed: after all images have been tried.
        """
        tally = _Tally()
        self._sweep_unfinished(moment, tally)
        if tally.deleted:
            self._attempt(tally, "", partial(self._purge, tally, moment - CLOCK_SKEW))
        check = InboxCheck(self.pipeline.bucket, self.pipeline.table)
        for original in check.run(moment):
            self._try(tally, original.id, partial(self._announce, original))
        self._delete_leftovers(moment, tally)
        logger.info("swept", extra={"stuck": tally.stuck, "failed": tally.failed})
        if tally.failed:
            raise SweepFailed(f"{tally.failed} of {tally.stuck} stuck images could not be swept")
        return tally.stuck

    def _sweep_unfinished(self, moment: datetime, tally: _Tally) -> None:
        series = list(self.pipeline.table.unfinished())
        # Each run starts with another series, so that none waits for ever if there is too much to do.
        first = int(moment.timestamp() / STALE_AFTER.total_seconds()) % len(series)
        overdue: list[str] = []
        for one in series[first:] + series[:first]:
            for image_id, since in one:
                tally.oldest = min(since, tally.oldest or since)
                if moment - datetime.fromisoformat(since) < STALE_AFTER:
                    break
                overdue.append(image_id)
        age = (moment - datetime.fromisoformat(tally.oldest)).total_seconds() if tally.oldest else 0.0
        measure_seconds("OldestUnfinishedAge", max(age, 0.0))
        for image_id in overdue:
            if time.monotonic() > tally.deadline:
                logger.warning("the next sweep continues", extra={"left": len(overdue) - tally.stuck})
                return
            self._try(tally, image_id, partial(self._retry, tally, image_id))

    def _try(self, tally: _Tally, image_id: str, action: Callable[[], None]) -> None:
        """Run `action` for one image. A failure must not stop the others."""
        tally.stuck += 1
        self._attempt(tally, image_id, action)

    def _attempt(self, tally: _Tally, image_id: str, action: Callable[[], None]) -> None:
        try:
            action()
        except Exception:
            logger.exception("could not be swept", extra={"image": image_id})
            tally.failed += 1

    def _retry(self, tally: _Tally, image_id: str) -> None:
        entry = self.pipeline.table.entry(image_id)
        if entry is None or not entry.unfinished_since:
            return  # finished in the meantime
        if entry.deleted:
            tally.deleted.append(entry)
            return
        if entry.finished:
            self.pipeline.decisions.repair(image_id)
            return
        (original,) = inbox.event_objects(entry.event or {})
        if entry.tries < MAX_TRIES:
            self.pipeline.table.count_try(image_id)
            self.send_event(inbox.event_for(original))
        else:
            self._give_up(original, entry)

    def _purge(self, tally: _Tally, before: datetime) -> None:
        """Delete what was stored of deleted images before a time."""
        originals = purge.originals(self.pipeline.bucket, [entry.result for entry in tally.deleted])
        for entry in tally.deleted:
            if time.monotonic() > tally.deadline:
                logger.warning("the next sweep continues to delete")
                return
            versions = originals[entry.result["id"]]
            self._attempt(tally, entry.result["id"], partial(self._purge_one, entry, versions, before))

    def _purge_one(self, entry: Entry, originals: list[ObjectVersion], before: datetime) -> None:
        if self.pipeline.table.entry(entry.result["id"]) != entry:
            return  # the image was sent again in the meantime, and what is stored is new
        purge.purge(self.pipeline.bucket, entry.result, originals, before)
        self.pipeline.table.end_deletion(entry)
        logger.info("deleted", extra={"image": entry.result["id"]})

    def _delete_leftovers(self, moment: datetime, tally: _Tally) -> None:
        bucket = self.pipeline.bucket
        for version in Leftovers(bucket, self.pipeline.table).run(moment):
            if time.monotonic() > tally.deadline:
                return
            self._attempt(tally, "", partial(bucket.delete_version, version))
            logger.info("leftover deleted", extra={"stored_at": version.time.isoformat()})

    def _announce(self, original: InboxObject) -> None:
        """Process a file that had no event, and record it in the table.

        The new event names the file's version, like an event of S3: it may be replaced before it is read.
        """
        with suppress(ObjectMissing):  # it has been replaced; its result will say so
            version = self.pipeline.bucket.version_id(original.key, original.etag)
            original = replace(original, version_id=version)
        self.pipeline.receive(original)
        self.send_event(inbox.event_for(original))

    def _give_up(self, original: InboxObject, entry: Entry) -> None:
        error = RetriesExhausted(
            f"This file got no result in {MAX_TRIES} attempts. If other files got results, this one is the "
            "cause: export it again. If none did, see the alarms, then drop it again under another name."
        )
        self.pipeline.quarantine(original, entry.result, error)

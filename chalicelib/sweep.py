"""Finds images that arrived and never got a result, and sends them through again."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from chalicelib import arrivals, results
from chalicelib.arrivals import Arrival
from chalicelib.errors import GaveUp
from chalicelib.observability import logger, measure_seconds
from chalicelib.pipeline import Pipeline

OVERDUE = timedelta(minutes=10)
"""How long an image may take before it counts as stuck."""
FORGOTTEN = timedelta(days=7)
"""The sweep looks no further back; it lists the whole inbox, but asks the table about recent files only."""
MAX_TRIES = 5


class SweepFailed(Exception):
    """Some images could not be dealt with; the log says which. Raised last, for the alarm."""


@dataclass(frozen=True)
class Sweep:
    """The scheduled look through the inbox."""

    pipeline: Pipeline
    send_event: Callable[[dict[str, Any]], None]
    """Hands an S3 event to the prepare Lambda, without waiting for it."""

    def run(self, moment: datetime) -> int:
        """Send stuck images through once more; those stuck after `MAX_TRIES` go into quarantine.

        Records `OldestUnfinishedAge`, 0 if no image is stuck.

        Args:
            moment: the time to measure ages against, with time zone.

        Returns:
            The number of images that were stuck.

        Raises:
            SweepFailed: after all others have been dealt with.
        """
        old = [
            (arrival, moment - since)
            for arrival, since in self.pipeline.bucket.inbox()
            if OVERDUE <= moment - since <= FORGOTTEN
        ]
        progress = self.pipeline.table.progress([arrival.id for arrival, _ in old])
        stuck = [
            (arrival, tries, age)
            for arrival, age in old
            for status, tries in [progress.get(arrival.id, (results.RECEIVED, 0))]
            if status == results.RECEIVED
        ]
        measure_seconds("OldestUnfinishedAge", max((age.total_seconds() for *_, age in stuck), default=0.0))
        failed = sum(not self._try_to_push(arrival, tries) for arrival, tries, _ in stuck)
        logger.info("swept", extra={"looked_at": len(old), "stuck": len(stuck), "failed": failed})
        if failed:
            raise SweepFailed(f"{failed} of {len(stuck)} stuck images could not be sent through again")
        return len(stuck)

    def _try_to_push(self, arrival: Arrival, tries: int) -> bool:
        """One image that cannot be dealt with must not keep the others waiting."""
        try:
            self._push(arrival, tries)
        except Exception:
            logger.exception("could not be swept", extra={"image": arrival.id})
            return False
        return True

    def _push(self, arrival: Arrival, tries: int) -> None:
        known = arrival.task_name in self.pipeline.tasks
        task_name = arrival.task_name if known else results.UNKNOWN_TASK
        base = self.pipeline.table.receive(results.received(arrival.id, task_name, arrival.way))
        if base is None:  # it got its result while we looked
            return
        if tries >= MAX_TRIES:
            error = GaveUp(
                f"This file got no result although it was sent through {MAX_TRIES} times. If others got "
                "theirs, it is at fault: export it again. If none did, see the alarms, then drop it again."
            )
            self.pipeline.quarantine(arrival, base, error)
            return
        self.pipeline.table.count_try(arrival.id)
        self.send_event(arrivals.event_for(arrival))

"""Sharding of the lists: while many images arrive, their results are spread over several partitions.

A partition of an index takes 1,000 units of writes a second, and an image takes three to four: one for each
kilobyte of an item that is written. So one partition takes 250 to 330 images a second. It also gives a page
of a list in one request, which several partitions cannot. So results share one partition except in sharded
periods. A period opens by itself after DynamoDB has refused writes to an index, or by `make shard-lists`
before a rush. It holds the results that arrive in it.

The periods are in one item of the results table. Processes read it at most once a minute, and a period begins
later than that after it was recorded: when a result is stored in a shard, every reader knows the period.
Readers look into the shared partition as well, so that it does not matter if a writer is late.
"""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from chalicelib.timestamps import timestamp

SHARED = ""
"""The partition of results that arrived outside of sharded periods."""
SHARDS = tuple(f"#{digit}" for digit in "0123456789abcdef")
"""What the partitions of sharded results have behind their names: the last digit of the image's id."""

DAYS = 7.0
"""Length of a period that opens by itself."""
_ITEM = "sharded-periods"
"""Id of the item that holds the periods. Without a status, it is no result."""
MAX_AGE = 60
"""Seconds for which a process uses the periods that it has read."""
_NOTICE = 90
"""Seconds, at least, from the record of a period to its beginning. More than `MAX_AGE`: clocks differ."""
_GRACE = 120
"""Seconds after which no process writes to the shards of a closed period any more."""
_MAX_TRIES = 10
_THROTTLED = ("ProvisionedThroughputExceededException", "RequestLimitExceeded", "ThrottlingException")
_HOT_PARTITION = "IndexWriteKeyRangeThroughputExceeded"
"""DynamoDB's reason if a partition of an index is what refused a write."""


@dataclass(frozen=True)
class Period:
    """A sharded period. Times are in the format of `created_at`."""

    since: str
    until: str
    """The end, exclusive."""
    closed_at: str | None = None
    """Since when nothing is written to its shards, so that they can be emptied; None while it is open."""

    def covers(self, moment: str) -> bool:
        """Whether a result that arrives at `moment` belongs to a shard."""
        return self.closed_at is None and self.since <= moment < self.until

    def is_at_rest(self, now: datetime) -> bool:
        """Whether it was closed so long ago that every process knows."""
        return self.closed_at is not None and timestamp(now - timedelta(seconds=_GRACE)) >= self.closed_at

    @property
    def last_arrival(self) -> str:
        """A time after which nothing has been stored in a shard because of this closed period."""
        closed = datetime.fromisoformat(self.closed_at or self.until)
        return timestamp(closed + timedelta(seconds=_NOTICE))


class ShardedPeriods:
    """Reads and records the sharded periods. `table` is a boto3 Table, the results table."""

    def __init__(self, table: Any):
        self._table = table
        errors = table.meta.client.exceptions
        self._conflict, self._error = errors.ConditionalCheckFailedException, errors.ClientError
        self._known: tuple[Period, ...] = ()
        self._read_at = 0.0

    def known(self) -> tuple[Period, ...]:
        """The periods, as they were a minute ago at most."""
        # Not time.monotonic(): it may stand still while Lambda keeps the process for a later request.
        if abs(time.time() - self._read_at) >= MAX_AGE:
            self._read()
        return self._known

    def shard(self, image_id: str, created_at: str) -> str:
        """The shard of a result, or `SHARED`."""
        if any(period.covers(created_at) for period in self.known()):
            return SHARDS[int(image_id[-1], 16)]
        return SHARED

    @contextmanager
    def opened_if_refused(self) -> Iterator[None]:
        """Open a period if DynamoDB refuses a write because too many came at once; pass the error on."""
        try:
            yield
        except self._error as error:
            if _is_hot(error.response):
                with suppress(self._error):  # the next refused write tries again
                    self.open()
            raise

    def open(self, days: float | None = None) -> Period:
        """Make sure that results are spread over the shards, from about two minutes on.

        Args:
            days: length of the period; None for `DAYS`, unless a period is open then anyway.

        Returns:
            The new period, or the one that makes it unnecessary.
        """
        for _ in range(_MAX_TRIES):
            periods, revision = self._read()
            wanted = _next_period(DAYS if days is None else days)
            for period in periods:
                if period.covers(wanted.since) and (days is None or period.until >= wanted.until):
                    return period
            if self._write((*periods, wanted), revision):
                return wanted
        raise ShardingFailed

    def close(self) -> tuple[Period, ...]:
        """Close all periods, and return them: later results are written to the shared partition."""
        for _ in range(_MAX_TRIES):
            periods, revision = self._read()
            at = timestamp(datetime.now(UTC))
            closed = tuple(
                period if period.closed_at else replace(period, closed_at=at) for period in periods
            )
            if closed == periods or self._write(closed, revision):
                return closed
        raise ShardingFailed

    def forget(self, emptied: tuple[Period, ...]) -> None:
        """Remove periods whose shards are empty."""
        for _ in range(_MAX_TRIES):
            periods, revision = self._read()
            if self._write(tuple(period for period in periods if period not in emptied), revision):
                return
        raise ShardingFailed

    def _read(self) -> tuple[tuple[Period, ...], int]:
        """The periods as they are now, and the revision of their item."""
        item = self._table.get_item(Key={"id": _ITEM}, ConsistentRead=True).get("Item", {})
        self._known = tuple(Period(**period) for period in item.get("periods", ()))
        self._read_at = time.time()
        return self._known, int(item.get("revision", 0))

    def _write(self, periods: tuple[Period, ...], revision: int) -> bool:
        """Whether the periods have been recorded; False if somebody else has changed them."""
        try:
            self._table.put_item(
                Item={
                    "id": _ITEM,
                    "revision": revision + 1,
                    "periods": [asdict(period) for period in periods],
                },
                ConditionExpression="attribute_not_exists(id) OR revision = :revision",
                ExpressionAttributeValues={":revision": revision},
            )
        except self._conflict:
            return False
        self._known = periods
        return True


class ShardingFailed(Exception):
    """Others changed the sharded periods each time."""


def _next_period(days: float) -> Period:
    """A period that begins with a full minute, so that those who open it at the same time agree."""
    start = datetime.now(UTC) + timedelta(seconds=_NOTICE + 60)
    start = start.replace(second=0, microsecond=0)
    return Period(timestamp(start), timestamp(start + timedelta(days=days)))


def _is_hot(answer: Mapping[str, Any]) -> bool:
    """Whether an index may have refused a write, because a partition of it had too many."""
    if answer["Error"]["Code"] not in _THROTTLED:
        return False
    reasons = answer.get("ThrottlingReasons") or answer.get("throttlingReasons") or ()
    return not reasons or any(reason.get("reason") == _HOT_PARTITION for reason in reasons)

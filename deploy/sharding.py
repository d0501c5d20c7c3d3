"""Shard a stage's lists before many images arrive, or undo that: `python -m deploy.sharding STAGE`.

No result has to be moved for sharding: those that have arrived stay where they are, and lists read both.
Afterwards, `--undo` moves results back into the shared partitions, so that a page of them takes one request
again, and an earlier version of the application can read them. Safe to repeat and to interrupt, also while
the stage is in use.
"""

import argparse
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from itertools import batched, chain

from chalicelib.results.sharding import SHARDS, Period, ShardingFailed
from chalicelib.results.table import ResultsTable
from deploy import failures, restore, stages
from deploy.progress import say, step

DAYS = 7.0
RATE = 400.0
"""Units of capacity a second that moving results may take of one index. It writes an entry of the shared
partition and deletes one of a shard, so the shared partition gets half of it, of the 1,000 that it takes."""
PAUSE = 5.0
"""Seconds between two looks at what is not at rest yet."""
_BATCH = 100


def main() -> None:
    """Run the command; exit with a message if it fails."""
    parser = argparse.ArgumentParser(description="Shard the lists of a stage, or undo that.")
    parser.add_argument("stage", help="name of the installation, for example prod")
    parser.add_argument(
        "--days", type=float, default=DAYS, help="for how many days, from now on; %(default)g by default"
    )
    parser.add_argument("--undo", action="store_true", help="move all results into the shared partitions")
    parser.add_argument(
        "--rate",
        type=float,
        default=RATE,
        help="units of capacity a second that --undo may take of an index; %(default)g by default",
    )
    arguments = parser.parse_args()
    unchanged = "Nothing is lost; the same command continues from here."
    with failures.reported("Not done.", ShardingFailed, rest=lambda: [unchanged]):
        settings = stages.deployed(arguments.stage)
        _, table = restore.connect(settings["DATA_BUCKET"], settings["RESULTS_TABLE"])
        if arguments.undo:
            moved = unshard(table, Pace(arguments.rate))
            step(f"{moved} results moved; all lists are in their shared partitions")
        else:
            period = table.sharding.open(arguments.days)
            span = f"from {period.since} to {period.until}"
            step(f"Results that arrive {span} are spread over {len(SHARDS)} shards")


class Pace:
    """Keeps an average rate, in units a second."""

    def __init__(self, rate: float) -> None:
        self._rate = rate
        self._begun = time.monotonic()
        self._units = 0.0

    def add(self, units: float) -> None:
        """Count units that have been taken, and wait until the rate allows more."""
        self._units += units
        time.sleep(max(0.0, self._begun + self._units / self._rate - time.monotonic()))


def unshard(table: ResultsTable, pace: Pace) -> int:
    """Close all sharded periods, empty their shards and forget them; return how many results were moved."""
    periods = table.sharding.close()
    if not periods:
        return 0
    _wait_for_rest(periods)
    # A period that opens meanwhile holds later results only.
    before = max(period.last_arrival for period in periods)
    moved = 0
    while found := _empty(
        table, before, pace, moved
    ):  # until a pass finds nothing: indexes follow with a delay
        moved += found
    table.sharding.forget(periods)
    return moved


def _wait_for_rest(periods: tuple[Period, ...]) -> None:
    told = False
    while not all(period.is_at_rest(datetime.now(UTC)) for period in periods):
        if not told:
            say("waiting two minutes, until every process knows that nothing is sharded any more")
            told = True
        time.sleep(PAUSE)


def _empty(table: ResultsTable, before: str, pace: Pace, moved: int) -> int:
    """One pass over all shards; return how many results it found there."""
    found = 0
    ids = chain.from_iterable(table.sharded(shard, before) for shard in SHARDS)
    with ThreadPoolExecutor(restore.THREADS) as threads:
        for batch in batched(ids, _BATCH):
            pace.add(sum(threads.map(table.unshard, batch)))
            found += len(batch)
            say(f"{moved + found} results moved")
    return found


if __name__ == "__main__":
    main()

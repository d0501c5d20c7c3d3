"""Adds results that earlier versions stored to the index by probability. Safe to repeat."""

from concurrent.futures import ThreadPoolExecutor

from chalicelib.results.table import ResultsTable
from deploy.progress import say
from deploy.restore import THREADS


def complete(table: ResultsTable) -> None:
    """Add what the index lacks.

    This reads the whole index `by-time`, because nothing else tells which results the other one lacks.
    """
    with ThreadPoolExecutor(THREADS) as threads:
        added = sum(1 for _ in threads.map(table.index_probability, table.unindexed()))
    say(f"{added} results of earlier versions added" if added else "complete")

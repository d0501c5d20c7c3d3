"""Answers how often the readers of a task's images agree."""

import time
from collections.abc import Callable
from dataclasses import replace

from chalicelib.api import queries
from chalicelib.api.parameters import Query
from chalicelib.api.timed_reading import read_in_time
from chalicelib.monitoring.agreement import ATTRIBUTES, Agreement, ReaderAgreement
from chalicelib.results.table import ResultsTable
from chalicelib.tasks import Task


def answer(
    task: Task, query: Query, table: ResultsTable, clock: Callable[[], float] = time.monotonic
) -> Agreement:
    """Compare all readings of a task, the newest images first, while there is time to read them.

    Args:
        task: the task.
        query: may have the parameters `queries.STATISTICS`.
        table: of results.
        clock: the time in seconds.

    Raises:
        InvalidRequest: naming the parameter that is wrong.
    """
    model, images = queries.statistics(task, query)
    found = ReaderAgreement(task.name)
    pages = table.pages(replace(images, model=model, min_readers=1), ATTRIBUTES)
    return found.document(complete=read_in_time(pages, found.add, clock))

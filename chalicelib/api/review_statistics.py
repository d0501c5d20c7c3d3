"""Answers how a task's model compares with the people who review its answers."""

import time
from collections.abc import Callable

from chalicelib.api import queries
from chalicelib.api.parameters import Query
from chalicelib.api.timed_reading import read_in_time
from chalicelib.monitoring.review_statistics import ATTRIBUTES, ReviewComparison
from chalicelib.monitoring.review_statistics_document import ReviewStatistics
from chalicelib.results.table import ResultsTable
from chalicelib.tasks import Task


def answer(
    task: Task, query: Query, table: ResultsTable, clock: Callable[[], float] = time.monotonic
) -> ReviewStatistics:
    """Compare a task's model with its reviews, the newest images first, while there is time to read them.

    Args:
        task: the task.
        query: may have the parameters `queries.STATISTICS`.
        table: of results.
        clock: the time in seconds.

    Raises:
        InvalidRequest: naming the parameter that is wrong.
    """
    model, wanted = queries.statistics(task, query)
    comparison = ReviewComparison(task, model)
    pages = table.pages(wanted, ATTRIBUTES)
    return comparison.document(complete=read_in_time(pages, comparison.add, clock))

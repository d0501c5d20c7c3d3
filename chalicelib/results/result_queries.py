"""Reads many results at a time: pages, selections, and the newest answers of one model."""

import math
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from chalicelib.results.list_reader import ListReader
from chalicelib.results.place import Place
from chalicelib.results.result_document import CLASSIFIED, QUARANTINED, ListedResult
from chalicelib.results.selection import ALL, LISTED, Selection
from chalicelib.results.sharding import ShardedPeriods
from chalicelib.results.table_item import Item, has_expired, listed_result

_FILTERED_READ = 1000
"""Items read per request where a filter drops most of them."""
_MAX_READS = 20
"""Requests for one page. A short page with a cursor is better than more of them."""
_MAX_SECONDS = 8.0
"""Time to begin them. API Gateway waits 29 s, and a person less."""


class ResultQueries:
    """Lists of results. `resource` is a boto3 DynamoDB service resource."""

    def __init__(self, resource: Any, name: str):
        self._resource = resource
        self._name = name
        self._table = resource.Table(name)
        self.sharding = ShardedPeriods(self._table)

    def page(
        self, selection: Selection = ALL, limit: int = 50, cursor: str | None = None
    ) -> tuple[list[ListedResult], str | None]:
        """At most `limit` results of a selection, and the cursor of the next page (None at the end).

        Raises:
            InvalidRequest: if `cursor` was not made by this method for this selection.
        """
        # A filter drops items after they have been read, so one request may not fill the page.
        reads = _FILTERED_READ if selection.filtered else limit
        reader = self._reader(selection, LISTED, selection.place(cursor) if cursor else None, reads)
        results = _take(reader, LISTED, limit, time.monotonic() + _MAX_SECONDS)
        return results, None if reader.ended else selection.cursor(reader.place())

    def latest(self, task: str, sha256: str, limit: int) -> list[ListedResult]:
        """The newest answers of one model: label, probability, distance and created_at of each.

        Answers that lie far behind those of other models are not found.

        Args:
            task: name of the task.
            sha256: digest of the model's graph.
            limit: the largest number of answers to return.
        """
        selection = Selection(task=task, status=CLASSIFIED, sha256=sha256)
        attributes = ("label", "probability", "distance", "created_at")
        return _take(self._reader(selection, attributes, limit=_FILTERED_READ), attributes, limit, math.inf)

    def every(self, selection: Selection = ALL) -> Iterator[ListedResult]:
        """All results of a selection."""
        for page in self.pages(selection):
            yield from page

    def pages(
        self, selection: Selection = ALL, attributes: Sequence[str] = LISTED
    ) -> Iterator[list[ListedResult]]:
        """All results of a selection, page by page.

        A page holds the selected results among 1 MB of items, or 1 MB of each shard; it may be empty.

        Args:
            selection: the results wanted.
            attributes: the attributes wanted.
        """
        reader = self._reader(selection, attributes)
        while not reader.ended:
            reader.read()
            found: list[ListedResult] = []
            while not (reader.waiting or reader.ended):
                found += _listed(reader.take(), attributes)
            yield found

    def unindexed(self) -> Iterator[str]:
        """The ids of classified results that an earlier version stored without their indexed probability."""
        for page in self.pages(Selection(status=CLASSIFIED, unindexed=True), ("id",)):
            yield from (result["id"] for result in page)

    def finished(self) -> Iterator[str]:
        """The ids of all finished results, in no order. Reads the whole table: for repairs only."""
        scan = {
            "FilterExpression": "#status IN (:classified, :quarantined)",
            "ProjectionExpression": "id",
            "ExpressionAttributeNames": {"#status": "status"},
            "ExpressionAttributeValues": {":classified": CLASSIFIED, ":quarantined": QUARANTINED},
        }
        for items in read_all(self._table.scan, scan):
            yield from (item["id"] for item in items)

    def _reader(
        self,
        selection: Selection,
        attributes: Sequence[str],
        place: Place | None = None,
        limit: int | None = None,
    ) -> ListReader:
        needed = (*attributes, "status", "expires_at")
        return ListReader(self._table.query, selection, self.sharding.known(), needed, place, limit)


def _take(reader: ListReader, attributes: Sequence[str], limit: int, deadline: float) -> list[ListedResult]:
    """At most `limit` results. A short page with a cursor is better than many requests."""
    results: list[ListedResult] = []
    reads = 0
    while len(results) < limit and not reader.ended:
        if not reader.waiting:
            results += _listed(reader.take(), attributes)
        elif reads == _MAX_READS or (reads and time.monotonic() > deadline):
            break
        else:
            reader.read()
            reads += 1
    return results


def _listed(item: Item, attributes: Sequence[str]) -> Iterator[ListedResult]:
    """The wanted attributes of a result, unless it is a place of an upload that has expired."""
    if "status" in item and not has_expired(item):
        wanted = (*attributes, "expires_at")
        yield listed_result({name: value for name, value in item.items() if name in wanted})


def read_all(read: Callable[..., Any], request: dict[str, Any]) -> Iterator[list[Item]]:
    """The items that a query or scan finds, in pages as DynamoDB returns them."""
    start: dict[str, Any] = {}
    while True:
        page = read(**request, **start)
        yield page["Items"]
        if "LastEvaluatedKey" not in page:
            return
        start = {"ExclusiveStartKey": page["LastEvaluatedKey"]}

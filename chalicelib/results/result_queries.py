"""Reads many results at a time: pages, selections, and the newest answers of one model."""

import time
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

from chalicelib.results.result_document import CLASSIFIED, QUARANTINED, ListedResult
from chalicelib.results.selection import ALL, LISTED, Selection
from chalicelib.results.table_item import INDEXED_PROBABILITY, has_expired, listed_result
from chalicelib.storage.items import Key, to_cursor

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

    def page(
        self, selection: Selection = ALL, limit: int = 50, cursor: str | None = None
    ) -> tuple[list[ListedResult], str | None]:
        """At most `limit` results of a selection, and the cursor of the next page (None at the end).

        Raises:
            InvalidRequest: if `cursor` was not made by this method for this selection.
        """
        query = _with_expiry(selection.query())
        reads = _FILTERED_READ if "FilterExpression" in query else limit
        start = selection.start(cursor) if cursor else None
        deadline = time.monotonic() + _MAX_SECONDS
        end: Key | None = None
        results: list[ListedResult] = []
        # A filter drops items after they have been read, so one request may not fill the page.
        for items, last in islice(self._pages(query | {"Limit": reads}, start), _MAX_READS):
            results += _listed(items)
            end = last
            if len(results) >= limit or time.monotonic() > deadline:
                break
        if len(results) > limit:
            results = results[:limit]
            end = selection.key(results[-1])
        return results, to_cursor(end) if end else None

    def latest(self, task: str, sha256: str, limit: int) -> list[ListedResult]:
        """The newest answers of one model: label, probability, distance and created_at of each.

        Answers that lie far behind those of other models are not found.

        Args:
            task: name of the task.
            sha256: digest of the model's graph.
            limit: the largest number of answers to return.
        """
        names = {f"#{name}": name for name in ("label", "probability", "distance", "created_at")}
        query = {
            "IndexName": "by-task",
            "KeyConditionExpression": "#task = :task",
            "FilterExpression": "#status = :classified AND #model.#sha256 = :sha256",
            "ExpressionAttributeNames": names
            | {"#task": "task", "#status": "status", "#model": "model", "#sha256": "sha256"},
            "ExpressionAttributeValues": {":task": task, ":classified": CLASSIFIED, ":sha256": sha256},
            "ProjectionExpression": ", ".join(names),
            "ScanIndexForward": False,
            "Limit": _FILTERED_READ,
        }
        found: list[ListedResult] = []
        for items, _ in islice(self._pages(query), _MAX_READS):
            found += map(listed_result, items)
            if len(found) >= limit:
                break
        return found[:limit]

    def every(self, selection: Selection = ALL) -> Iterator[ListedResult]:
        """All results of a selection."""
        for page in self.pages(selection):
            yield from page

    def pages(
        self, selection: Selection = ALL, attributes: Sequence[str] = LISTED
    ) -> Iterator[list[ListedResult]]:
        """All results of a selection, in pages as DynamoDB returns them.

        A page holds the selected results among 1 MB of items; it may be empty.

        Args:
            selection: the results wanted.
            attributes: the attributes wanted; must include `status`.
        """
        for items, _ in self._pages(_with_expiry(selection.query(attributes))):
            yield list(_listed(items))

    def unindexed(self) -> Iterator[str]:
        """The ids of classified results that an earlier version stored without their indexed probability."""
        query = Selection(status=CLASSIFIED).query(("id",))
        query["FilterExpression"] += f" AND attribute_not_exists({INDEXED_PROBABILITY})"
        for items, _ in self._pages(query):
            yield from (item["id"] for item in items)

    def finished(self) -> Iterator[str]:
        """The ids of all finished results, in no order. Reads the whole table: for repairs only."""
        scan = {
            "FilterExpression": "#status IN (:classified, :quarantined)",
            "ProjectionExpression": "id",
            "ExpressionAttributeNames": {"#status": "status"},
            "ExpressionAttributeValues": {":classified": CLASSIFIED, ":quarantined": QUARANTINED},
        }
        for items, _ in self._pages(scan, read=self._table.scan):
            yield from (item["id"] for item in items)

    def _pages(
        self, request: dict[str, Any], start: Key | None = None, read: Any = None
    ) -> Iterator[tuple[list[dict[str, Any]], Key | None]]:
        """The items that a request finds, page by page, each page with the key at which it ends.

        Args:
            request: the arguments of `read`.
            start: the key behind which to begin; None for the beginning.
            read: the table's `query` (the default) or `scan`.
        """
        while True:
            page = (read or self._table.query)(**request, **({"ExclusiveStartKey": start} if start else {}))
            start = page.get("LastEvaluatedKey")
            yield page["Items"], start
            if not start:
                return


def _with_expiry(query: dict[str, Any]) -> dict[str, Any]:
    return query | {"ProjectionExpression": f"{query['ProjectionExpression']}, expires_at"}


def _listed(items: Iterable[dict[str, Any]]) -> Iterator[ListedResult]:
    return (listed_result(item) for item in items if "status" in item and not has_expired(item))

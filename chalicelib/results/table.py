"""The results table. One item per image; two indexes list them by time, one for all and one by task.

A third index, `unfinished`, holds only the images with something left to do: their items have two attributes
more, which the last write of every operation removes.
"""

import math
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, cast

from chalicelib.errors import UnknownResult
from chalicelib.results.result_document import (
    CLASSIFIED,
    FINISHED,
    QUARANTINED,
    RECEIVED,
    ListedResult,
    Result,
)
from chalicelib.results.selection import ALL, EVERYTHING, LISTED, Selection
from chalicelib.storage.items import Key, from_item, to_cursor, to_item
from chalicelib.timestamps import now

_UNUSED_UPLOAD_SECONDS = 24 * 3600

_BATCH = 100
"""Keys per BatchGetItem, the service's limit."""

_FILTERED_READ = 1000
"""Items looked at per request where a filter lets only some through."""
_MAX_READS = 20
"""Requests for one page; after that a short page and a cursor are the better answer."""

_SHARDS = "0123"
"""Partitions of the index `unfinished`: one takes 1,000 writes a second, and every image writes it twice."""
_HIDDEN = ("listing", "tries", "expires_at", "event", "revision", "pending", "unfinished", "unfinished_since")
"""Attributes of items that are no part of results."""


@dataclass(frozen=True)
class Entry:
    """An item: a result, and how far the work on it has got."""

    result: Result
    revision: int
    """Of the decision that the result is; see `decisions`."""
    pending: int | None
    """The revision that somebody has begun to write; None if nobody has."""
    unfinished_since: str | None
    """Since when something has been left to do; None if nothing is."""
    event: dict[str, Any] | None
    """The S3 event that announced the image, while it is unfinished. Its key may name a patient."""
    tries: int
    """How often the sweep has sent the image through again."""

    @property
    def finished(self) -> bool:
        """Whether the image has its result."""
        return self.result["status"] in FINISHED


class ResultsTable:
    """Reads and writes results. `resource` is a boto3 DynamoDB service resource."""

    def __init__(self, resource: Any, name: str):
        self._resource = resource
        self._name = name
        self._table = resource.Table(name)
        self._conflict = resource.meta.client.exceptions.ConditionalCheckFailedException

    def announce(self, result: Result) -> None:
        """Keep a place for an upload that is yet to come; it vanishes after a day if nothing comes."""
        expires = int(time.time()) + _UNUSED_UPLOAD_SECONDS
        self._table.put_item(Item=_item(result) | {"expires_at": expires})

    def receive(self, result: Result, event: dict[str, Any]) -> tuple[Entry, bool]:
        """Note that an image has arrived, and with which S3 event.

        Events arrive once, twice, or at the same time: the second one finds the first one's item.

        Returns:
            What the table holds now, and whether the image had arrived before.
        """
        mark = {"unfinished": _shard(result["id"]), "unfinished_since": now(), "event": event}
        while True:
            try:
                self._table.put_item(
                    Item=_item(result) | mark,
                    ConditionExpression="attribute_not_exists(#status)",
                    ExpressionAttributeNames={"#status": "status"},
                )
                return _entry(_item(result) | mark), False
            except self._conflict:
                item = self._receive_again(result["id"], mark)
            if item is None:
                item = self._item_of(result["id"])
            if item:
                return _entry(item | mark if item["status"] == RECEIVED else item), "unfinished" in item

    def _receive_again(self, image_id: str, mark: dict[str, Any]) -> dict[str, Any] | None:
        """The item before it was marked; None if it is finished, or has expired in this moment."""
        try:
            response = self._table.update_item(
                Key={"id": image_id},
                UpdateExpression=(
                    "SET unfinished = :unfinished, #event = :event, "
                    "unfinished_since = if_not_exists(unfinished_since, :unfinished_since) REMOVE expires_at"
                ),
                ConditionExpression="attribute_exists(id) AND #status = :received",
                ExpressionAttributeNames={"#status": "status", "#event": "event"},
                ExpressionAttributeValues=to_item(
                    {f":{name}": value for name, value in mark.items()} | {":received": RECEIVED}
                ),
                ReturnValues="ALL_OLD",
            )
        except self._conflict:
            return None
        item: dict[str, Any] = response["Attributes"]
        return item

    def finish(self, result: Result, revision: int = 0) -> bool:
        """Store the final result of an image; False if it had one already."""
        try:
            self._table.put_item(
                Item=_item(result, revision),
                ConditionExpression="attribute_not_exists(#status) OR #status = :received",
                ExpressionAttributeNames={"#status": "status"},
                ExpressionAttributeValues={":received": RECEIVED},
            )
        except self._conflict:
            return False
        return True

    def begin_change(self, image_id: str, revision: int) -> None:
        """Mark a finished result as about to be changed, until `end_change` of this revision or a later one.

        If the change stops half-way, the mark lets the sweep find it.
        """
        try:
            self._table.update_item(
                Key={"id": image_id},
                UpdateExpression="SET unfinished = :shard, unfinished_since = :now, pending = :revision",
                ConditionExpression=(
                    "attribute_exists(id) AND #status <> :received "
                    "AND (attribute_not_exists(pending) OR pending < :revision)"
                ),
                ExpressionAttributeNames={"#status": "status"},
                ExpressionAttributeValues={
                    ":shard": _shard(image_id),
                    ":now": now(),
                    ":revision": revision,
                    ":received": RECEIVED,
                },
            )
        except self._conflict:
            return  # somebody else has begun to write the same revision, or a later one

    def end_change(self, result: Result, revision: int, pending: int | None = None) -> bool:
        """Store a result as it was changed, and take the mark off; False if a later change is under way.

        Args:
            result: as it is now.
            revision: of the result.
            pending: the latest revision whose writer is known to be gone or done; `revision` itself if None.
        """
        try:
            self._table.put_item(
                Item=_item(result, revision),
                ConditionExpression=(
                    "attribute_not_exists(#status) OR #status = :received OR "
                    "((attribute_not_exists(pending) OR pending <= :pending) AND "
                    "(attribute_not_exists(revision) OR revision <= :revision))"
                ),
                ExpressionAttributeNames={"#status": "status"},
                ExpressionAttributeValues={
                    ":received": RECEIVED,
                    ":pending": revision if pending is None else pending,
                    ":revision": revision,
                },
            )
        except self._conflict:
            return False
        return True

    def unfinished(self) -> Iterator[Iterator[tuple[str, str]]]:
        """The images with something left to do: id and since when, the oldest first, in several series."""
        return (self._unfinished(shard) for shard in _SHARDS)

    def _unfinished(self, shard: str) -> Iterator[tuple[str, str]]:
        query = {
            "IndexName": "unfinished",
            "KeyConditionExpression": "unfinished = :shard",
            "ExpressionAttributeValues": {":shard": shard},
            "Limit": _BATCH,
        }
        for items in self._pages(query):
            for item in items:
                yield item["id"], item["unfinished_since"]

    def finished(self) -> Iterator[str]:
        """The ids of all finished results, in no order. Reads the whole table: for repairs only."""
        start = None
        while True:
            page = self._table.scan(
                FilterExpression="#status IN (:classified, :quarantined)",
                ProjectionExpression="id",
                ExpressionAttributeNames={"#status": "status"},
                ExpressionAttributeValues={":classified": CLASSIFIED, ":quarantined": QUARANTINED},
                **_start(start),
            )
            yield from (item["id"] for item in page["Items"])
            start = page.get("LastEvaluatedKey")
            if not start:
                return

    def entry(self, image_id: str) -> Entry | None:
        """The item of one image, if there is one."""
        item = self._item_of(image_id)
        return _entry(item) if item else None

    def _item_of(self, image_id: str) -> dict[str, Any] | None:
        item = self._table.get_item(Key={"id": image_id}, ConsistentRead=True).get("Item")
        return item if item and "status" in item else None

    def find(self, image_id: str) -> Result | None:
        """The result of one image, if there is one."""
        item = self._item_of(image_id)
        return _result(item) if item and not _has_expired(item) else None

    def get(self, image_id: str) -> Result:
        """The result of one image.

        Raises:
            UnknownResult: if there is none.
        """
        result = self.find(image_id)
        if result is None:
            raise unknown_result()
        return result

    def count_try(self, image_id: str) -> None:
        """Note that the sweep sent an image through once more, if the image still has no result."""
        with suppress(self._conflict):
            self._table.update_item(
                Key={"id": image_id},
                UpdateExpression="ADD tries :one",
                ConditionExpression="attribute_exists(id) AND #status = :received",
                ExpressionAttributeNames={"#status": "status"},
                ExpressionAttributeValues={":one": 1, ":received": RECEIVED},
            )

    def progress(self, image_ids: list[str]) -> dict[str, tuple[str, bool]]:
        """By id, for those images the table knows: the status, and whether the sweep will find them."""
        known = {}
        image_ids = list(dict.fromkeys(image_ids))  # DynamoDB refuses repeated keys
        for start in range(0, len(image_ids), _BATCH):
            request: dict[str, Any] = {
                self._name: {
                    "Keys": [{"id": image_id} for image_id in image_ids[start : start + _BATCH]],
                    "ProjectionExpression": "id, #status, unfinished",
                    "ExpressionAttributeNames": {"#status": "status"},
                }
            }
            while request:
                response = self._resource.batch_get_item(RequestItems=request)
                for item in response["Responses"][self._name]:
                    if "status" in item:
                        known[item["id"]] = (item["status"], "unfinished" in item)
                request = response.get("UnprocessedKeys") or {}
                if request:
                    time.sleep(0.2)  # the table is busy
        return known

    def page(
        self, selection: Selection = ALL, limit: int = 50, cursor: str | None = None
    ) -> tuple[list[ListedResult], str | None]:
        """The first results of a selection, and the cursor of the page after them (None at the end).

        Raises:
            InvalidRequest: if `cursor` was not made by this method for this selection.
        """
        query = _with_expiry(selection.query())
        reads = _FILTERED_READ if "FilterExpression" in query else limit
        start = selection.start(cursor) if cursor else None
        results: list[ListedResult] = []
        for _ in range(_MAX_READS):
            # A filter thins out what was read, so reading goes on until enough is found.
            page = self._table.query(**query, **_start(start), Limit=reads)
            results += _shown(page["Items"])
            start = page.get("LastEvaluatedKey")
            if not start or len(results) >= limit:
                break
        if len(results) > limit:
            results = results[:limit]
            start = selection.key(results[-1])
        return results, to_cursor(start) if start else None

    def latest(self, task: str, sha256: str, most: int) -> list[ListedResult]:
        """The newest answers of one model, no more than `most`: label, probability, distance and created_at.

        Args:
            task: that the model answers for.
            sha256: of the model's graph.
            most: how many are wanted. Answers far behind those of other models are not found.
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
        start = None
        for _ in range(_MAX_READS):
            page = self._table.query(**query, **_start(start))
            found += map(_result, page["Items"])
            start = page.get("LastEvaluatedKey")
            if not start or len(found) >= most:
                break
        return found[:most]

    def every(self, selection: Selection = ALL) -> Iterator[ListedResult]:
        """All results of a selection."""
        for page in self.pages(selection):
            yield from page

    def pages(
        self, selection: Selection = ALL, attributes: Sequence[str] = LISTED
    ) -> Iterator[list[ListedResult]]:
        """All results of a selection with some of their attributes, as DynamoDB hands them out.

        A page holds what is selected of 1 MB of results, maybe nothing. `attributes` must include `status`.
        """
        for items in self._pages(_with_expiry(selection.query(attributes))):
            yield list(_shown(items))

    def _pages(self, query: dict[str, Any]) -> Iterator[list[dict[str, Any]]]:
        """The items that a query finds, page by page."""
        start = None
        while True:
            page = self._table.query(**query, **_start(start))
            yield page["Items"]
            start = page.get("LastEvaluatedKey")
            if not start:
                return


def unknown_result() -> UnknownResult:
    """What to answer if there is no result with an id."""
    return UnknownResult(
        "There is no result with this id. Ids come from an upload or from the list of results."
    )


def _start(key: Key | None) -> dict[str, Any]:
    return {"ExclusiveStartKey": key} if key else {}


def _shard(image_id: str) -> str:
    return _SHARDS[int(image_id[0], 16) % len(_SHARDS)]


def _item(result: Result, revision: int = 0) -> dict[str, Any]:
    return to_item(result) | {"listing": EVERYTHING} | ({"revision": revision} if revision else {})


def _entry(item: dict[str, Any]) -> Entry:
    hidden = from_item({name: item[name] for name in _HIDDEN if name in item})
    return Entry(
        _result(item),
        hidden.get("revision", 0),
        hidden.get("pending"),
        hidden.get("unfinished_since"),
        hidden.get("event"),
        hidden.get("tries", 0),
    )


def _with_expiry(query: dict[str, Any]) -> dict[str, Any]:
    return query | {"ProjectionExpression": f"{query['ProjectionExpression']}, expires_at"}


def _shown(items: Iterable[dict[str, Any]]) -> Iterator[ListedResult]:
    """The results that lists show: DynamoDB deletes what has expired when it finds the time, within days."""
    return (_result(item) for item in items if "status" in item and not _has_expired(item))


def _has_expired(item: dict[str, Any]) -> bool:
    return bool(item.get("expires_at", math.inf) <= time.time())


def _result(item: dict[str, Any]) -> Result:
    # Results that were stored before they held a distance have none.
    return cast(Result, {"distance": None} | from_item(item, *_HIDDEN))

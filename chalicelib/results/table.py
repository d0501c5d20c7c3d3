"""The results table. One item per image; two indexes list them by time, one for all and one by task.

A third index lists the classified results of a task by probability. `sharding` says which partitions of these
three hold a result. The fourth, `unfinished`, holds only images with work left to do. Their items have two
more attributes, which the last write of every operation removes.
"""

import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from chalicelib.errors import ResultDeleted, UnknownResult
from chalicelib.results.result_document import CLASSIFIED, DELETED, RECEIVED, Result
from chalicelib.results.result_queries import ResultQueries, read_all
from chalicelib.results.table_item import (
    INDEXED_PROBABILITY,
    Entry,
    has_expired,
    partition,
    result_item,
    result_of,
)
from chalicelib.storage.items import EVERYTHING, to_item
from chalicelib.timestamps import now

_UNUSED_UPLOAD_SECONDS = 3600
"""A form is valid for a quarter of an hour; a file that arrives even later than this gets its place back."""

_BATCH = 100
"""Keys per BatchGetItem, the service's limit."""

_SHARDS = "0123"
"""Partitions of the index `unfinished`. One takes 1,000 writes a second, and every image writes it twice."""


class ResultsTable(ResultQueries):
    """Reads and writes results. `resource` is a boto3 DynamoDB service resource."""

    def __init__(self, resource: Any, name: str):
        super().__init__(resource, name)
        self._conflict = resource.meta.client.exceptions.ConditionalCheckFailedException

    def _item(self, result: Result, revision: int = 0) -> dict[str, Any]:
        shard = self.sharding.shard(result["id"], result["created_at"])
        return result_item(result, revision, shard)

    def _put(self, **request: Any) -> None:
        with self.sharding.opened_if_refused():
            self._table.put_item(**request)

    def announce(self, result: Result) -> None:
        """Keep a place for an upload that is yet to come. It expires after an hour if nothing arrives."""
        expires = int(time.time()) + _UNUSED_UPLOAD_SECONDS
        self._put(Item=self._item(result) | {"expires_at": expires})

    def give_up(self, image_id: str) -> None:
        """Let the place of an upload expire now, unless the file has arrived; if it still does, it counts.

        Raises:
            UnknownResult: if there is no such place, and no result.
        """
        try:
            self._table.update_item(
                Key={"id": image_id},
                UpdateExpression="SET expires_at = :now",
                ConditionExpression="attribute_exists(expires_at)",
                ExpressionAttributeValues={":now": int(time.time())},
            )
        except self._conflict:
            if self._item_of(image_id) is None:
                raise unknown_result() from None

    def receive(self, result: Result, event: dict[str, Any]) -> tuple[Entry, bool]:
        """Record that an image has arrived, and with which S3 event.

        S3 may deliver an event more than once, also at the same time; later deliveries find the first one's
        item.

        Returns:
            The image's entry now, and whether the image had arrived before.
        """
        mark = {"unfinished": _shard(result["id"]), "unfinished_since": now(), "event": event}
        arrived = self._item(result) | mark
        while True:
            try:
                self._put(
                    Item=arrived,
                    ConditionExpression="attribute_not_exists(#status)",
                    ExpressionAttributeNames={"#status": "status"},
                )
                return Entry.of(arrived), False
            except self._conflict:
                item = self._receive_again(result["id"], mark)
            if item is None:
                item = self._item_of(result["id"])
            if item:
                return Entry.of(item | mark if item["status"] == RECEIVED else item), "unfinished" in item

    def _receive_again(self, image_id: str, mark: dict[str, Any]) -> dict[str, Any] | None:
        """The item before it was marked; None if it is finished, or has just expired."""
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
        return {name: value for name, value in item.items() if name != "expires_at"}

    def finish(self, result: Result, revision: int = 0, *, documented: bool = True) -> bool:
        """Store the final result of an image; False if it already has one.

        Args:
            result: the result.
            revision: its revision.
            documented: whether `results/` holds it. If not, the image is marked as unfinished until it does.
        """
        mark = {} if documented else {"unfinished": _shard(result["id"]), "unfinished_since": now()}
        try:
            self._put(
                Item=self._item(result, revision) | mark,
                ConditionExpression="attribute_not_exists(#status) OR #status = :received",
                ExpressionAttributeNames={"#status": "status"},
                ExpressionAttributeValues={":received": RECEIVED},
            )
        except self._conflict:
            return False
        return True

    def mark_documented(self, image_id: str) -> None:
        """Remove the mark of `finish`, unless somebody has begun to change the result, or has changed it."""
        with suppress(self._conflict):
            self._table.update_item(
                Key={"id": image_id},
                UpdateExpression="REMOVE unfinished, unfinished_since",
                ConditionExpression=(
                    "attribute_exists(id) AND #status = :classified "
                    "AND attribute_not_exists(pending) AND attribute_not_exists(revision)"
                ),
                ExpressionAttributeNames={"#status": "status"},
                ExpressionAttributeValues={":classified": CLASSIFIED},
            )

    def begin_change(self, image_id: str, revision: int) -> None:
        """Mark a finished result as about to change, until `end_change` of this or a later revision.

        The mark lets the sweeper find a change that was interrupted.
        """
        # Another writer may have begun the same revision, or a later one.
        with suppress(self._conflict):
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

    def end_change(self, result: Result, revision: int, pending: int | None = None) -> bool:
        """Store a changed result and remove the mark; False if a later change is in progress.

        Args:
            result: the changed result.
            revision: its revision.
            pending: the latest revision whose writer is known to have finished or died; `revision` if None.
        """
        item = self._item(result, revision)
        if result["status"] == DELETED:  # the sweeper has to delete what is stored of the image
            item |= _deletion_mark(result["id"])
        try:
            self._put(
                Item=item,
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

    def renew_deletion(self, image_id: str) -> None:
        """Mark a deleted result again, because its image is about to be stored again.

        The sweeper deletes nothing for the next ten minutes, and then only if the image has no new result.
        """
        with suppress(self._conflict):
            self._table.update_item(
                Key={"id": image_id},
                UpdateExpression="SET unfinished = :unfinished, unfinished_since = :unfinished_since",
                ConditionExpression="attribute_exists(id) AND #status = :deleted",
                ExpressionAttributeNames={"#status": "status"},
                ExpressionAttributeValues={
                    ":deleted": DELETED,
                    **{f":{name}": value for name, value in _deletion_mark(image_id).items()},
                },
            )

    def end_deletion(self, entry: Entry) -> None:
        """Remove the mark of a deleted result, unless it was renewed, or the image has a new result."""
        with suppress(self._conflict):
            self._table.update_item(
                Key={"id": entry.result["id"]},
                UpdateExpression="REMOVE unfinished, unfinished_since",
                ConditionExpression=(
                    "attribute_exists(id) AND #status = :deleted AND unfinished_since = :unfinished_since"
                ),
                ExpressionAttributeNames={"#status": "status"},
                ExpressionAttributeValues={":deleted": DELETED, ":unfinished_since": entry.unfinished_since},
            )

    def index_probability(self, image_id: str) -> None:
        """List a classified result by its probability, as if it had been stored by this version."""
        with suppress(self._conflict):
            self._table.update_item(
                Key={"id": image_id},
                UpdateExpression=f"SET {INDEXED_PROBABILITY} = probability",
                ConditionExpression="#status = :classified",
                ExpressionAttributeNames={"#status": "status"},
                ExpressionAttributeValues={":classified": CLASSIFIED},
            )

    def sharded(self, shard: str, before: str) -> Iterator[str]:
        """The ids of all results in a shard that arrived before a time, in the format of `created_at`."""
        query = {
            "IndexName": "by-time",
            "KeyConditionExpression": "listing = :shard AND created_at < :before",
            "ProjectionExpression": "id",
            "ExpressionAttributeValues": {":shard": partition(EVERYTHING, shard), ":before": before},
        }
        for items in read_all(self._table.query, query):
            yield from (item["id"] for item in items)

    def unshard(self, image_id: str) -> float:
        """Move a result from its shard to the shared partitions, unless it is there.

        Returns:
            The units of write capacity that this took of the index that it took most of.
        """
        item = self._item_of(image_id)
        if item is None or "#" not in item["listing"]:
            return 0.0
        listing, task = (item[name].partition("#")[0] for name in ("listing", "task"))
        try:
            response = self._table.update_item(
                Key={"id": image_id},
                UpdateExpression="SET listing = :listing, #task = :task",
                # A change in the meantime may have moved it, to the hidden ones for example.
                ConditionExpression="attribute_exists(id) AND listing = :sharded",
                ExpressionAttributeNames={"#task": "task"},
                ExpressionAttributeValues={
                    ":listing": listing,
                    ":sharded": item["listing"],
                    ":task": task,
                },
                ReturnConsumedCapacity="INDEXES",
            )
        except self._conflict:
            return 0.0
        taken = response.get("ConsumedCapacity", {}).get("GlobalSecondaryIndexes", {})
        return max((float(index["CapacityUnits"]) for index in taken.values()), default=0.0)

    def unfinished(self) -> Iterator[Iterator[tuple[str, str]]]:
        """Id and `unfinished_since` of every unfinished image, oldest first; one series per shard."""
        return (self._unfinished(shard) for shard in _SHARDS)

    def _unfinished(self, shard: str) -> Iterator[tuple[str, str]]:
        query = {
            "IndexName": "unfinished",
            "KeyConditionExpression": "unfinished = :shard",
            "ExpressionAttributeValues": {":shard": shard},
            "Limit": _BATCH,
        }
        for items in read_all(self._table.query, query):
            for item in items:
                yield item["id"], item["unfinished_since"]

    def entry(self, image_id: str) -> Entry | None:
        """The entry of one image, if there is one."""
        item = self._item_of(image_id)
        return Entry.of(item) if item else None

    def _item_of(self, image_id: str) -> dict[str, Any] | None:
        item = self._table.get_item(Key={"id": image_id}, ConsistentRead=True).get("Item")
        return item if item and "status" in item else None

    def find(self, image_id: str) -> Result | None:
        """The result of one image, if there is one; of a deleted one, what is left."""
        item = self._item_of(image_id)
        return result_of(item) if item and not has_expired(item) else None

    def get(self, image_id: str) -> Result:
        """The result of one image.

        Raises:
            UnknownResult: if there is none.
            ResultDeleted: if it has been deleted.
        """
        result = self.find(image_id)
        if result is None:
            raise unknown_result()
        if result["status"] == DELETED:
            raise deleted_result()
        return result

    def count_try(self, image_id: str) -> None:
        """Count that the sweeper has sent an image through again, unless the image has a result now."""
        with suppress(self._conflict):
            self._table.update_item(
                Key={"id": image_id},
                UpdateExpression="ADD tries :one",
                ConditionExpression="attribute_exists(id) AND #status = :received",
                ExpressionAttributeNames={"#status": "status"},
                ExpressionAttributeValues={":one": 1, ":received": RECEIVED},
            )

    def progress(self, image_ids: list[str]) -> dict[str, tuple[str, bool]]:
        """Status of each image the table knows, and whether it is in the index `unfinished`; by id."""
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


def unknown_result() -> UnknownResult:
    """The error for an id without a result."""
    return UnknownResult(
        "There is no result with this id. Ids come from an upload or from the list of results."
    )


def deleted_result() -> ResultDeleted:
    """The error for the id of a deleted result."""
    return ResultDeleted(
        "This result has been deleted for good. To classify the image again, send it again, or drop it into "
        "the inbox under another name."
    )


def _deletion_mark(image_id: str) -> dict[str, str]:
    return {"unfinished": _shard(image_id), "unfinished_since": now()}


def _shard(image_id: str) -> str:
    return _SHARDS[int(image_id[0], 16) % len(_SHARDS)]

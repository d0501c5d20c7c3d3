"""The results table. One item per image; two indexes list them by time, one for all and one by task."""

import time
from collections.abc import Iterator, Sequence
from typing import Any

from chalicelib.errors import NotClassified, UnknownResult
from chalicelib.items import Key, from_item, to_cursor, to_item
from chalicelib.listing import ALL, EVERYTHING, LISTED, Selection
from chalicelib.results import CLASSIFIED, RECEIVED, Result

_UNUSED_UPLOAD_SECONDS = 24 * 3600

_BATCH = 100
"""Keys per BatchGetItem, the service's limit."""

_FILTERED_READ = 1000
"""Items looked at per request where a filter lets only some through."""
_MOST_READS = 20
"""Requests for one page; after that a short page and a cursor are the better answer."""


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

    def receive(self, result: Result) -> Result | None:
        """Note that an image has arrived; None if it has been dealt with before.

        Events arrive once, twice, or at the same time: whoever comes second finds the first one's item.
        """
        try:
            self._table.put_item(Item=_item(result), ConditionExpression="attribute_not_exists(id)")
            return result
        except self._conflict:
            earlier = self.get(result["id"])
        if earlier["status"] != RECEIVED:
            return None
        self._table.update_item(Key={"id": result["id"]}, UpdateExpression="REMOVE expires_at")
        return earlier

    def finish(self, result: Result) -> bool:
        """Store the final result of an image; False if it had one already."""
        try:
            self._table.put_item(
                Item=_item(result),
                ConditionExpression="attribute_not_exists(id) OR #status = :received",
                ExpressionAttributeNames={"#status": "status"},
                ExpressionAttributeValues={":received": RECEIVED},
            )
        except self._conflict:
            return False
        return True

    def replace(self, result: Result) -> Result:
        """Store a newer model's result of an image that may have one already; its review is kept."""
        while True:
            earlier = self.find(result["id"])
            result = result | {"review": earlier["review"] if earlier else None}
            try:
                self._table.put_item(
                    Item=_item(result),
                    ConditionExpression="attribute_not_exists(id) OR review = :review",
                    ExpressionAttributeValues={":review": result["review"]},
                )
            except self._conflict:
                continue  # somebody reviewed it in between
            return result

    def find(self, image_id: str) -> Result | None:
        """The result of one image, if there is one."""
        item = self._table.get_item(Key={"id": image_id}, ConsistentRead=True).get("Item")
        return _result(item) if item else None

    def get(self, image_id: str) -> Result:
        """The result of one image.

        Raises:
            UnknownResult: if there is none.
        """
        result = self.find(image_id)
        if result is None:
            raise UnknownResult(
                "There is no result with this id. Ids come from an upload or from the list of results."
            )
        return result

    def review(self, image_id: str, review: dict[str, str | None] | None) -> Result:
        """Add a person's judgement to a classified image; None takes it off again.

        Raises:
            NotClassified: if it is not classified (any more).
        """
        try:
            response = self._table.update_item(
                Key={"id": image_id},
                UpdateExpression="SET review = :review",
                ConditionExpression="#status = :classified",
                ExpressionAttributeNames={"#status": "status"},
                ExpressionAttributeValues={":review": review, ":classified": CLASSIFIED},
                ReturnValues="ALL_NEW",
            )
        except self._conflict:
            raise NotClassified(
                "This image has no classification yet, so there is nothing to review."
            ) from None
        return _result(response["Attributes"])

    def count_try(self, image_id: str) -> None:
        """Note that the sweep sent an image through once more; the table must know the image."""
        self._table.update_item(
            Key={"id": image_id},
            UpdateExpression="ADD tries :one",
            ExpressionAttributeValues={":one": 1},
        )

    def progress(self, image_ids: list[str]) -> dict[str, tuple[str, int]]:
        """Status and number of tries, by id, of those images the table knows."""
        known = {}
        image_ids = list(dict.fromkeys(image_ids))  # DynamoDB refuses repeated keys
        for start in range(0, len(image_ids), _BATCH):
            request: dict[str, Any] = {
                self._name: {
                    "Keys": [{"id": image_id} for image_id in image_ids[start : start + _BATCH]],
                    "ProjectionExpression": "id, #status, tries",
                    "ExpressionAttributeNames": {"#status": "status"},
                }
            }
            while request:
                response = self._resource.batch_get_item(RequestItems=request)
                for item in response["Responses"][self._name]:
                    known[item["id"]] = (item["status"], int(item.get("tries", 0)))
                request = response.get("UnprocessedKeys") or {}
                if request:
                    time.sleep(0.2)  # the table is busy
        return known

    def page(
        self, selection: Selection = ALL, limit: int = 50, cursor: str | None = None
    ) -> tuple[list[Result], str | None]:
        """The first results of a selection, and the cursor of the page after them (None at the end).

        Raises:
            InvalidRequest: if `cursor` was not made by this method for this selection.
        """
        query = selection.query()
        reads = _FILTERED_READ if "FilterExpression" in query else limit
        start = selection.start(cursor) if cursor else None
        results: list[Result] = []
        for _ in range(_MOST_READS):
            # A filter thins out what was read, so reading goes on until enough is found.
            page = self._table.query(**query, **_start(start), Limit=reads)
            results += map(_result, page["Items"])
            start = page.get("LastEvaluatedKey")
            if not start or len(results) >= limit:
                break
        if len(results) > limit:
            results = results[:limit]
            start = selection.key(results[-1])
        return results, to_cursor(start) if start else None

    def latest(self, task: str, sha256: str, most: int) -> list[Result]:
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
        found: list[Result] = []
        start = None
        for _ in range(_MOST_READS):
            page = self._table.query(**query, **_start(start))
            found += map(_result, page["Items"])
            start = page.get("LastEvaluatedKey")
            if not start or len(found) >= most:
                break
        return found[:most]

    def every(self, selection: Selection = ALL) -> Iterator[Result]:
        """All results of a selection."""
        for page in self.pages(selection):
            yield from page

    def pages(self, selection: Selection = ALL, attributes: Sequence[str] = LISTED) -> Iterator[list[Result]]:
        """All results of a selection with some of their attributes, as DynamoDB hands them out.

        A page holds what is selected of 1 MB of results, which may be nothing.
        """
        query, start = selection.query(attributes), None
        while True:
            page = self._table.query(**query, **_start(start))
            yield [_result(item) for item in page["Items"]]
            start = page.get("LastEvaluatedKey")
            if not start:
                return


def _start(key: Key | None) -> dict[str, Any]:
    return {"ExclusiveStartKey": key} if key else {}


def _item(result: Result) -> dict[str, Any]:
    return to_item(result) | {"listing": EVERYTHING}


def _result(item: dict[str, Any]) -> Result:
    # Results that were stored before they held a distance have none.
    return {"distance": None} | from_item(item, "listing", "tries", "expires_at")

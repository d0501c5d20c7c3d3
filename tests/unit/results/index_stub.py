"""The indexes of the results table, in memory. They answer queries as DynamoDB does, with two filters."""

import re
from decimal import Decimal
from operator import gt, lt
from types import SimpleNamespace
from typing import Any

from chalicelib.results.result_document import Result
from chalicelib.results.result_queries import ResultQueries
from chalicelib.results.sharding import Period
from chalicelib.results.table_item import Item, result_item

_INDEXES = {
    "by-time": ("listing", "created_at"),
    "by-task": ("task", "created_at"),
    "by-probability": ("task", "indexed_probability"),
}
_CONDITION = re.compile(r"#(\w+) = :partition(?: AND #(\w+) BETWEEN :first AND :last)?")
_FILTER = re.compile(r"#(\w+) (?:= :(\w+)|BETWEEN :(\w+) AND :(\w+))")


class IndexStub:
    """A boto3 Table, as far as `ResultQueries` uses it."""

    def __init__(self) -> None:
        self.items: dict[str, Item] = {}
        self.queries = 0
        conflict = type("Conflict", (Exception,), {})
        exceptions = SimpleNamespace(ConditionalCheckFailedException=conflict, ClientError=conflict)
        self.meta = SimpleNamespace(client=SimpleNamespace(exceptions=exceptions))

    def store(self, result: Result, shard: str = "") -> None:
        """Store a result in a shard."""
        self.items[result["id"]] = result_item(result, shard=shard)

    def query(self, **request: Any) -> dict[str, Any]:
        """Answer a Query."""
        self.queries += 1
        partition, order = _INDEXES[request["IndexName"]]
        found = _CONDITION.fullmatch(request["KeyConditionExpression"])
        assert found, request["KeyConditionExpression"]
        assert found[1] == partition
        values = request["ExpressionAttributeValues"]
        first, last = values.get(":first"), values.get(":last")
        assert first is None or (found[2] == order and first <= last), "refused by DynamoDB"

        def place(item: Item) -> tuple[Any, str]:
            return item[order], item["id"][::-1]  # nothing says how DynamoDB orders equal ones

        items = [item for item in self.items.values() if item[partition] == values[":partition"]]
        items = [item for item in items if order in item and (first is None or first <= item[order] <= last)]
        items.sort(key=place, reverse=not request["ScanIndexForward"])
        if start := request.get("ExclusiveStartKey"):
            assert start.keys() == {"id", partition, order}
            assert start[partition] == values[":partition"], "refused by DynamoDB"
            assert first is None or first <= start[order] <= last, "refused by DynamoDB"
            before = place(start)
            ahead = gt if request["ScanIndexForward"] else lt
            items = [item for item in items if ahead(place(item), before)]
        page = items[: request.get("Limit", len(items))]
        filters = _FILTER.findall(request.get("FilterExpression", ""))
        names = request["ExpressionAttributeNames"]
        wanted = [names[name.strip()] for name in request["ProjectionExpression"].split(",")]
        answer: dict[str, Any] = {
            "Items": [
                {name: item[name] for name in wanted if name in item}
                for item in page
                if all(
                    item[name] == values[f":{value}"]
                    if value
                    else values[f":{least}"] <= item[name] <= values[f":{most}"]
                    for name, value, least, most in filters
                )
            ]
        }
        if "Limit" in request and len(page) == request["Limit"]:
            answer["LastEvaluatedKey"] = {name: page[-1][name] for name in ("id", partition, order)}
        return answer


def queries(stub: IndexStub, *periods: Period) -> ResultQueries:
    """Lists of what a stub holds."""
    made = ResultQueries(SimpleNamespace(Table=lambda _: stub), "results")
    made.sharding = SimpleNamespace(known=lambda: periods)  # type: ignore[assignment]
    return made


def order_of(item: Item, by_probability: bool) -> str | Decimal:
    """What orders an item."""
    found: str | Decimal = item["indexed_probability" if by_probability else "created_at"]
    return found

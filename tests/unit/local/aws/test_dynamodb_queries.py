"""Queries of the emulator's DynamoDB: those of one page give what ministack's own do."""

import json
import random
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from ministack.services import dynamodb

from local.aws import dynamodb_queries

TABLE = "negatoscope-queries"
NUMBER = 100
MAX_PAGE_BYTES = 10_000
PATCHED = (
    "_tokenize",
    "_condition_syntax_error",
    "_number_size_bytes",
    "_item_size_bytes",
    "_index_members",
    "_index_item",
    "_query",
)

type Request = dict[str, Any]


@pytest.fixture
def table(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    """A table with two tasks, whose results have one of twenty times, so that many have the same."""
    for name in PATCHED:
        monkeypatch.setattr(dynamodb, name, getattr(dynamodb, name))  # is restored at the end
    monkeypatch.setattr(dynamodb, "_DDB_PAGE_SIZE_BYTES", MAX_PAGE_BYTES)
    attributes = {"id": "S", "task": "S", "created_at": "S", "probability": "N"}

    def index(name: str, order: str, projection: str) -> Request:
        keys = {"task": "HASH", order: "RANGE"}
        return {
            "IndexName": name,
            "KeySchema": [{"AttributeName": key, "KeyType": kind} for key, kind in keys.items()],
            "Projection": {"ProjectionType": projection},
        }

    ask(
        dynamodb._create_table,
        {
            "TableName": TABLE,
            "BillingMode": "PAY_PER_REQUEST",
            "AttributeDefinitions": [
                {"AttributeName": name, "AttributeType": kind} for name, kind in attributes.items()
            ],
            "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
            "GlobalSecondaryIndexes": [
                index("by-task", "created_at", "ALL"),
                index("by-probability", "probability", "KEYS_ONLY"),
            ],
        },
    )
    for number in range(NUMBER):
        put(number)
    yield dynamodb._tables.get(TABLE)
    ask(dynamodb._delete_table, {"TableName": TABLE})


def put(number: int) -> None:
    """Write a result; every third has no probability, and is in one index only."""
    values = random.Random(number)
    item = {
        "id": {"S": f"{values.getrandbits(64):x}"},
        "task": {"S": "even" if number % 2 == 0 else "odd"},
        "created_at": {"S": f"2026-11-{values.randint(10, 29)}"},
        "comment": {"S": "x" * values.randint(1, 1000)},
        "values": {"L": [{"N": str(values.random())} for _ in range(20)]},
    }
    if number % 3:
        item["probability"] = {"N": str(values.randint(1, 9) / 10)}
    ask(dynamodb._put_item, {"TableName": TABLE, "Item": item})


def ask(operation: Callable[[Request], Any], request: Request) -> Any:
    status, _, body = operation(request)
    assert status == 200, body
    return json.loads(body)


def requests() -> Iterator[Request]:
    """Queries of all kinds that the application makes."""
    period = {":from": {"S": "2026-11-15"}, ":to": {"S": "2026-11-20"}}
    no_limit: Request = {}
    for index in ("by-task", "by-probability"):
        for task in ("even", "none"):
            for forward in (True, False):
                for limit in ({"Limit": 7}, {"Limit": 1000}, no_limit):
                    request: Request = {
                        "TableName": TABLE,
                        "IndexName": index,
                        "KeyConditionExpression": "#task = :task",
                        "ExpressionAttributeNames": {"#task": "task"},
                        "ExpressionAttributeValues": {":task": {"S": task}},
                        "ScanIndexForward": forward,
                    } | limit
                    yield request
                    if index == "by-probability":
                        continue
                    condition = request["KeyConditionExpression"]
                    yield request | {
                        "KeyConditionExpression": f"{condition} AND #created_at BETWEEN :from AND :to",
                        "ExpressionAttributeNames": {"#task": "task", "#created_at": "created_at"},
                        "ExpressionAttributeValues": request["ExpressionAttributeValues"] | period,
                    }
                    yield request | {
                        "FilterExpression": "#probability > :half",
                        "ExpressionAttributeNames": {"#task": "task", "#probability": "probability"},
                        "ExpressionAttributeValues": request["ExpressionAttributeValues"]
                        | {":half": {"N": "0.5"}},
                    }


def pages(request: Request) -> list[Any]:
    """All pages of a query."""
    found: list[Any] = []
    start: Request = {}
    while True:
        found.append(ask(dynamodb._query, request | start))
        if "LastEvaluatedKey" not in found[-1]:
            return found
        start = {"ExclusiveStartKey": found[-1]["LastEvaluatedKey"]}


def test_pages_are_those_of_ministack(table: dict[str, Any]) -> None:
    expected = [pages(request) for request in requests()]
    assert max(map(len, expected)) > 5
    table.pop(dynamodb._INDEX_MEMBERS)
    dynamodb_queries.install()
    assert [pages(request) for request in requests()] == expected


def test_indexes_follow_writes(table: dict[str, Any]) -> None:
    dynamodb_queries.install()
    table.pop(dynamodb._INDEX_MEMBERS, None)
    for request in requests():
        pages(request)
    put(NUMBER + 2)
    changed, deleted = list(table["items"])[:2]
    key = {"TableName": TABLE, "Key": {"id": {"S": changed}}}
    ask(
        dynamodb._update_item,
        key
        | {
            "UpdateExpression": "SET #task = :task, #created_at = :time REMOVE #probability",
            "ExpressionAttributeNames": {
                "#task": "task",
                "#created_at": "created_at",
                "#probability": "probability",
            },
            "ExpressionAttributeValues": {":task": {"S": "even"}, ":time": {"S": "2026-11-16"}},
        },
    )
    ask(dynamodb._delete_item, {"TableName": TABLE, "Key": {"id": {"S": deleted}}})
    found = [pages(request) for request in requests()]
    table.pop(dynamodb._INDEX_MEMBERS)  # is built again from all items
    assert [pages(request) for request in requests()] == found


def test_only_one_page_is_read(table: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    dynamodb_queries.install()
    table.pop(dynamodb._INDEX_MEMBERS, None)
    request = {**next(requests()), "Limit": 5}
    pages(request)
    evaluated: list[object] = []
    evaluate = dynamodb._evaluate_condition

    def count(expression: str, item: object, *others: object, **options: object) -> Any:
        evaluated.append(item)
        return evaluate(expression, item, *others, **options)

    monkeypatch.setattr(dynamodb, "_evaluate_condition", count)
    answer = ask(dynamodb._query, request)
    assert answer["ScannedCount"] == 5
    assert len(evaluated) == 6

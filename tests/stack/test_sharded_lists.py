"""The emulator's DynamoDB keeps lists whole before, in and after a sharded period."""

from collections.abc import Iterator
from typing import Any

import boto3
import pytest

from chalicelib.results.table import ResultsTable
from deploy import sharding
from local.account import REGION, ROOT_CREDENTIALS
from tests.cloud import make_table
from tests.stack.client import Client
from tests.unit.results import today
from tests.unit.results.items import classified, ids, second, walk

TABLE = "sharded-lists"
TASK = "mammography-views"


@pytest.fixture
def plain(client: Client) -> Iterator[Any]:
    """A table of an earlier version, for whose results a sharded period has been recorded."""
    credentials = {name.lower(): value for name, value in ROOT_CREDENTIALS.items()}
    dynamodb = boto3.resource(
        "dynamodb", endpoint_url=client.stack.aws_url, region_name=REGION, **credentials
    )
    make_table(dynamodb.meta.client, "ResultsTable", TABLE)
    table = dynamodb.Table(TABLE)
    for item in today.items():
        table.put_item(Item=item)
    record(table, None)
    yield dynamodb
    table.delete()


def record(table: Any, closed_at: str | None) -> None:
    period = {"since": second(20), "until": second(40), "closed_at": closed_at}
    table.put_item(Item={"id": "sharded-periods", "revision": 1, "periods": [period]})


def test_lists_are_whole_before_in_and_after_a_sharded_period(plain: Any) -> None:
    table = ResultsTable(plain, TABLE)
    for number in range(14, 50):
        table.finish(classified(number, probability=number / 100))
    arrived = ids(*range(49, 13, -1))

    def check() -> None:
        assert walk(table, limit=10) == [*arrived, *today.IN_LISTS]
        assert walk(table, limit=10, order="oldest") == [*today.IN_LISTS[::-1], *arrived[::-1]]
        of_task = ids(*range(9, -1, -1))
        assert walk(table, limit=10, task=TASK, status="classified") == [*arrived, *of_task]
        assert walk(table, limit=10, task=TASK, order="most-sure") == [*arrived, *of_task]

    check()
    record(plain.Table(TABLE), second(41))
    table = ResultsTable(plain, TABLE)
    assert sharding.unshard(table, sharding.Pace(1e9)) == 20
    check()
    assert table.sharding.known() == ()

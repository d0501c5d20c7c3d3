"""Sharded periods: when they open, who knows of them, and what they do to the writes of an index."""

from collections import Counter
from datetime import datetime, timedelta
from hashlib import sha256
from math import ceil
from random import Random
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from chalicelib.results import sharding
from chalicelib.results.selection import Selection
from chalicelib.results.sharding import SHARDS, ShardedPeriods, ShardingFailed
from chalicelib.results.table import ResultsTable
from chalicelib.timestamps import timestamp
from tests.stage import TABLE
from tests.unit.results.clock import START, Clock
from tests.unit.results.items import classified, ids, receive, result, second, walk

pytestmark = pytest.mark.usefixtures("cloud")


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    made.install(monkeypatch, sharding)
    monkeypatch.setattr(sharding, "time", made)
    return made


def process() -> ShardedPeriods:
    return ShardedPeriods(boto3.resource("dynamodb").Table(TABLE))


def test_period_begins_when_every_process_knows_it(clock: Clock) -> None:
    writer, reader = process(), process()
    assert reader.known() == ()
    clock.wait(1)
    period = writer.open()
    assert writer.known() == (period,)
    clock.wait(sharding.MAX_AGE - 2)
    assert reader.known() == ()
    clock.wait(1)
    assert reader.known() == (period,)
    # Clocks may differ by half a minute.
    assert datetime.fromisoformat(period.since) - clock.now >= timedelta(seconds=30)
    assert datetime.fromisoformat(period.since) <= START + timedelta(minutes=3)
    length = datetime.fromisoformat(period.until) - datetime.fromisoformat(period.since)
    assert length == timedelta(days=sharding.DAYS)


def test_open_period_is_not_opened_again(clock: Clock) -> None:
    one, other = process(), process()
    period = one.open()
    for seconds in (0, 30, 3600):
        clock.wait(seconds)
        assert other.open() == period
    assert other.open(1) == period
    longer = other.open(30)
    assert longer.until > period.until
    assert one.open() == period
    assert set(process().known()) == {period, longer}
    clock.wait(40 * 86400)
    assert process().open() not in (period, longer)


def test_shard_depends_on_id_and_arrival_only(clock: Clock) -> None:
    periods = process()
    assert periods.shard(f"{3:032x}", "2026-01-02T00:00:00.000000Z") == ""
    opened = periods.open(1)
    assert {periods.shard(f"{number:032x}", opened.since) for number in range(256)} == {*SHARDS}
    assert periods.shard(f"{3:032x}", opened.since) == process().shard(f"{3:032x}", opened.since) == "#3"
    assert periods.shard(f"{3:032x}", opened.until) == ""
    assert periods.shard(f"{3:032x}", second(1)) == ""


def test_two_that_open_a_period_at_once_do_not_lose_each_others(clock: Clock, monkeypatch: Any) -> None:
    one, other = process(), process()
    read, first = one._read, True

    def read_before_the_other_writes() -> Any:
        nonlocal first
        found = read()
        if first:
            first = False
            other.open(1)
        return found

    monkeypatch.setattr(one, "_read", read_before_the_other_writes)
    one.open(2)
    assert [period.until[:10] for period in process().known()] == ["2026-01-02", "2026-01-03"]


def test_change_ends_if_others_come_first_each_time(clock: Clock, monkeypatch: Any) -> None:
    periods = process()
    periods.open()
    monkeypatch.setattr(periods, "_write", lambda *_: False)
    for change in (lambda: periods.open(30), periods.close, lambda: periods.forget(())):
        with pytest.raises(ShardingFailed):
            change()


def refusal(code: str, reason: str | None) -> ClientError:
    response: Any = {"Error": {"Code": code, "Message": ""}}
    if reason:
        response["ThrottlingReasons"] = [{"reason": reason, "resource": "arn:aws:dynamodb:index"}]
    return ClientError(response, "PutItem")


HOT = "IndexWriteKeyRangeThroughputExceeded"


@pytest.mark.parametrize(
    ("code", "reason", "opens"),
    [
        ("ThrottlingException", HOT, True),
        ("ProvisionedThroughputExceededException", HOT, True),
        ("ProvisionedThroughputExceededException", None, True),
        ("ThrottlingException", "TableWriteMaxOnDemandThroughputExceeded", False),
        ("ThrottlingException", "TableWriteKeyRangeThroughputExceeded", False),
        ("ValidationException", None, False),
    ],
)
def test_refused_write_opens_a_period(
    clock: Clock, table: ResultsTable, monkeypatch: Any, code: str, reason: str | None, opens: bool
) -> None:
    put, refused = table._table.put_item, refusal(code, reason)

    def put_item(Item: dict[str, Any], **request: Any) -> Any:  # noqa: N803 - as boto3 calls it
        if "status" in Item:
            raise refused
        return put(Item=Item, **request)

    monkeypatch.setattr(table._table, "put_item", put_item)
    for write in (table.announce, lambda one: receive(table, one), table.finish):
        with pytest.raises(ClientError) as raised:
            write(result(1))
        assert raised.value is refused
    assert len(process().known()) == opens


def test_refused_write_stays_the_error_if_the_period_cannot_be_stored(
    clock: Clock, table: ResultsTable, monkeypatch: Any
) -> None:
    refused = refusal("ThrottlingException", HOT)

    def put_item(**_: Any) -> Any:
        raise refused

    monkeypatch.setattr(table._table, "put_item", put_item)
    with pytest.raises(ClientError) as raised:
        table.finish(result(1))
    assert raised.value is refused


def test_lists_are_whole_before_in_and_after_a_period(clock: Clock, table: ResultsTable) -> None:
    period = table.sharding.open(1)
    start = datetime.fromisoformat(period.since)
    for number in range(24):
        at = timestamp(start + timedelta(hours=2 * number - 12))
        table.finish(classified(number, created_at=at, probability=number / 100))
    table.end_change(classified(7, hidden="mistake", created_at=period.since), 1)

    shown = ids(*(number for number in reversed(range(24)) if number != 7))
    assert walk(table, limit=9) == shown
    assert walk(table, limit=9, order="oldest", tasks=("mammography-views",)) == shown[::-1]
    assert walk(table, limit=9, task="mammography-views", order="most-sure", label="left-cc") == shown
    assert walk(table, tasks=("chest-xray",)) == []
    assert walk(table, hidden=True) == walk(table, hidden=True, tasks=("mammography-views",)) == ids(7)
    listings = {item["listing"] for item in table._table.scan()["Items"] if "listing" in item}
    assert listings > {"all", "hidden/all"}
    assert len(listings) == 2 + 11  # of 12 results in the period, one is hidden; each has another last digit
    assert {one["task"] for one in table.every(Selection())} == {"mammography-views"}
    assert table.get(f"{12:032x}")["task"] == "mammography-views"


# ------------------------------------------------------------------------------------- units of capacity

PARTITION_TAKES = 1000
"""Units of write capacity a second."""


PARTITIONS = {"by-time": "listing", "by-task": "task", "by-probability": "task", "unfinished": "unfinished"}
"""The attribute that names the partition in each index."""


class Meter:
    """A boto3 Table that counts the units of write capacity that each partition of its indexes takes."""

    def __init__(self) -> None:
        self.units = Counter[tuple[str, str]]()
        self.items: dict[str, dict[str, Any]] = {}
        conflict = type("Conflict", (Exception,), {})
        exceptions = SimpleNamespace(ConditionalCheckFailedException=conflict, ClientError=conflict)
        self.meta = SimpleNamespace(client=SimpleNamespace(exceptions=exceptions))

    def get_item(self, Key: dict[str, str], **_: Any) -> dict[str, Any]:  # noqa: N803 - as boto3 calls it
        item = self.items.get(Key["id"])
        return {"Item": item} if item else {}

    def put_item(self, Item: dict[str, Any], **_: Any) -> None:  # noqa: N803
        before = self.items.get(Item["id"], {})
        self.items[Item["id"]] = Item
        for index, partition in PARTITIONS.items():
            old, new = (self._entry(index, partition, item) for item in (before, Item))
            if old and new and old[partition] == new[partition]:
                units = max(self._size(old), self._size(new)) if old != new else 0
                self.units[index, new[partition]] += units
            else:  # an entry is deleted, or one is made, or both
                for entry in filter(None, (old, new)):
                    self.units[index, entry[partition]] += self._size(entry)

    def _entry(self, index: str, partition: str, item: dict[str, Any]) -> dict[str, Any]:
        if partition not in item or (index == "by-probability" and "indexed_probability" not in item):
            return {}
        keys = ("id", "unfinished", "unfinished_since")
        return {name: item[name] for name in keys} if index == "unfinished" else item

    def _size(self, item: dict[str, Any]) -> int:
        """Units: one for each kilobyte of an item."""
        return ceil(sum(len(name) + size(value) for name, value in item.items()) / 1024)


def size(value: Any) -> int:
    """Bytes of a value, as DynamoDB's developer guide counts them (item sizes and formats)."""
    match value:
        case str():
            return len(value.encode())
        case bytes():
            return len(value)
        case bool() | None:
            return 1
        case list():
            return 3 + sum(size(one) + 1 for one in value)
        case dict():
            return 3 + sum(len(name) + size(one) + 1 for name, one in value.items())
    return ceil(len(str(value).replace(".", "").strip("0")) / 2) + 1


def hottest_partition(*, posted: bool, open_period: bool) -> dict[str, int]:
    """The most units that a partition of each index takes if 1,000 images arrive and get their results.

    Their heat maps are as large as the largest of the bundled models.
    """
    meter = Meter()
    table = ResultsTable(SimpleNamespace(Table=lambda _: meter, meta=meter.meta), "results")
    period = table.sharding.open()
    at = period.since if open_period else second(0)
    values = [Random(number).random() for number in range(28 * 28)]  # noise, which is packed least
    heatmap = {"width": 28, "height": 28, "values": values}
    for number in range(1000):
        image_id = sha256(str(number).encode()).hexdigest()[:32]
        waiting = result(0, id=image_id, created_at=at)
        finished = classified(0, id=image_id, created_at=at, heatmap=heatmap)
        if posted:
            table.finish(finished, documented=False)
            table.end_change(finished, 0)
        else:
            table.announce(waiting)
            receive(table, waiting)
            table.finish(finished)
    found: dict[str, int] = {}
    for (index, _), units in meter.units.items():
        found[index] = max(units, found.get(index, 0))
    return found


@pytest.mark.parametrize("posted", [True, False])
def test_thousand_images_a_second_fit_into_each_partition(posted: bool) -> None:
    """Posted to the API, or uploaded, which takes most."""
    shared = hottest_partition(posted=posted, open_period=False)
    spread = hottest_partition(posted=posted, open_period=True)
    assert shared["by-time"] > 3 * PARTITION_TAKES
    assert spread.keys() == PARTITIONS.keys()
    assert max(spread.values()) < PARTITION_TAKES * 2 / 3

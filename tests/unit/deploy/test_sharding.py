"""The commands that shard the lists of a stage, and undo that, on a table of an earlier version."""

import sys
from collections.abc import Callable
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import boto3
import pytest

from chalicelib.results import sharding as periods
from chalicelib.results.sharding import ShardedPeriods
from chalicelib.results.table import ResultsTable
from chalicelib.timestamps import timestamp
from deploy import restore, sharding, stages
from deploy.sharding import Pace
from tests.stage import BUCKET, TABLE
from tests.unit.deploy.commands import REFUSALS
from tests.unit.results import today
from tests.unit.results.clock import Clock
from tests.unit.results.items import classified, ids, walk

pytestmark = pytest.mark.usefixtures("cloud")
TASK = "mammography-views"


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    made.install(monkeypatch, periods, sharding)
    monkeypatch.setattr(periods, "time", made)
    monkeypatch.setattr(sharding, "time", SimpleNamespace(monotonic=made.time, sleep=made.wait))
    return made


@pytest.fixture
def table(clock: Clock) -> ResultsTable:
    """The table of an earlier version, as the new version opens it."""
    plain = boto3.resource("dynamodb").Table(TABLE)
    for item in today.items():
        plain.put_item(Item=item)
    return ResultsTable(boto3.resource("dynamodb"), TABLE)


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(stages, "deployed", lambda _: {"DATA_BUCKET": BUCKET, "RESULTS_TABLE": TABLE})

    def run(*arguments: str) -> None:
        monkeypatch.setattr(sys, "argv", ["sharding.py", *arguments])
        sharding.main()

    return run


def stored(table: ResultsTable) -> dict[str, dict[str, Any]]:
    return {item["id"]: item for item in table._table.scan()["Items"] if "status" in item}


def arrive(table: ResultsTable, clock: Clock, *numbers: int) -> None:
    """Store results that arrive now, one after the other."""
    for number in numbers:
        clock.wait(1)
        table.finish(classified(number, created_at=timestamp(clock.now), probability=number / 100))


def check(table: ResultsTable, arrived: int) -> None:
    """Whether every list is whole, with `arrived` results that came after the earlier version."""
    new = list(range(19 + arrived, 19, -1))
    assert walk(table, limit=15) == [*ids(*new), *today.IN_LISTS]
    assert walk(table, limit=15, order="oldest") == [*today.IN_LISTS[::-1], *ids(*reversed(new))]
    assert walk(table, limit=15, task=TASK) == ids(*new, 12, *range(9, -1, -1))
    assert walk(table, limit=15, task=TASK, order="most-sure") == ids(*new, *range(9, -1, -1))
    assert walk(table, limit=15, task="chest-xray") == ids(11)
    assert walk(table, hidden=True) == ids(10)
    assert [one["id"] for one in table.every()] == [*ids(*new), *today.IN_LISTS]


def test_table_of_an_earlier_version_is_whole_before_during_and_after(
    table: ResultsTable, clock: Clock, command: Any, capsys: Any
) -> None:
    before = stored(table)
    check(table, 0)
    _, cursor = table.page(limit=5)

    command("test", f"--days={1 / 24}")
    command("test", f"--days={1 / 24}")
    assert len(ShardedPeriods(table._table).known()) == 1
    clock.wait(20)
    arrive(table, clock, 20, 21)  # before the period begins
    check(table, 2)
    clock.wait(300)
    arrive(table, clock, *range(22, 40))
    check(table, 20)
    clock.wait(3600)
    arrive(table, clock, 40, 41)  # after its end
    check(table, 22)
    assert [one["id"] for one in table.page(limit=5, cursor=cursor)[0]] == today.IN_LISTS[5:10]
    now = stored(table)
    assert {image_id: now[image_id] for image_id in before} == before, "earlier results stay as they are"
    assert sum("#" in item["listing"] for item in now.values()) == 18

    command("test", "--undo")
    check(table, 22)
    assert ShardedPeriods(table._table).known() == ()
    now = stored(table)
    assert {image_id: now[image_id] for image_id in before} == before
    assert not [item for item in now.values() if "#" in item["listing"] + item["task"]]
    assert "18 results moved" in capsys.readouterr().out
    command("test", "--undo")
    assert "0 results moved" in capsys.readouterr().out


def sharded(table: ResultsTable, clock: Clock, number: int) -> None:
    table.sharding.open(1)
    clock.wait(180)
    arrive(table, clock, *range(20, 20 + number))


def test_unshard_continues_after_an_interruption(table: ResultsTable, clock: Clock, monkeypatch: Any) -> None:
    sharded(table, clock, 18)
    monkeypatch.setattr(sharding, "_BATCH", 4)
    _, table = restore.connect(BUCKET, TABLE)
    for _ in range(2):  # each ends after two batches
        calls = iter(range(1))
        pace = Pace(1e9)
        monkeypatch.setattr(pace, "add", lambda _, calls=calls: next(calls))
        with pytest.raises(StopIteration):
            sharding.unshard(table, pace)
        assert len(walk(table)) == 18 + len(today.IN_LISTS)
    assert 0 < sum("#" in item["listing"] for item in stored(table).values()) < 18

    sharding.unshard(table, Pace(1e9))
    check(table, 18)
    assert table.sharding.known() == ()


def test_unshard_waits_until_no_process_writes_to_shards(
    table: ResultsTable, clock: Clock, monkeypatch: Any
) -> None:
    sharded(table, clock, 2)
    begun = clock.now
    late = ShardedPeriods(table._table)
    late.known()

    def sleep(seconds: float) -> None:
        clock.wait(seconds)
        if late.shard(f"{1:032x}", timestamp(clock.now)):  # still believes that the period is open
            assert clock.now - begun <= timedelta(seconds=periods.MAX_AGE)
            arrive(table, clock, 22)

    monkeypatch.setattr(sharding, "time", SimpleNamespace(monotonic=clock.time, sleep=sleep))
    assert sharding.unshard(table, Pace(1e9)) >= 2
    assert clock.now - begun >= timedelta(seconds=2 * periods.MAX_AGE)
    check(table, 3)


def test_unshard_leaves_a_period_that_opens_meanwhile(table: ResultsTable, clock: Clock) -> None:
    sharded(table, clock, 3)
    table.sharding.close()
    clock.wait(300)
    table.sharding.open(1)
    clock.wait(300)
    later = ShardedPeriods(table._table).known()[-1]
    assert later.covers(timestamp(clock.now))
    arrive(table, clock, *range(23, 27))
    closed = table.sharding.known()[:1]
    before = max(period.last_arrival for period in closed)
    assert sharding._empty(table, before, Pace(1e9), 0) == 3
    table.sharding.forget(closed)
    assert table.sharding.known() == (later,)
    assert sum("#" in item["listing"] for item in stored(table).values()) == 4
    check(table, 7)


def test_change_while_a_result_is_moved_wins(table: ResultsTable, clock: Clock, monkeypatch: Any) -> None:
    sharded(table, clock, 1)
    (image_id,) = ids(20)
    read = table._item_of

    def read_before_it_is_hidden(wanted: str) -> Any:
        found = read(wanted)
        table.end_change(classified(20, created_at=timestamp(clock.now), hidden="mistake"), 1)
        return found

    monkeypatch.setattr(table, "_item_of", read_before_it_is_hidden)
    assert table.unshard(image_id) == 0
    assert read(image_id)["listing"] == "hidden/all"  # type: ignore[index]
    assert table.unshard(f"{99:032x}") == 0


def test_pace_waits_for_what_has_been_taken(clock: Clock) -> None:
    pace = Pace(100)
    start = clock.now
    pace.add(250)
    assert clock.now - start == timedelta(seconds=2.5)
    clock.wait(10)
    pace.add(50)  # is below its average rate now
    assert clock.now - start == timedelta(seconds=12.5)


def test_capacity_that_a_move_takes_counts(table: ResultsTable, clock: Clock, monkeypatch: Any) -> None:
    sharded(table, clock, 1)
    update = table._table.update_item
    taken = {"by-time": {"CapacityUnits": 8.0}, "by-task": {"CapacityUnits": 7.0}}

    def update_item(**request: Any) -> Any:
        assert request["ReturnConsumedCapacity"] == "INDEXES"
        return update(**request) | {"ConsumedCapacity": {"GlobalSecondaryIndexes": taken}}

    monkeypatch.setattr(table._table, "update_item", update_item)
    assert table.unshard(*ids(20)) == 8.0


@REFUSALS
def test_command_says_what_is_wrong(
    refusal: Callable[..., str], stage: str, environment: dict[str, str], reason: str
) -> None:
    assert reason in refusal("sharding", stage, **environment)

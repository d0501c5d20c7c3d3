"""Items of the emulator's DynamoDB in memory and on disk."""

import copy
import sqlite3
import time
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ministack.core.responses import AccountRegionScopedDict
from ministack.services import dynamodb

from local.aws.dynamodb import EXPIRED, Collection, Items, ItemStore

NAME = "negatoscope-items"
PATCHED = (
    "_set_item",
    "_remove_item",
    "_items_replaced",
    "_restore_state",
)
ITEM = {
    "id": {"S": "a"},
    "heat map": {"B": "AAEC"},
    "probabilities": {"M": {"left-cc": {"N": "0.25"}, "none": {"NULL": True}}},
    "readers": {"L": [{"S": "Zoë"}]},
}


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The file of an item store that keeps the items of a table."""
    for name in PATCHED:
        monkeypatch.setattr(dynamodb, name, getattr(dynamodb, name))  # is restored at the end
    monkeypatch.setattr(AccountRegionScopedDict, "all_items", AccountRegionScopedDict.all_items)
    ItemStore(tmp_path / "items.sqlite").install()
    dynamodb._create_table(
        {
            "TableName": NAME,
            "BillingMode": "PAY_PER_REQUEST",
            "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
            "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
        }
    )
    yield tmp_path / "items.sqlite"
    dynamodb._delete_table({"TableName": NAME})


def put(item: dict[str, Any]) -> None:
    status, _, body = dynamodb._put_item({"TableName": NAME, "Item": item})
    assert status == 200, body


def table() -> dict[str, Any]:
    found: dict[str, Any] = dynamodb._tables[NAME]
    return found


def items() -> dict[str, Any]:
    """The items by id."""
    return {hash_key: collection["__no_sort__"] for hash_key, collection in table()["items"].items()}


@pytest.mark.usefixtures("file")
def test_item_is_read_as_it_was_written() -> None:
    put(ITEM)
    assert items() == {"a": ITEM}
    assert items()["a"].size == dynamodb._item_size_bytes(ITEM)


@pytest.mark.usefixtures("file")
def test_item_that_was_read_can_be_changed_without_the_table() -> None:
    put(ITEM)
    items()["a"]["probabilities"]["M"].clear()
    assert items() == {"a": ITEM}
    assert copy.deepcopy(dict(table()["items"])) == {"a": {"__no_sort__": ITEM}}


@pytest.mark.usefixtures("file")
def test_item_that_is_deleted_is_gone() -> None:
    for name in ("a", "b"):
        put(ITEM | {"id": {"S": name}})
    dynamodb._delete_item({"TableName": NAME, "Key": {"id": {"S": "a"}}})
    assert list(items()) == ["b"]
    assert table()["ItemCount"] == 1


def test_items_are_on_disk_at_once_and_not_in_the_saved_state(file: Path) -> None:
    put(ITEM)
    state = copy.deepcopy(table())
    assert state["items"] == {}
    dynamodb._tables[NAME] = state | {"items": {}}  # as after a start
    store = ItemStore(file)
    store._load(table())
    assert items() == {"a": ITEM}


def test_only_expired_items_are_removed_and_none_is_read(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, seconds in (("old", -1), ("new", 3600), ("later", 36_000)):
        put(ITEM | {"id": {"S": name}, "expires_at": {"N": str(int(time.time()) + seconds)}})
    put(ITEM)
    setting = {"AttributeName": "expires_at", "Enabled": True}
    dynamodb._update_ttl({"TableName": NAME, "TimeToLiveSpecification": setting})
    with monkeypatch.context() as patched:
        patched.setattr(Collection, "items", lambda _: pytest.fail("the table was read"))
        assert NAME not in [name for (_, _, name), _ in dynamodb._ttl_settings.all_items()]
    assert sorted(items()) == ["a", "later", "new"]
    (plan,) = sqlite3.connect(file).execute(f"EXPLAIN QUERY PLAN {EXPIRED}", ("t", 0)).fetchall()
    assert "USING INDEX expiring" in plan[3]


def test_items_of_an_emulator_that_kept_all_in_memory_are_taken_over(file: Path) -> None:
    table()["items"] = {"a": {"__no_sort__": ITEM}}  # as such an emulator saved it
    ItemStore(file)._load(table())
    assert isinstance(table()["items"], Items)
    assert items() == {"a": ITEM}
    assert table()["ItemCount"] == 1


def test_file_of_an_emulator_that_kept_no_sizes_is_taken_over(file: Path) -> None:
    put(ITEM)
    database = sqlite3.connect(file)
    database.execute("ALTER TABLE items DROP COLUMN size")
    database.close()
    ItemStore(file)._load(table())
    assert items()["a"].size == dynamodb._item_size_bytes(ITEM)
    put(ITEM | {"id": {"S": "b"}})
    assert sorted(items()) == ["a", "b"]


def test_items_that_are_replaced_as_a_whole_replace_those_on_disk(file: Path) -> None:
    for name in ("a", "b"):
        put(ITEM | {"id": {"S": name}})
    snapshot = copy.deepcopy(dict(table()["items"]))
    put(ITEM | {"id": {"S": "c"}})
    del snapshot["b"]
    table()["items"] = snapshot  # as ministack takes a transaction back
    dynamodb._items_replaced(table())
    ItemStore(file)._load(table())
    assert items() == {"a": ITEM}


@pytest.mark.usefixtures("file")
def test_size_of_an_item_follows_its_updates() -> None:
    put(ITEM)
    before = items()["a"].size
    status, _, body = dynamodb._update_item(
        {
            "TableName": NAME,
            "Key": {"id": {"S": "a"}},
            "UpdateExpression": "SET note = :note",
            "ExpressionAttributeValues": {":note": {"S": "x" * 100}},
        }
    )
    assert status == 200, body
    assert items()["a"].size == before + len("note") + 100


@pytest.mark.usefixtures("file")
def test_items_take_no_memory() -> None:
    """In memory, an item of a result takes 14 kB."""
    put(ITEM)
    tracemalloc.start()
    try:
        for number in range(200):
            put({f"attribute-{n}": {"S": f"value {n} of {number}"} for n in range(40)} | {"id": {"S": "a"}})
            dynamodb._get_item({"TableName": NAME, "Key": {"id": {"S": "a"}}})
        before, _ = tracemalloc.get_traced_memory()
        for number in range(200):
            put({f"attribute-{n}": {"S": f"value {n}"} for n in range(40)} | {"id": {"S": str(number)}})
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(items()) == 201
    assert (after - before) / 200 < 200

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

from local.aws.dynamodb import EXPIRED, Collection, Items, ItemStore, remembering

NAME = "negatoscope-items"
PATCHED = (
    "_set_item",
    "_remove_item",
    "_items_replaced",
    "_restore_state",
    "_number_error",
    "_ddb_canonicalize_number",
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


def test_items_of_an_emulator_that_kept_all_in_memory_are_taken_over() -> None:
    assert Items({"a": {"x": ITEM}})["a"]["x"] == ITEM


def test_items_take_little_memory() -> None:
    """Unpacked, an item of a result takes 14 kB."""
    item = {f"attribute-{number}": {"S": f"value {number} of an attribute"} for number in range(40)}
    tracemalloc.start()
    collections = []
    for _ in range(100):
        collections.append(Collection())
        collections[-1]["key"] = item
    size, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert size / len(collections) < 1500


def test_numbers_are_checked_once_and_as_ministack_checks_them() -> None:
    asked: list[object] = []

    def check(number: object) -> str | None:
        asked.append(number)
        found: str | None = dynamodb._number_error(number)
        return found

    remembered = remembering(check)
    for number in ("0.125", "-1E-130", "1E+200", "x", 5, None, ["1"]):
        assert [remembered(number), remembered(number)] == [dynamodb._number_error(number)] * 2
    assert asked == ["0.125", "-1E-130", "1E+200", "x", 5, 5, None, None, ["1"], ["1"]]

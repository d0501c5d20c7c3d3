"""Items of the emulator's DynamoDB: written to disk at once and kept compactly in memory.

ministack saves all tables as a whole when it stops: a killed emulator loses every change since its last
start, and saving takes memory and time that grow with the number of items. It also keeps every number as an
object of its own, 80 kB for one result with its heat map, and checks each several times. Can go when
ministack passes tests/stack/test_recovery.py and the memory limit of tests/soak without it.
"""

import copy
import json
import sqlite3
import sys
import threading
from collections import defaultdict
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

from ministack.core.persistence import _json_default, _json_object_hook
from ministack.services import dynamodb

from local.aws import patching

SCHEMA = """
CREATE TABLE IF NOT EXISTS items (
    table_id TEXT, hash_key, range_key, item TEXT NOT NULL,
    PRIMARY KEY (table_id, hash_key, range_key)
) WITHOUT ROWID;
"""

MAX_SHARED_LENGTH = 5
"""Characters of a number that all items share: enough for values between 0 and 1 with three decimals, of
which there are few."""

REMEMBERED_NUMBERS = 10_000
"""Texts of numbers whose check is remembered."""

Table = dict[str, Any]
Item = dict[str, Any]


class StoredItem(dict[str, Any]):
    """An item in a table. It is never changed in place, so that its size can be kept."""

    size: int | None = None
    """In bytes, once somebody has counted them."""

    def __deepcopy__(self, memo: dict[int, Any]) -> Item:
        """Return an item that may be changed."""
        return copy.deepcopy(dict(self), memo)


class Items(defaultdict[Any, dict[Any, Item]]):
    """The items of a table, by hash key and range key. The saved state of the table excludes them."""

    def __init__(self, items: Any = ()) -> None:
        super().__init__(dict, items)

    def __deepcopy__(self, _memo: Any) -> dict[Any, Any]:
        """Leave the items out of the saved state. For other copies, ministack converts them first."""
        return {}


class ItemStore:
    """The items of all tables, in an SQLite file. Thread-safe."""

    def __init__(self, file: Path) -> None:
        self._lock = threading.Lock()
        self._database = sqlite3.connect(file, isolation_level=None, check_same_thread=False)
        self._database.execute("PRAGMA journal_mode = WAL")
        self._database.execute("PRAGMA synchronous = NORMAL")  # survives the death of the process
        self._database.executescript(SCHEMA)

    def install(self) -> None:
        """Store the items of the emulator's tables here."""
        patching.wrap(dynamodb, "_set_item", self._saving_item)
        patching.wrap(dynamodb, "_remove_item", self._removing_item)
        patching.wrap(dynamodb, "_items_replaced", self._saving_all)
        patching.wrap(dynamodb, "_restore_state", self._restoring)
        patching.wrap(dynamodb, "_number_error", remembering)
        patching.wrap(dynamodb, "_ddb_canonicalize_number", remembering)

    def _saving_item(self, set_item: Callable[..., Any]) -> Callable[..., Any]:
        def set_and_save(table: Table, hash_key: Any, range_key: Any, item: Item) -> Any:
            item = StoredItem(compact(item))
            own(table)
            before = set_item(table, hash_key, range_key, item)
            self._write([(table["TableId"], hash_key, range_key, pack(item))])
            return before

        return set_and_save

    def _removing_item(self, remove_item: Callable[..., Any]) -> Callable[..., Any]:
        def remove_and_save(table: Table, hash_key: Any, range_key: Any) -> Any:
            before = remove_item(table, hash_key, range_key)
            with self._lock:
                self._database.execute(
                    "DELETE FROM items WHERE table_id = ? AND hash_key = ? AND range_key = ?",
                    (table["TableId"], hash_key, range_key),
                )
            return before

        return remove_and_save

    def _saving_all(self, items_replaced: Callable[[Table], None]) -> Callable[[Table], None]:
        def replace_and_save(table: Table) -> None:
            own(table)
            with self._lock:
                self._database.execute("DELETE FROM items WHERE table_id = ?", (table["TableId"],))
            self._write(
                [
                    (table["TableId"], hash_key, range_key, pack(item))
                    for hash_key, items in table["items"].items()
                    for range_key, item in items.items()
                ]
            )
            items_replaced(table)

        return replace_and_save

    def _restoring(self, restore: Callable[[Any], None]) -> Callable[[Any], None]:
        def restore_with_items(state: Any) -> None:
            restore(state)
            for table in dynamodb._tables.all_values():
                self._load(table)
            self._delete_items_of_deleted_tables()

        return restore_with_items

    def _load(self, table: Table) -> None:
        if any(table["items"].values()):  # saved by an emulator without an ItemStore
            dynamodb._items_replaced(table)
            return
        own(table)
        with self._lock:
            rows = self._database.execute(
                "SELECT hash_key, range_key, item FROM items WHERE table_id = ?", (table["TableId"],)
            )
            for hash_key, range_key, text in rows:
                item = json.loads(text, object_hook=_json_object_hook)
                table["items"][hash_key][range_key] = StoredItem(compact(item))
        dynamodb._update_counts(table)

    def _delete_items_of_deleted_tables(self) -> None:
        existing = [table["TableId"] for table in dynamodb._tables.all_values()]
        marks = ", ".join("?" * len(existing))
        with self._lock:
            self._database.execute(f"DELETE FROM items WHERE table_id NOT IN ({marks})", existing)  # noqa: S608

    def _write(self, rows: list[tuple[str, Any, Any, str]]) -> None:
        with self._lock:
            self._database.executemany("INSERT OR REPLACE INTO items VALUES (?, ?, ?, ?)", rows)


def remembering(check: Callable[[Any], str | None]) -> Callable[[Any], str | None]:
    """Check each number once: heat maps repeat a thousand of them, and ministack checks each often."""
    remembered = lru_cache(REMEMBERED_NUMBERS)(check)
    return lambda number: remembered(number) if isinstance(number, str) else check(number)


def own(table: Table) -> None:
    """Exclude the items of a table from its saved state."""
    if not isinstance(table["items"], Items):
        table["items"] = Items(table["items"])


def pack(item: Item) -> str:
    """Serialise an item."""
    return json.dumps(item, default=_json_default, separators=(",", ":"))


def compact(item: Item) -> Item:
    """Return an equal item that shares names and short numbers with others: never change those in place."""
    return {sys.intern(name): _shared(value) for name, value in item.items()}


_numbers: dict[str, dict[str, str]] = {}


def _shared(value: dict[str, Any]) -> dict[str, Any]:
    match value:
        case {"N": str(number)} if len(number) <= MAX_SHARED_LENGTH:
            return _numbers.setdefault(number, value)
        case {"L": list(values)}:
            return {"L": [_shared(entry) for entry in values]}
        case {"M": dict(values)}:
            return {"M": compact(values)}
    return value

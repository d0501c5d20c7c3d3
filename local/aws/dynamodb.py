"""Items of the emulator's DynamoDB: written to disk at once and kept compressed in memory.

ministack saves all tables as a whole when it stops: a killed emulator loses every change since its last
start, and saving takes memory and time that grow with the number of items. It also keeps every value as
objects of its own, 14 kB for one result, and checks each number several times. Can go when ministack passes
tests/stack/test_recovery.py and the memory limit of tests/soak without it.
"""

import json
import sqlite3
import threading
import time
import zlib
from collections import defaultdict
from collections.abc import Callable, Iterator, MutableMapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from ministack.core.persistence import _json_default, _json_object_hook
from ministack.core.responses import AccountRegionScopedDict
from ministack.services import dynamodb

from local.aws import patching

SCHEMA = """
CREATE TABLE IF NOT EXISTS items (
    table_id TEXT, hash_key, range_key, item TEXT NOT NULL,
    PRIMARY KEY (table_id, hash_key, range_key)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS expiring ON items (table_id, CAST(json_extract(item, '$.expires_at.N') AS REAL))
    WHERE json_extract(item, '$.expires_at.N') IS NOT NULL;
"""
EXPIRED = """
SELECT hash_key, range_key FROM items
WHERE table_id = ? AND json_extract(item, '$.expires_at.N') IS NOT NULL
    AND CAST(json_extract(item, '$.expires_at.N') AS REAL) <= ?
"""
EXPIRY = "expires_at"
"""The attribute that says when an item expires, in the tables that have one."""

REMEMBERED_NUMBERS = 10_000
"""Texts of numbers whose check is remembered."""

Table = dict[str, Any]
Item = dict[str, Any]


class StoredItem(dict[str, Any]):
    """An item as it was read from a table. Changing it does not change the table."""

    size: int
    """In bytes, as DynamoDB counts."""


class Collection(MutableMapping[Any, Item]):
    """The items with one hash key, by range key."""

    __slots__ = ("_packed",)

    def __init__(self) -> None:
        self._packed: dict[Any, tuple[int, bytes]] = {}
        """Size and compressed content of each item."""

    def __getitem__(self, range_key: Any) -> StoredItem:
        size, packed = self._packed[range_key]
        item = StoredItem(unpack(zlib.decompress(packed)))
        item.size = size
        return item

    def __setitem__(self, range_key: Any, item: Item) -> None:
        self._packed[range_key] = dynamodb._item_size_bytes(item), zlib.compress(pack(item).encode(), level=1)

    def __delitem__(self, range_key: Any) -> None:
        del self._packed[range_key]

    def __iter__(self) -> Iterator[Any]:
        return iter(self._packed)

    def __len__(self) -> int:
        return len(self._packed)

    def __contains__(self, range_key: object) -> bool:
        return range_key in self._packed

    def __deepcopy__(self, _memo: Any) -> dict[Any, Item]:
        return dict(self)


class Items(defaultdict[Any, Collection]):
    """The items of a table, by hash key and range key. The saved state of the table excludes them."""

    def __init__(self, items: Any = ()) -> None:
        super().__init__(Collection)
        for hash_key, collection in dict(items).items():
            self[hash_key].update(collection)

    def setdefault(self, hash_key: Any, _default: Any = None) -> Collection:
        """The items with a hash key. ministack would add a plain dictionary."""
        return self[hash_key]

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
        patching.wrap(AccountRegionScopedDict, "all_items", self._removing_expired)

    def _saving_item(self, set_item: Callable[..., Any]) -> Callable[..., Any]:
        def set_and_save(table: Table, hash_key: Any, range_key: Any, item: Item) -> Any:
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

    def _removing_expired(self, all_items: Callable[[Any], list[Any]]) -> Callable[[Any], list[Any]]:
        """Remove what has expired, when ministack asks for the settings of all tables.

        It does so every minute, and would look at each item of the tables that are left, while writes wait.
        """

        def remove_expired(settings: Any) -> list[Any]:
            found = all_items(settings)
            return (
                [one for one in found if not self._expire(*one)]
                if settings is dynamodb._ttl_settings
                else found
            )

        return remove_expired

    def _expire(self, table_key: tuple[str, str, str], setting: dict[str, str]) -> bool:
        """Remove the expired items of a table, if its setting is the usual one."""
        table = dynamodb._tables.get_scoped(*table_key)
        if not table or (setting["TimeToLiveStatus"], setting["AttributeName"]) != ("ENABLED", EXPIRY):
            return False
        for hash_key, range_key in self._expired(table):
            dynamodb._remove_item(table, hash_key, range_key)
        return True

    def _expired(self, table: Table) -> list[tuple[Any, Any]]:
        with self._lock:
            return self._database.execute(EXPIRED, (table["TableId"], time.time())).fetchall()

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
                table["items"][hash_key][range_key] = unpack(text)
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
    """Check each number once: ministack checks each often."""
    remembered = lru_cache(REMEMBERED_NUMBERS)(check)
    return lambda number: remembered(number) if isinstance(number, str) else check(number)


def own(table: Table) -> None:
    """Exclude the items of a table from its saved state."""
    if not isinstance(table["items"], Items):
        table["items"] = Items(table["items"])


def pack(item: Item) -> str:
    """Serialise an item."""
    return json.dumps(item, default=_json_default, separators=(",", ":"))


def unpack(text: str | bytes) -> Item:
    """The item that `pack` serialised."""
    item: Item = json.loads(text, object_hook=_json_object_hook)
    return item

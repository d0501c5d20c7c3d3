"""Items of the emulator's DynamoDB, in an SQLite file instead of in memory.

ministack saves all tables as a whole when it stops: a killed emulator loses every change since its last
start, and saving takes memory and time that grow with the number of items. It also keeps every value as
objects of its own, 14 kB for one result. Can go when ministack passes tests/stack/test_recovery.py and the
memory limit of tests/soak without it.
"""

import copy
import json
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, MutableMapping
from pathlib import Path
from typing import Any

from ministack.core.persistence import _json_default, _json_object_hook
from ministack.core.responses import AccountRegionScopedDict
from ministack.services import dynamodb

from local.aws import patching

SCHEMA = """
CREATE TABLE IF NOT EXISTS items (
    table_id TEXT, hash_key, range_key, item TEXT NOT NULL, size INTEGER,
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

Table = dict[str, Any]
Item = dict[str, Any]


class StoredItem(dict[str, Any]):
    """An item as it was read from a table. Changing it does not change the table."""

    size: int
    """In bytes, as DynamoDB counts."""

    def __deepcopy__(self, memo: dict[int, Any]) -> Item:
        """A plain item, which can be changed: its size is not known."""
        return copy.deepcopy(dict(self), memo)


class ItemFile:
    """The items of all tables, in an SQLite file. Thread-safe."""

    def __init__(self, file: Path) -> None:
        self._lock = threading.Lock()
        self._database = sqlite3.connect(file, isolation_level=None, check_same_thread=False)
        self._database.execute("PRAGMA journal_mode = WAL")
        self._database.execute("PRAGMA synchronous = NORMAL")  # survives the death of the process
        self._database.executescript(SCHEMA)
        if "size" not in [column for _, column, *_ in self.execute("PRAGMA table_info(items)")]:
            self._database.execute("ALTER TABLE items ADD COLUMN size INTEGER")  # an earlier release's file

    def execute(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        """Execute a statement; returns the rows that it gives."""
        with self._lock:
            return self._database.execute(query, values).fetchall()

    def write(self, table_id: str, hash_key: Any, range_key: Any, item: Item) -> None:
        """Write an item, or replace it."""
        self.execute(
            "INSERT OR REPLACE INTO items VALUES (?, ?, ?, ?, ?)",
            table_id,
            hash_key,
            range_key,
            pack(item),
            dynamodb._item_size_bytes(dict(item)),
        )


class Collection(MutableMapping[Any, Item]):
    """The items of a table with one hash key, by range key."""

    __slots__ = ("_file", "_key")

    def __init__(self, file: ItemFile, table_id: str, hash_key: Any) -> None:
        self._file = file
        self._key = (table_id, hash_key)

    def __getitem__(self, range_key: Any) -> StoredItem:
        for text, size in self._rows("item, size", range_key):
            item = StoredItem(unpack(text))
            item.size = dynamodb._item_size_bytes(dict(item)) if size is None else size
            return item
        raise KeyError(range_key)

    def __setitem__(self, range_key: Any, item: Item) -> None:
        self._file.write(*self._key, range_key, item)

    def __delitem__(self, range_key: Any) -> None:
        self._file.execute(
            "DELETE FROM items WHERE table_id = ? AND hash_key = ? AND range_key = ?", *self._key, range_key
        )

    def __iter__(self) -> Iterator[Any]:
        query = "SELECT range_key FROM items WHERE table_id = ? AND hash_key = ?"
        return iter([range_key for (range_key,) in self._file.execute(query, *self._key)])

    def __len__(self) -> int:
        query = "SELECT count(*) FROM items WHERE table_id = ? AND hash_key = ?"
        [(count,)] = self._file.execute(query, *self._key)
        return int(count)

    def __contains__(self, range_key: object) -> bool:
        return bool(self._rows("1", range_key))

    def __deepcopy__(self, _memo: Any) -> dict[Any, Item]:
        return dict(self)

    def _rows(self, columns: str, range_key: Any) -> list[tuple[Any, ...]]:
        query = f"SELECT {columns} FROM items WHERE table_id = ? AND hash_key = ? AND range_key = ?"  # noqa: S608
        return self._file.execute(query, *self._key, range_key)


class Items(MutableMapping[Any, Collection]):
    """The items of a table, by hash key and range key. The saved state of the table excludes them."""

    def __init__(self, file: ItemFile, table_id: str) -> None:
        self._file = file
        self._table_id = table_id

    def __getitem__(self, hash_key: Any) -> Collection:
        return Collection(self._file, self._table_id, hash_key)

    def __setitem__(self, hash_key: Any, items: MutableMapping[Any, Item]) -> None:
        del self[hash_key]
        self[hash_key].update(items)

    def __delitem__(self, hash_key: Any) -> None:
        self._file.execute("DELETE FROM items WHERE table_id = ? AND hash_key = ?", self._table_id, hash_key)

    def __iter__(self) -> Iterator[Any]:
        query = "SELECT DISTINCT hash_key FROM items WHERE table_id = ?"
        return iter([hash_key for (hash_key,) in self._file.execute(query, self._table_id)])

    def __len__(self) -> int:
        [(count,)] = self._file.execute(
            "SELECT count(DISTINCT hash_key) FROM items WHERE table_id = ?", self._table_id
        )
        return int(count)

    def __contains__(self, hash_key: object) -> bool:
        query = "SELECT 1 FROM items WHERE table_id = ? AND hash_key = ? LIMIT 1"
        return bool(self._file.execute(query, self._table_id, hash_key))

    def __deepcopy__(self, _memo: Any) -> dict[Any, Any]:
        """Leave the items out of the saved state. For other copies, ministack converts them first."""
        return {}

    def count(self) -> int:
        """The number of items."""
        [(count,)] = self._file.execute("SELECT count(*) FROM items WHERE table_id = ?", self._table_id)
        return int(count)

    def clear(self) -> None:
        """Remove all items."""
        self._file.execute("DELETE FROM items WHERE table_id = ?", self._table_id)


class ItemStore:
    """Keeps the items of the emulator's tables in a file."""

    def __init__(self, file: Path) -> None:
        self._file = ItemFile(file)

    def install(self) -> None:
        """Keep the items of the emulator's tables here."""
        patching.wrap(dynamodb, "_set_item", self._owning)
        patching.wrap(dynamodb, "_remove_item", self._owning)
        patching.wrap(dynamodb, "_items_replaced", self._owning)
        patching.wrap(dynamodb, "_restore_state", self._restoring)
        patching.wrap(AccountRegionScopedDict, "all_items", self._removing_expired)

    def _owning(self, change: Callable[..., Any]) -> Callable[..., Any]:
        def own_and_change(table: Table, *values: Any, **more: Any) -> Any:
            self._own(table)
            return change(table, *values, **more)

        return own_and_change

    def _own(self, table: Table) -> None:
        """Move the items of a table into the file, unless they are there."""
        if not isinstance(table["items"], Items):
            items = Items(self._file, table["TableId"])
            items.clear()  # ministack has replaced them
            items.update(table["items"])
            table["items"] = items

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
        table["items"] = Items(self._file, table["TableId"])
        table["ItemCount"] = table["items"].count()

    def _delete_items_of_deleted_tables(self) -> None:
        existing = [table["TableId"] for table in dynamodb._tables.all_values()]
        marks = ", ".join("?" * len(existing))
        self._file.execute(f"DELETE FROM items WHERE table_id NOT IN ({marks})", *existing)  # noqa: S608

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

    def _expired(self, table: Table) -> list[tuple[Any, ...]]:
        return self._file.execute(EXPIRED, table["TableId"], time.time())


def pack(item: Item) -> str:
    """Serialise an item."""
    return json.dumps(item, default=_json_default, separators=(",", ":"))


def unpack(text: str | bytes) -> Item:
    """The item that `pack` serialised."""
    item: Item = json.loads(text, object_hook=_json_object_hook)
    return item

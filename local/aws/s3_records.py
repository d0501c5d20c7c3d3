"""Records of the emulator's S3 objects and versions, in an SQLite file instead of in memory.

ministack keeps the content of objects on disk, but what it knows of each object and each version in memory:
7.5 kB for one result. For every page of a list it sorts the keys of the whole bucket. Can go when ministack
passes tests/unit/local/aws/test_s3_records.py and the memory limit of `make soak` without it.
"""

import json
import pickle
import sqlite3
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, MutableMapping
from pathlib import Path
from typing import Any

from ministack.services import s3

from local.aws import patching

MAX_RECORDS = 1000
"""Records of a bucket that are in memory."""

SCHEMA = "CREATE TABLE records (space INTEGER, key TEXT, record BLOB, PRIMARY KEY (space, key)) WITHOUT ROWID"

type Rows = list[tuple[Any, ...]]
type Page = tuple[list[str], list[str], bool, str]
"""Of a list: keys, common prefixes, whether there are more, and the last of both."""


class RecordFile:
    """The records of all buckets. It is empty at first: ministack reads what is on disk. Thread-safe."""

    def __init__(self, file: Path) -> None:
        file.unlink(missing_ok=True)
        self.lock = threading.RLock()
        self._spaces = 0
        self._database = sqlite3.connect(file, isolation_level=None, check_same_thread=False)
        self._database.execute("PRAGMA journal_mode = OFF")
        self._database.execute("PRAGMA synchronous = OFF")
        self._database.execute(SCHEMA)

    def execute(self, query: str, *values: Any) -> Rows:
        """Execute a statement; returns the rows that it gives."""
        with self.lock:
            return self._database.execute(query, values).fetchall()

    def new_space(self) -> int:
        """A number for the records of one mapping."""
        with self.lock:
            self._spaces += 1
            return self._spaces


class Records(MutableMapping[Any, Any]):
    """Records by key. Those that were used last are in memory, and can be changed in place."""

    def __init__(
        self, file: RecordFile, to_text: Callable[[Any], str] = str, from_text: Callable[[str], Any] = str
    ) -> None:
        """Take the functions that convert keys to texts and back."""
        self._file = file
        self._space = file.new_space()
        self._to_text = to_text
        self._from_text = from_text
        self._recent: OrderedDict[str, Any] = OrderedDict()

    def __getitem__(self, key: Any) -> Any:
        text = self._to_text(key)
        with self._file.lock:
            if text not in self._recent:
                rows = self._select("record", text)
                if not rows:
                    raise KeyError(key)
                self._keep(text, pickle.loads(rows[0][0]))  # noqa: S301  # this process wrote it
            self._recent.move_to_end(text)
            return self._recent[text]

    def __setitem__(self, key: Any, record: Any) -> None:
        text = self._to_text(key)
        with self._file.lock:
            if text not in self._recent:
                # The record itself is written when it leaves the memory.
                self._file.execute("INSERT OR REPLACE INTO records VALUES (?, ?, NULL)", self._space, text)
            self._keep(text, record)

    def __delitem__(self, key: Any) -> None:
        text = self._to_text(key)
        with self._file.lock:
            if key not in self:
                raise KeyError(key)
            self._recent.pop(text, None)
            self._file.execute("DELETE FROM records WHERE space = ? AND key = ?", self._space, text)

    def __contains__(self, key: object) -> bool:
        text = self._to_text(key)
        return text in self._recent or bool(self._select("1", text))

    def __iter__(self) -> Iterator[Any]:
        rows = self._file.execute("SELECT key FROM records WHERE space = ? ORDER BY key", self._space)
        return iter([self._from_text(text) for (text,) in rows])

    def __len__(self) -> int:
        [(count,)] = self._file.execute("SELECT count(*) FROM records WHERE space = ?", self._space)
        return int(count)

    def __bool__(self) -> bool:
        return bool(self._recent) or self.first("") is not None

    def first(self, least: str) -> str | None:
        """The first text of a key, in their order, that is not before `least`."""
        rows = self._file.execute(
            "SELECT key FROM records WHERE space = ? AND key >= ? ORDER BY key LIMIT 1", self._space, least
        )
        return rows[0][0] if rows else None

    def _select(self, column: str, text: str) -> Rows:
        query = f"SELECT {column} FROM records WHERE space = ? AND key = ?"  # noqa: S608
        return self._file.execute(query, self._space, text)

    def _keep(self, text: str, record: Any) -> None:
        self._recent[text] = record
        self._recent.move_to_end(text)
        while len(self._recent) > MAX_RECORDS:
            oldest, record = self._recent.popitem(last=False)
            self._file.execute(
                "UPDATE records SET record = ? WHERE space = ? AND key = ?",
                pickle.dumps(record),
                self._space,
                oldest,
            )


def install(file: Path) -> None:
    """Keep the records of objects and versions in a file."""
    records = RecordFile(file)

    def moving(change: Callable[..., Any]) -> Callable[..., Any]:
        def change_and_move(*values: Any, **more: Any) -> Any:
            answer = change(*values, **more)
            move_objects(records)
            return answer

        return change_and_move

    move_objects(records)  # ministack has read those on disk
    patching.wrap(s3, "_create_bucket", moving)
    patching.wrap(s3, "_restore_state", moving)
    patching.wrap(s3, "_collect_list_entries", listing)
    versions = Records(records, json.dumps, _version_key)
    versions.update(s3._object_versions._data)
    s3._object_versions._data = versions


def move_objects(file: RecordFile) -> None:
    """Move the objects of new buckets to a file."""
    for bucket in s3._buckets._data.values():
        if not isinstance(bucket["objects"], Records):
            objects = Records(file)
            objects.update(bucket["objects"])
            bucket["objects"] = objects


def listing(collect: Callable[..., Page]) -> Callable[..., Page]:
    """Read the keys of one page only."""

    def list_page(objects: Any, prefix: str, delimiter: str, max_keys: int, start_after: str) -> Page:
        if not isinstance(objects, Records):
            return collect(objects, prefix, delimiter, max_keys, start_after)
        keys: list[str] = []
        prefixes: list[str] = []
        last = ""
        least = max(prefix, start_after)
        while (key := objects.first(least)) is not None and key.startswith(prefix):
            end = key.find(delimiter, len(prefix)) if delimiter else -1
            row = key if end < 0 else key[: end + len(delimiter)]
            if row > start_after:
                if len(keys) + len(prefixes) >= max_keys:
                    return keys, prefixes, True, last
                (keys if end < 0 else prefixes).append(row)
                last = row
            least = row + "\0" if end < 0 else row[:-1] + chr(ord(row[-1]) + 1)
        return keys, prefixes, False, last

    return list_page


def _version_key(text: str) -> tuple[str, tuple[str, str]]:
    account, (bucket, key) = json.loads(text)
    return account, (bucket, key)

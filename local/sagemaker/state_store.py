"""The state of the service in an SQLite file, which survives a restart of the emulator."""

import json
import sqlite3
import threading
import weakref
from pathlib import Path
from typing import Any

from local.sagemaker.resources import Record

TAGS = "Tags"
"""The kind of the records that hold tags, by the ARN of the resource."""

SCHEMA = """
CREATE TABLE IF NOT EXISTS records (
    kind TEXT NOT NULL, name TEXT NOT NULL, content TEXT NOT NULL, PRIMARY KEY (kind, name)
);
"""


class StateStore:
    """Records by kind and name. Every change is on disk when the call returns. Thread-safe."""

    def __init__(self, file: Path) -> None:
        file.parent.mkdir(parents=True, exist_ok=True)
        self._lock = threading.Lock()
        self._database = sqlite3.connect(file, isolation_level=None, check_same_thread=False)
        self._database.execute("PRAGMA journal_mode = WAL")
        self._database.execute("PRAGMA synchronous = NORMAL")  # survives the death of the process
        self._database.executescript(SCHEMA)
        # From Python 3.13 on, a connection that is collected without being closed is a warning.
        weakref.finalize(self, self._database.close).atexit = False

    def add(self, kind: str, name: str, record: Record) -> bool:
        """Add a record. Return False if the name is taken."""
        row = (kind, name, json.dumps(record))
        with self._lock:
            return self._database.execute("INSERT OR IGNORE INTO records VALUES (?, ?, ?)", row).rowcount > 0

    def get(self, kind: str, name: str) -> Record | None:
        """A copy of the record; None if there is none."""
        with self._lock:
            return self._get(kind, name)

    def all(self, kind: str) -> list[Record]:
        """Copies of all records of a kind, in order of creation."""
        query = "SELECT content FROM records WHERE kind = ? ORDER BY rowid"
        with self._lock:
            return [json.loads(content) for (content,) in self._database.execute(query, (kind,)).fetchall()]

    def update(self, kind: str, name: str, **changes: Any) -> None:
        """Set members of a record. The value None removes a member. A missing record is ignored."""
        with self._lock:
            record = self._get(kind, name)
            if record is None:
                return
            record = {key: value for key, value in (record | changes).items() if value is not None}
            row = (json.dumps(record), kind, name)
            self._database.execute("UPDATE records SET content = ? WHERE kind = ? AND name = ?", row)

    def delete(self, kind: str, name: str) -> bool:
        """Delete a record. Return False if there was none."""
        with self._lock:
            query = "DELETE FROM records WHERE kind = ? AND name = ?"
            return self._database.execute(query, (kind, name)).rowcount > 0

    def close(self) -> None:
        """Close the file; calls after this fail."""
        with self._lock:
            self._database.close()

    def _get(self, kind: str, name: str) -> Record | None:
        query = "SELECT content FROM records WHERE kind = ? AND name = ?"
        row = self._database.execute(query, (kind, name)).fetchone()
        if row is None:
            return None
        record: Record = json.loads(row[0])
        return record

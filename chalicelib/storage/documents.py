"""JSON documents in the data bucket with several writers; they are changed by compare-and-swap."""

import json
import random
import time
from collections.abc import Callable
from typing import Any

from chalicelib.storage.bucket import DataBucket, StoredObject
from chalicelib.storage.errors import ObjectChanged, ObjectMissing, StorageFailed

Document = dict[str, Any]

MAX_ATTEMPTS = 10
"""Attempts at one change. Other writers are few: a person, a retraining, a deployment."""
MAX_PAUSE_SECONDS = 0.2
"""Longest pause before another attempt; random, so that two writers do not collide again."""


class Documents:
    """Reads and changes documents."""

    def __init__(self, bucket: DataBucket):
        self._bucket = bucket

    def read(self, key: str) -> Document:
        """The document at `key`.

        Raises:
            ObjectMissing: if there is none.
        """
        document: Document = json.loads(self.read_object(key).body)
        return document

    def change(self, key: str, change: Callable[[Document | None], Document]) -> Document:
        """Replace a document with the result of `change`, and return that.

        Args:
            key: of the document.
            change: gets the current document (None if there is none) and returns the new one. It is called
                again if another writer was faster. If it raises, the document stays unchanged.

        Raises:
            StorageFailed: if other writers were faster every time.
        """
        written: Document | None = None
        for _ in range(MAX_ATTEMPTS):
            before, etag = self._find(key)
            # If the answer to a write is lost, the AWS library repeats it, and the repetition fails.
            if before is not None and before == written:
                return before
            written = change(before)
            if written == before:
                return written
            try:
                self._bucket.replace_json(key, written, etag, {})
            except StorageFailed:
                # The write may have succeeded nevertheless.
                if self._find(key)[0] != written:
                    raise
                return written
            except ObjectChanged:
                time.sleep(random.uniform(0, MAX_PAUSE_SECONDS))  # no secret depends on it
            else:
                return written
        raise StorageFailed("PutObject: other writers changed the document each time")

    def read_object(self, key: str) -> StoredObject:
        """The object at `key`.

        Raises:
            ObjectMissing: if there is none.
        """
        try:
            return self._bucket.read(key)
        except StorageFailed:
            # Roles that may not list the whole bucket get "access denied" for missing objects.
            if self._bucket.exists(key):
                raise
            raise ObjectMissing from None

    def _find(self, key: str) -> tuple[Document | None, str | None]:
        try:
            found = self.read_object(key)
        except ObjectMissing:
            return None, None
        return json.loads(found.body), found.etag

"""JSON documents in the data bucket that have several writers: changed by compare-and-swap, never blindly."""

import json
import random
import time
from collections.abc import Callable
from typing import Any

from chalicelib.storage.bucket import DataBucket, StoredObject
from chalicelib.storage.errors import ObjectChanged, ObjectMissing, StorageFailed

Document = dict[str, Any]

MAX_ATTEMPTS = 10
"""At a change that others keep overtaking. Writers are few: a person, a retraining, a deployment."""
MAX_PAUSE_SECONDS = 0.2
"""Before the next attempt; random, so that two writers do not meet again."""


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
        """Replace a document by what `change` makes of it, and return that.

        Args:
            key: of the document.
            change: given the document as it is now (None if there is none), returns what it is to become;
                called again whenever somebody else was faster. What it raises leaves the document alone.

        Raises:
            StorageFailed: if others are faster every time.
        """
        written: Document | None = None
        for _ in range(MAX_ATTEMPTS):
            before, etag = self._find(key)
            # A write whose answer was lost is repeated by the AWS library, and refused as it has succeeded.
            if before is not None and before == written:
                return before
            written = change(before)
            if written == before:
                return written
            try:
                self._bucket.replace_json(key, written, etag, {})
            except StorageFailed:
                # It may have come to pass all the same.
                if self._find(key)[0] != written:
                    raise
                return written
            except ObjectChanged:
                time.sleep(random.uniform(0, MAX_PAUSE_SECONDS))  # no secret depends on it
            else:
                return written
        raise StorageFailed("PutObject: others changed the document each time")

    def read_object(self, key: str) -> StoredObject:
        """The object at `key`.

        Raises:
            ObjectMissing: if there is none.
        """
        try:
            return self._bucket.read(key)
        except StorageFailed:
            # Roles that may not list the whole bucket are told "access denied" of what is missing.
            if self._bucket.exists(key):
                raise
            raise ObjectMissing from None

    def _find(self, key: str) -> tuple[Document | None, str | None]:
        try:
            found = self.read_object(key)
        except ObjectMissing:
            return None, None
        return json.loads(found.body), found.etag

"""Looks images of a batch up: what they are called, and whether they have their result."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from urllib.parse import unquote_plus

from chalicelib.batches.batch import Batch
from chalicelib.batches.locations import ARCHIVE
from chalicelib.errors import FileRemoved, ImageTooLarge, InvalidRequest, NegatoscopeError
from chalicelib.limits import MAX_FILE_BYTES
from chalicelib.pipeline import prepared
from chalicelib.pipeline.pipeline import Pipeline
from chalicelib.pipeline.prepared import PreparedArray
from chalicelib.results.result_document import CLASSIFIED, DELETED, Result
from chalicelib.storage import inbox
from chalicelib.storage.errors import AccessDenied, ObjectMissing
from chalicelib.tasks import Task

Item = Mapping[str, Any]
"""What the ItemReader read of an image: `Key`, and of a listed object `Etag` and `Size`."""
Known = Literal["classified", "current", "deleted", "skipped"]
"""Why an image is not classified: it has its result, an admin has deleted that, or there is none."""


@dataclass
class BatchImage:
    """An image on its way to its result."""

    key: str
    """Of its file."""
    id: str
    etag: str
    earlier: Result | None
    """Its classification by an earlier model, or one whose array is missing."""
    is_answered: bool
    """Whether only the array is missing."""
    known: Known | None = None
    """Set if nothing is to be done."""
    array: PreparedArray | None = None
    was_waiting: bool = False
    """Whether the array was found among those that wait for a transform job."""
    error: NegatoscopeError | None = None

    @property
    def is_ready(self) -> bool:
        """Whether it can be classified."""
        return self.array is not None and not self.is_answered


@dataclass(frozen=True)
class Lookup:
    """Looks images up in the results table. The id of a file follows from its task, key and ETag."""

    pipeline: Pipeline
    batch: Batch
    task: Task

    def find(self, item: Item) -> BatchImage | None:
        """The image that the ItemReader has read; None if there is none to be classified.

        Raises:
            InvalidRequest, ImageTooLarge, FileRemoved: if it cannot be classified.
        """
        key = str(item.get("Key") or item.get("key") or "")
        return self._prepared(key) if self.batch["kind"] == "again" else self._archived(key, item)

    def image(self, key: str, image_id: str, etag: str = "") -> BatchImage:
        """An image of an archive whose id is known."""
        result = self.pipeline.table.find(image_id)
        if result is None or result["status"] not in (CLASSIFIED, DELETED):
            return BatchImage(key, image_id, etag, None, is_answered=False)
        found = BatchImage(key, image_id, etag, result, is_answered=self._is_answered(result))
        if result["status"] == DELETED:
            found.known = "deleted"
        elif found.is_answered and prepared.is_stored(self.pipeline.bucket, result):
            found.known = self.count_of(result)
        return found

    def count_of(self, result: Result) -> Literal["current", "classified"]:
        """Where an image is counted that has its result."""
        return "classified" if self._is_of_batch(result) else "current"

    def _archived(self, key: str, item: Item) -> BatchImage | None:
        if self.batch["kind"] == "inventory":
            if item.get("IsLatest") == "false" or item.get("IsDeleteMarker") == "true":
                return None
            key = self._decoded(key)
        if key.endswith("/"):
            return None
        if not key.startswith(ARCHIVE):
            raise InvalidRequest(f"The file is not in {ARCHIVE}, or the list has no column Key.")
        if (size := _size(item)) > MAX_FILE_BYTES:
            raise ImageTooLarge(f"The file has {size:,} bytes; at most {MAX_FILE_BYTES:,} are accepted.")
        etag = str(item.get("Etag") or "").strip('"') or self._etag(key)
        return self.image(key, inbox.new_id("archive", self.task.name, key, etag), etag)

    def _decoded(self, key: str) -> str:
        """A key of an inventory, in which S3 encodes keys as in URLs (its user guide, "Amazon S3 Inventory").

        The documentation does not say whether Step Functions decodes them, so a key is taken as it is if only
        that names an object.
        """
        decoded = unquote_plus(key)
        if decoded != key:
            try:
                self.pipeline.bucket.etag(decoded)
            except (ObjectMissing, AccessDenied):
                return key
        return decoded

    def _etag(self, key: str) -> str:
        try:
            return self.pipeline.bucket.etag(key)
        except (ObjectMissing, AccessDenied):
            raise FileRemoved("There is no such file in the bucket.") from None

    def _prepared(self, key: str) -> BatchImage | None:
        """A prepared image that has a result."""
        try:
            _, image_id = inbox.parse_prepared_key(key)
        except ValueError:
            return None
        result = self.pipeline.table.find(image_id)
        if result is None or result["status"] not in (CLASSIFIED, DELETED):
            return None
        found = BatchImage(key, image_id, "", result, is_answered=False)
        if result["status"] == DELETED:
            found.known = "deleted"
        elif self._is_answered(result):
            found.known = self.count_of(result)
        return found

    def _is_answered(self, result: Result) -> bool:
        """Whether the result need not be replaced."""
        return self.pipeline.classifier.is_current(self.task, result["model"]) or self._is_of_batch(result)

    def _is_of_batch(self, result: Result) -> bool:
        begun = datetime.fromisoformat(self.batch["requested_at"])
        return datetime.fromisoformat(result["classified_at"] or result["created_at"]) >= begun


def _size(item: Item) -> int:
    """The size of a listed file in bytes; 0 if it is unknown, as in lists that people write."""
    size = str(item.get("Size") or "")
    return int(size) if size.isdecimal() else 0

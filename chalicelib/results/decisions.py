"""The decisions on images: `results/TASK/ID.json` is authoritative, and the table follows it.

The document is created once; a second writer adopts its content. Changes are made by compare-and-swap and
numbered. The number, the revision, is in the object's metadata. The table is written afterwards, on condition
that it holds no later revision. So table and document agree once all operations are complete, in any order
and with any repetitions.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass

from chalicelib.errors import NotClassified
from chalicelib.results import result_document
from chalicelib.results.result_document import Result
from chalicelib.results.table import ResultsTable, deleted_result, unknown_result
from chalicelib.results.table_item import Entry
from chalicelib.storage.bucket import DataBucket, StoredObject
from chalicelib.storage.errors import AccessDenied, ObjectChanged, ObjectMissing, StorageFailed

_REVISION = "revision"
_MAX_TRIES = 10
"""Attempts to change a document; each failure means that another writer succeeded."""


class NotADocument(Exception):
    """An object in `results/` is not the document of a finished result."""


@dataclass(frozen=True)
class StoredResult:
    """A document in `results/`."""

    result: Result
    revision: int
    etag: str | None
    """None if the document has just been created, or does not exist."""


@dataclass(frozen=True)
class Decisions:
    """Reads and writes decisions: the documents in `results/` and the table."""

    bucket: DataBucket
    table: ResultsTable

    def decide(self, result: Result, revision: int = 0) -> StoredResult:
        """Make `result` the decision if there is none yet, and return the decision."""
        try:
            self._write(result, revision, None)
        except ObjectChanged:
            found = self.find(result)
            if found is None:
                raise StorageFailed("a result was removed while it was written") from None
            return found
        return StoredResult(result, revision, None)

    def document(self, entry: Entry) -> None:
        """Write the document of a result that only the table has; the table follows it if there is one."""
        decision = self.decide(entry.result, entry.revision)
        if decision.etag is None:
            self.table.mark_documented(entry.result["id"])
        else:
            self.table.end_change(decision.result, decision.revision)

    def find(self, result: Result) -> StoredResult | None:
        """The decision on the image of `result`; None if there is none."""
        try:
            stored = self.bucket.read(result_document.key(result))
        except ObjectMissing:
            return None
        return StoredResult(
            result_document.completed(json.loads(stored.body)),
            int(stored.metadata.get(_REVISION, 0)),
            stored.etag,
        )

    def change(self, image_id: str, edit: Callable[[Result], Result]) -> Result:
        """Change a finished result.

        Args:
            image_id: of an image that the table knows.
            edit: gets the current result and returns the new one. Its exceptions are passed on.

        Raises:
            UnknownResult: if the table does not know the image.
        """
        for _ in range(_MAX_TRIES):
            current = self._current(image_id)
            changed, revision = edit(current.result), current.revision + 1
            self.table.begin_change(image_id, revision)
            try:
                self._write(changed, revision, current.etag)
            except ObjectChanged:
                continue
            self.table.end_change(changed, revision)
            return changed
        raise StorageFailed("other writers changed a result each time")

    def review(self, image_id: str, change: Callable[[Result], Result]) -> Result:
        """Change the readings of an image.

        Args:
            image_id: of an image that the table knows.
            change: gets the current result, and returns it with other readings; see `readings`.

        Raises:
            NotClassified: if the image is not classified.
            ResultDeleted: if it has been deleted.
        """

        def edit(result: Result) -> Result:
            if result["status"] == result_document.DELETED:
                raise deleted_result()
            if result["status"] != result_document.CLASSIFIED:
                raise NotClassified("This image has no classification yet, so there is nothing to review.")
            return change(result)

        return self.change(image_id, edit)

    def repair(self, image_id: str) -> bool:
        """Finish an interrupted change, and write a missing document.

        Returns:
            Whether the document was written, because it was missing or older than the table.

        Raises:
            ObjectChanged: if another writer wrote it at the same time.
        """
        entry = self.table.entry(image_id)
        if entry is None or not entry.finished:
            return False
        found = self.find(entry.result)
        outdated = found is None or found.revision < entry.revision
        if found is None or outdated:
            self._write(entry.result, entry.revision, found.etag if found else None)
            found = StoredResult(entry.result, entry.revision, None)
        if entry.unfinished_since:
            self.table.end_change(found.result, found.revision, entry.pending)
        return outdated

    def _current(self, image_id: str) -> StoredResult:
        """The current result: the later one of document and table.

        Earlier versions of this application wrote the table first, and sometimes no document.
        """
        entry = self.table.entry(image_id)
        if entry is None:
            raise unknown_result()
        try:
            found = self.find(entry.result)
        except AccessDenied:
            found = None
        if found and found.revision > entry.revision:
            return found
        return StoredResult(entry.result, entry.revision, found.etag if found else None)

    def _write(self, result: Result, revision: int, etag: str | None) -> None:
        metadata = {_REVISION: str(revision)} if revision else {}
        self.bucket.replace_json(result_document.key(result), result, etag, metadata)


def restore(bucket: DataBucket, table: ResultsTable, key: str) -> bool:
    """Write the result of a document into the table if it is missing there; False if it is not.

    Raises:
        NotADocument: if the object at `key` is not a result document.
        ObjectMissing: if there is no object.
    """
    result, revision = _document(bucket.read(key), key)
    entry = table.entry(result["id"])
    if entry and (entry.finished or entry.deleted) and entry.revision >= revision:
        return False
    if entry and entry.unfinished_since and result["status"] == result_document.QUARANTINED:
        return False  # finishing it also moves the file
    return table.end_change(result, revision)


def _document(stored: StoredObject, key: str) -> tuple[Result, int]:
    """Result and revision of the document at `key`."""
    try:
        result = result_document.completed(json.loads(stored.body))
        decided = (*result_document.FINISHED, result_document.DELETED)
        if result_document.key(result) == key and result["status"] in decided:
            return result, int(stored.metadata.get(_REVISION, 0))
    except (ValueError, KeyError, TypeError, AttributeError):
        pass
    raise NotADocument

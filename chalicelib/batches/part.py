"""A part of a batch: some images, which are decoded and classified together.

Step Functions may run a part again at any time, so each image is looked up first, and one that has its result
is left alone. The id of an archived image follows from its task, key and ETag, so no image gets two results.
"""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, Literal, TypedDict

import numpy as np

from chalicelib import timestamps
from chalicelib.batches.batch import Batch
from chalicelib.batches.locations import ARCHIVE, changes_folder
from chalicelib.errors import (
    DecodingFailed,
    FileRemoved,
    ImageError,
    ImageTooLarge,
    InvalidRequest,
    NegatoscopeError,
    ResultDeleted,
)
from chalicelib.limits import MAX_FILE_BYTES
from chalicelib.models.classification import Classification
from chalicelib.observability import logger
from chalicelib.pipeline import prepared
from chalicelib.pipeline.decoder import IN_THE_BACKGROUND, DecodedFile
from chalicelib.pipeline.pipeline import Pipeline
from chalicelib.pipeline.prepared import PreparedArray
from chalicelib.results import result_document
from chalicelib.results.result_document import CLASSIFIED, DELETED, Result
from chalicelib.storage import inbox
from chalicelib.storage.errors import AccessDenied, ObjectMissing
from chalicelib.tasks import Task

Item = Mapping[str, Any]
"""What the ItemReader read of an image: `Key`, and of a listed object `Etag` and `Size`."""
READERS = 4
"""Images that are decoded at the same time, each by a Lambda of its own."""
TRIES = 2
"""Attempts to decode an image: S3 may have failed, and not the decoder."""
_UNUSABLE = (ImageError, FileRemoved, DecodingFailed, InvalidRequest)
"""The image is the cause, or may be. Anything else ends the part, and Step Functions repeats it."""
Known = Literal["current", "deleted", "skipped"]
"""Why an image is not classified: it has its result, an admin has deleted that, or there is none."""


class Failure(TypedDict):
    """A file without a result."""

    key: str
    """It may name a patient: never log it."""
    code: str
    message: str


class PartOutcome(TypedDict):
    """What became of the images of a part."""

    classified: int
    """Since the batch began."""
    current: int
    """They had a result of the current model before the batch began."""
    deleted: int
    """An admin has deleted their results, and they are not classified again."""
    skipped: int
    """Empty objects that stand for folders, and prepared images without a classification."""
    failures: list[Failure]


@dataclass
class _Image:
    """An image on its way to its result."""

    key: str
    id: str
    etag: str
    earlier: Result | None
    """Its classification by an earlier model, or one whose array is missing."""
    is_answered: bool
    """Whether only the array is missing."""
    array: PreparedArray | None = None
    error: NegatoscopeError | None = None

    @property
    def is_ready(self) -> bool:
        """Whether it can be classified."""
        return self.array is not None and not self.is_answered


@dataclass(frozen=True)
class PartRun:
    """Classifies one part of a batch."""

    pipeline: Pipeline
    batch: Batch
    task: Task

    def run(self, items: Sequence[Item]) -> PartOutcome:
        """Classify the images of a part that need it.

        Raises:
            NegatoscopeError, StorageFailed: if the part has to be repeated.
        """
        self.pipeline.classifier.require_model(self.task)
        started = timestamps.now()
        outcome: PartOutcome = {"classified": 0, "current": 0, "deleted": 0, "skipped": 0, "failures": []}
        images = list(self._images(items, outcome))
        with ThreadPoolExecutor(READERS) as pool:
            list(pool.map(partial(self._open, started), images))
        for image, answer in self._answers(images):
            self._finish(image, answer, started, outcome)
        self._store_missing(images, outcome)
        for image in images:
            if image.error:
                outcome["failures"].append(_failure(image.key, image.error))
        counts = {name: count for name, count in outcome.items() if name != "failures"}
        logger.info("part", extra={**counts, "failed": len(outcome["failures"])})
        return outcome

    def _images(self, items: Sequence[Item], outcome: PartOutcome) -> Iterator[_Image]:
        """The images that have something to be done for; the others are counted."""
        for item in items:
            key = str(item.get("Key") or item.get("key") or "")
            try:
                found = self._image_again(key) if self.batch["kind"] == "again" else self._image(key, item)
            except _UNUSABLE as error:
                outcome["failures"].append(_failure(key, error))
                continue
            if isinstance(found, _Image):
                yield found
            else:
                outcome[found] += 1

    def _image(self, key: str, item: Item) -> "_Image | Known | Literal['classified']":
        """An archived image."""
        if key.endswith("/"):
            return "skipped"
        if not key.startswith(ARCHIVE):
            raise InvalidRequest(f"The file is not in {ARCHIVE}, or the list has no column Key.")
        if int(item.get("Size") or 0) > MAX_FILE_BYTES:
            raise ImageTooLarge(f"The file has more than {MAX_FILE_BYTES:,} bytes, which are accepted.")
        etag = str(item.get("Etag") or "").strip('"') or self._etag(key)
        image_id = inbox.new_id("archive", self.task.name, key, etag)
        result = self.pipeline.table.find(image_id)
        if result is None or result["status"] not in (CLASSIFIED, DELETED):
            return _Image(key, image_id, etag, None, is_answered=False)
        if result["status"] == DELETED:
            return "deleted"
        is_answered = self._is_answered(result)
        if is_answered and prepared.is_stored(self.pipeline.bucket, result):
            return self._known(result)
        return _Image(key, image_id, etag, result, is_answered=is_answered)

    def _etag(self, key: str) -> str:
        try:
            return self.pipeline.bucket.etag(key)
        except (ObjectMissing, AccessDenied):
            raise FileRemoved("There is no such file in the bucket.") from None

    def _image_again(self, key: str) -> "_Image | Known | Literal['classified']":
        """A prepared image that has a result."""
        try:
            _, image_id = inbox.parse_prepared_key(key)
        except ValueError:
            return "skipped"
        result = self.pipeline.table.find(image_id)
        if result is None or result["status"] != CLASSIFIED:
            return "deleted" if result and result["status"] == DELETED else "skipped"
        if self._is_answered(result):
            return self._known(result)
        return _Image(key, image_id, "", result, is_answered=False)

    def _is_answered(self, result: Result) -> bool:
        """Whether the result need not be replaced."""
        return self.pipeline.classifier.is_current(self.task, result["model"]) or self._is_of_batch(result)

    def _is_of_batch(self, result: Result) -> bool:
        begun = datetime.fromisoformat(self.batch["requested_at"])
        return datetime.fromisoformat(result["classified_at"] or result["created_at"]) >= begun

    def _known(self, result: Result) -> "Literal['current', 'classified']":
        return "classified" if self._is_of_batch(result) else "current"

    def _open(self, started: str, image: _Image) -> None:
        """Get the array of an image: the stored one of an earlier classification, or from the file."""
        bucket = self.pipeline.bucket
        try:
            if image.earlier and not image.is_answered:
                try:
                    image.array = prepared.load(bucket, self.task.name, image.id)
                    return
                except (ObjectMissing, AccessDenied):
                    if self.batch["kind"] == "again":
                        raise FileRemoved("The prepared image was removed.") from None
            base = image.earlier or result_document.received(image.id, self.task.name, "archive")
            image.array = PreparedArray.of(self._decode(image), base, started)
        except _UNUSABLE as error:
            image.error = error

    def _decode(self, image: _Image) -> DecodedFile:
        for attempt in range(1, TRIES + 1):
            links = [self.pipeline.bucket.link(image.key, image.etag)]
            try:
                return self.pipeline.decoder.decode(self.task, image.id, links, IN_THE_BACKGROUND)
            except DecodingFailed:
                if attempt == TRIES:
                    raise
        raise AssertionError("unreachable")

    def _answers(self, images: Sequence[_Image]) -> Iterator[tuple[_Image, Classification]]:
        ready = [(image, image.array) for image in images if image.array and image.is_ready]
        if ready:
            pixels = np.stack([array.pixels for _, array in ready])
            boxes = [array.box for _, array in ready]
            answers = self.pipeline.classifier.classify(self.task, pixels, boxes)
            yield from zip((image for image, _ in ready), answers, strict=True)

    def _finish(self, image: _Image, answer: Classification, started: str, outcome: PartOutcome) -> None:
        """Store the result, and then the array, whose event finds the image classified."""
        array, bucket = image.array, self.pipeline.bucket
        assert array
        result = result_document.classified(array.received(image.id, self.task.name), array.source, answer)
        if image.earlier and image.earlier["label"] != result["label"]:
            # First, so that it is not lost if the next call is the last one of this process.
            change = f"{image.earlier['label']}/{result['label']}/{image.id}"
            bucket.write(f"{changes_folder(self.batch['name'])}{change}", b"", "text/plain")
        try:
            self.pipeline.store_answer(result, started, replaces=image.earlier is not None)
        except ResultDeleted:
            outcome["deleted"] += 1
            return
        if self.batch["kind"] != "again":
            prepared.store(bucket, self.task.name, image.id, array)
        outcome["classified"] += 1

    def _store_missing(self, images: Sequence[_Image], outcome: PartOutcome) -> None:
        """Store the arrays of images whose results were stored by a run that was interrupted after that."""
        for image in images:
            if image.is_answered and image.array and image.earlier:
                prepared.store(self.pipeline.bucket, self.task.name, image.id, image.array)
                outcome[self._known(image.earlier)] += 1


def _failure(key: str, error: NegatoscopeError) -> Failure:
    return {"key": key, "code": error.code, "message": error.message}

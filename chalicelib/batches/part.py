"""A part of a batch: some images, which are classified together, or prepared for a transform job.

Step Functions may run a part again at any time, so each image is looked up first, and one that has its result
is left alone. The id of an archived image follows from its task, key and ETag, so no image gets two results.
"""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

import numpy as np

from chalicelib import timestamps
from chalicelib.batches.answered import AnswerStore
from chalicelib.batches.batch import Batch
from chalicelib.batches.lookup import BatchImage, Item, Lookup
from chalicelib.batches.outcome import COUNTS, PartOutcome, failure, nothing
from chalicelib.batches.transform_folder import TransformFolder
from chalicelib.errors import (
    DecodingFailed,
    FileRemoved,
    ImageError,
    InvalidRequest,
)
from chalicelib.models.classification import Classification
from chalicelib.observability import logger
from chalicelib.pipeline import prepared
from chalicelib.pipeline.decoder import IN_THE_BACKGROUND, DecodedFile
from chalicelib.pipeline.pipeline import Pipeline
from chalicelib.pipeline.prepared import PreparedArray
from chalicelib.results import result_document
from chalicelib.storage.errors import AccessDenied, ObjectMissing
from chalicelib.tasks import Task

READERS = 4
"""Images that are decoded at the same time, each by a Lambda of its own."""
TRIES = 2
"""Attempts to decode an image: S3 may have failed, and not the decoder."""
_UNUSABLE = (ImageError, FileRemoved, DecodingFailed, InvalidRequest)
"""The image is the cause, or may be. Anything else ends the part, and Step Functions repeats it."""


@dataclass(frozen=True)
class PartRun:
    """Works on one part of a batch."""

    pipeline: Pipeline
    batch: Batch
    task: Task

    def run(self, items: Sequence[Item]) -> PartOutcome:
        """Classify the images of a part that need it, or prepare them for the transform job of the batch.

        Raises:
            NegatoscopeError, StorageFailed: if the part has to be repeated.
        """
        self.pipeline.classifier.require_model(self.task)
        started, outcome = timestamps.now(), nothing()
        answers = AnswerStore(self.pipeline, self.batch, self.task, started, outcome)
        images = list(self._images(items, outcome))
        with ThreadPoolExecutor(READERS) as pool:
            list(pool.map(partial(self._open, started), images))
        if self.batch.get("transform"):
            self._set_aside(images, outcome)
        else:
            for image, answer in self._answers(images):
                answers.store(image, answer)
        for image in images:
            if image.is_answered and image.array and image.earlier:
                # Its result was stored by a run that was interrupted after that.
                answers.store_array(image)
                outcome[self._lookup.count_of(image.earlier)] += 1
            if image.was_waiting and (image.is_answered or not self.batch.get("transform")):
                self._folder.remove(image.id)
            if image.error:
                outcome["failures"].append(failure(image.key, image.error))
        log(outcome)
        return outcome

    @property
    def _lookup(self) -> Lookup:
        return Lookup(self.pipeline, self.batch, self.task)

    @property
    def _folder(self) -> TransformFolder:
        return TransformFolder(self.pipeline.bucket, self.batch["name"])

    def _images(self, items: Sequence[Item], outcome: PartOutcome) -> Iterator[BatchImage]:
        """The images that have something to be done for; the others are counted."""
        for item in items:
            try:
                found = self._lookup.find(item)
            except _UNUSABLE as error:
                outcome["failures"].append(failure(str(item.get("Key") or item.get("key") or ""), error))
                continue
            if found is None:
                outcome["skipped"] += 1
            elif found.known:
                outcome[found.known] += 1
                if "transform" in self.batch and found.known in ("classified", "deleted"):
                    # An earlier pass may have been interrupted after it had stored the result.
                    self._folder.remove(found.id)
            else:
                yield found

    def _open(self, started: str, image: BatchImage) -> None:
        """Get the array of an image: one that waits, that of an earlier classification, or from the file."""
        if "transform" in self.batch:
            array = self._folder.array(image.id)
            if array and array.pixels.shape == self.task.input.shape:
                image.array, image.was_waiting = array, True
                return
        try:
            if image.earlier and not image.is_answered:
                image.array = self._stored_array(image)
                if image.array:
                    return
            base = image.earlier or result_document.received(image.id, self.task.name, "archive")
            image.array = PreparedArray.of(self._decode(image), base, started)
        except _UNUSABLE as error:
            image.error = error

    def _stored_array(self, image: BatchImage) -> PreparedArray | None:
        """The array of an earlier classification; None if the image's file has to be decoded instead.

        Raises:
            FileRemoved, InvalidRequest: if there is no usable array, and no file in the archive.
        """
        again = self.batch["kind"] == "again"
        try:
            array = prepared.load(self.pipeline.bucket, self.task.name, image.id)
        except (ObjectMissing, AccessDenied):
            if again:
                raise FileRemoved("The prepared image was removed.") from None
            return None
        if image.earlier and not array.is_input_of(image.earlier):
            if again:
                raise FileRemoved(
                    "The prepared image was replaced: its upload was sent twice, with different files."
                )
            return None
        if array.pixels.shape == self.task.input.shape:
            return array
        # A later version of the task takes images of another size.
        if again:
            raise InvalidRequest("The image was prepared for a different input size. Send the file again.")
        return None

    def _decode(self, image: BatchImage) -> DecodedFile:
        for attempt in range(1, TRIES + 1):
            links = [self.pipeline.bucket.link(image.key, image.etag)]
            try:
                return self.pipeline.decoder.decode(self.task, image.id, links, IN_THE_BACKGROUND)
            except DecodingFailed:
                if attempt == TRIES:
                    raise
        raise AssertionError("unreachable")

    def _answers(self, images: Sequence[BatchImage]) -> Iterator[tuple[BatchImage, Classification]]:
        ready = [(image, image.array) for image in images if image.array and image.is_ready]
        if ready:
            pixels = np.stack([array.pixels for _, array in ready])
            boxes = [array.box for _, array in ready]
            answers = self.pipeline.classifier.classify(self.task, pixels, boxes)
            yield from zip((image for image, _ in ready), answers, strict=True)

    def _set_aside(self, images: Sequence[BatchImage], outcome: PartOutcome) -> None:
        """Store the arrays of images that need an answer where the transform job reads them."""
        waiting = outcome["prepared"] = {}
        for image in images:
            if image.array and image.is_ready:
                if not image.was_waiting:
                    self._folder.store(image.id, image.array)
                waiting[self._folder.array_key(image.id)] = image.key


def log(outcome: PartOutcome) -> None:
    """Log the numbers of a part. Keys of files may name patients."""
    counts = {name: outcome[name] for name in COUNTS}  # type: ignore[literal-required]
    others = {"failed": len(outcome["failures"]), "prepared": len(outcome.get("prepared", ()))}
    logger.info("part", extra={**counts, **others})

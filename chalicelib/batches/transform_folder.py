"""The folders of a batch between which its transform job works: prepared images, and answers.

SageMaker names the answer to an object after it, with `.out` at the end (its developer guide, "Batch
transform").
"""

import re
from contextlib import suppress
from dataclasses import dataclass

from chalicelib.batches.locations import ANSWERS, ARRAYS
from chalicelib.media_types import ARRAY_TYPE
from chalicelib.pipeline.prepared import PreparedArray
from chalicelib.storage.bucket import DataBucket
from chalicelib.storage.errors import ObjectMissing

_NAME = re.compile(r"([0-9a-f]{32})\.npy")


@dataclass(frozen=True)
class TransformFolder:
    """The prepared images of a batch, and the answers of its transform job."""

    bucket: DataBucket
    batch: str
    """Name of the batch."""

    def is_empty(self) -> bool:
        """Whether no image waits for the job."""
        return next(iter(self.bucket.keys(self._arrays)), None) is None

    def array_key(self, image_id: str) -> str:
        """The key of an image's array."""
        return f"{self._arrays}{image_id}.npy"

    def image_id(self, key: str) -> str:
        """The image of an array.

        Raises:
            ValueError: if `key` is not the key of an array of this batch.
        """
        match = _NAME.fullmatch(key.removeprefix(self._arrays))
        if not match:
            raise ValueError("not the key of a prepared array of this batch")
        return match[1]

    def store(self, image_id: str, image: PreparedArray) -> None:
        """Store the array of an image."""
        body, metadata = image.pack()
        self.bucket.write(self.array_key(image_id), body, ARRAY_TYPE, metadata)

    def array(self, image_id: str) -> PreparedArray | None:
        """The array of an image, if it waits."""
        with suppress(ObjectMissing):
            return PreparedArray.unpack(self.bucket.read(self.array_key(image_id)))
        return None

    def answer(self, image_id: str) -> bytes | None:
        """What the job has answered for an image, if it has."""
        with suppress(ObjectMissing):
            return self.bucket.read(self._answer_key(image_id)).body
        return None

    def remove(self, image_id: str) -> None:
        """Remove an image that has its result. Its array is removed last: without it, nobody looks again."""
        self.bucket.delete(self._answer_key(image_id))
        self.bucket.delete(self.array_key(image_id))

    def _answer_key(self, image_id: str) -> str:
        return f"{ANSWERS.format(self.batch)}{image_id}.npy.out"

    @property
    def _arrays(self) -> str:
        return ARRAYS.format(self.batch)

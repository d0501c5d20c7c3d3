"""Estimates what a batch would cost and how long it would take."""

import time
from collections.abc import Iterator
from dataclasses import dataclass

from chalicelib.batches.record import Estimate
from chalicelib.batches.request import BatchRequest
from chalicelib.errors import InvalidRequest
from chalicelib.storage.bucket import DataBucket

DOLLARS = {"decoded": 8.14e-05, "prepared": 3.75e-05, "transformed": 2.67e-05}
"""For an image that is decoded, and for one that is only classified again; and what it costs more if a
transform job classifies it, without the instance. A test compares them with the price list of `make cost`."""
SECONDS = {"decoded": 0.65, "prepared": 0.4, "transformed": 0.2}
"""Of a part's Lambda, for each image: a quarter of the decoding, the classification, storing the result; and
what recording the answer of a transform job adds."""
INSTANCE_DOLLARS = 0.204
"""For an hour of the instance of a transform job. It is compared, too."""
INSTANCE_SECONDS = {"start": 300.0, "image": 0.03}
"""Of that instance: until it works, and for each image. It works on four images at a time."""
MAX_SECONDS = 12.0
"""For counting; API Gateway waits 29 s. A list request, of a thousand keys, takes about 0.1 s."""
MAX_LIST_BYTES = 64 * 1024**2
"""Of a CSV file whose lines are counted."""


@dataclass(frozen=True)
class Estimator:
    """Counts the images of a batch."""

    bucket: DataBucket

    def estimate(self, request: BatchRequest, *, transform: bool) -> Estimate:
        """What a batch would take if every image had to be classified.

        Args:
            request: the batch.
            transform: whether a transform job classifies.

        Raises:
            InvalidRequest: if there is nothing at its source.
        """
        if request.kind == "list":
            images, complete = self._lines(request.source)
        elif request.kind == "inventory":
            self._size(request.source)
            images, complete = None, False
        else:
            images, complete = self._objects(request.source)
            if images == 0:
                raise InvalidRequest(f"There are no images in {request.source}.")
        dollars = seconds = None
        if images is not None:
            dollars, seconds = _effort(images, request, transform=transform)
        return {
            "images": images,
            "complete": complete,
            "dollars": dollars,
            "seconds": seconds,
            "transform": transform,
        }

    def _objects(self, folder: str) -> tuple[int, bool]:
        deadline, images = time.monotonic() + MAX_SECONDS, 0
        for key, _ in self.bucket.sizes(folder):
            images += not key.endswith("/")
            if images % 1000 == 0 and time.monotonic() > deadline:
                return images, False
        return images, True

    def _lines(self, key: str) -> tuple[int | None, bool]:
        if self._size(key) > MAX_LIST_BYTES:
            return None, False
        lines = self.bucket.read(key).body.splitlines()
        if not lines or b"Key" not in lines[0].replace(b'"', b"").split(b","):
            raise InvalidRequest("The first line of the list must name its columns, and one must be Key.")
        return sum(bool(line.strip()) for line in lines[1:]), True

    def _size(self, key: str) -> int:
        for found, size in self._first(key):
            if found == key:
                return size
        raise InvalidRequest("There is no such file in the data bucket.")

    def _first(self, key: str) -> Iterator[tuple[str, int]]:
        """The object at `key`, if there is one: no other key that begins like this sorts before it."""
        for found in self.bucket.sizes(key):
            yield found
            return


def _effort(images: int, request: BatchRequest, *, transform: bool) -> tuple[float, float]:
    """The dollars and the seconds for images."""
    ways = ["prepared" if request.kind == "again" else "decoded"] + ["transformed"] * transform
    dollars = images * sum(DOLLARS[way] for way in ways)
    seconds = images * sum(SECONDS[way] for way in ways) / request.concurrency
    if transform:
        instance = INSTANCE_SECONDS["start"] + images * INSTANCE_SECONDS["image"]
        dollars += instance / 3600 * INSTANCE_DOLLARS
        seconds += instance
    return round(dollars, 4), round(seconds, 1)

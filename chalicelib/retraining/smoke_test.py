"""The smoke test before a model is promoted: it must answer known images as it did in its evaluation."""

import csv
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from io import BytesIO, StringIO

import numpy as np

from chalicelib.errors import EndpointNotReady, NegatoscopeError
from chalicelib.imaging.decoded import Pixels
from chalicelib.models.backend import Backend
from chalicelib.retraining.payloads import SmokeTest
from chalicelib.storage.bucket import DataBucket

PER_CLASS = 2
TOLERANCE = 1e-3
"""Of a probability. On other processors, rounding makes a difference of about 1e-6."""
MAX_SECONDS = 5.0
"""For one image, once the model is warm. People wait for the answer."""


@dataclass(frozen=True)
class KnownImage:
    """A test image, and the candidate's answer to it in the batch transform."""

    pixels: Pixels
    """uint8, shape (channels, height, width)."""
    probabilities: tuple[float, ...]


def known_images(bucket: DataBucket, folder: str) -> Iterator[KnownImage]:
    """A few test images of each class.

    Args:
        bucket: data bucket.
        folder: key of the retraining's folder, ending in a slash.
    """
    manifest = bucket.read(f"{folder}data/manifest.csv").body.decode("utf-8", "surrogateescape")
    taken: dict[str, int] = {}
    for row in csv.DictReader(StringIO(manifest)):
        if row["part"] != "test" or taken.get(row["class"], 0) == PER_CLASS:
            continue
        taken[row["class"]] = taken.get(row["class"], 0) + 1
        array = bucket.read(f"{folder}data/test/{row['sha256']}.npy").body
        answer = json.loads(bucket.read(f"{folder}answers/{row['sha256']}.npy.out").body)
        yield KnownImage(
            np.load(BytesIO(array), allow_pickle=False), tuple(map(float, answer["probabilities"][0]))
        )


def run_smoke_test(
    backend: Backend, images: Iterator[KnownImage], sha256: str, clock: Callable[[], float] = time.monotonic
) -> SmokeTest:
    """Classify each image, and compare the answers with those of the evaluation.

    Args:
        backend: that will answer once the candidate is promoted.
        images: with the expected answers.
        sha256: of the candidate's graph.
        clock: in seconds.

    Raises:
        EndpointNotReady: if a later attempt may succeed.
    """
    slowest, count = 0.0, 0
    for count, known in enumerate(images, start=1):
        start = clock()
        try:
            outputs = backend.run(known.pixels[np.newaxis])
        except EndpointNotReady:
            raise
        except NegatoscopeError as error:
            return _failed(f"It did not answer: {error.message}", count)
        took = clock() - start
        if outputs.model.sha256 != sha256:
            return _failed(f"Another model answered, {outputs.model.version}.", count)
        difference = np.abs(outputs.probabilities[0] - np.array(known.probabilities)).max()
        if not difference <= TOLERANCE:  # also catches NaN
            return _failed(
                f"Its probabilities differ by {difference:.3f} from those that were evaluated.", count
            )
        # The first request may have to load the model.
        slowest = max(slowest, took if count > 1 else 0.0)
    if not count:
        return _failed("There are no test images.", count)
    if slowest > MAX_SECONDS:
        return _failed(f"It took {slowest:.1f} s to answer; the limit is {MAX_SECONDS:.0f} s.", count)
    return {"passed": True, "reason": None, "images": count, "slowest_ms": round(slowest * 1000, 1)}


def _failed(reason: str, count: int) -> SmokeTest:
    return {"passed": False, "reason": reason, "images": count, "slowest_ms": None}

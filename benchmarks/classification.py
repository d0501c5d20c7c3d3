"""Compares batches with single images, for the bundled models."""

from collections.abc import Iterator

import numpy as np

from benchmarks.timing import Comparison, compare
from chalicelib.models.embedded import EmbeddedBackend
from chalicelib.models.package import bundled_package
from chalicelib.tasks import load_tasks

IMAGES = 16


def comparisons() -> Iterator[Comparison]:
    """One comparison per bundled model, on one thread."""
    for task in load_tasks().values():
        if package := bundled_package(task.name):
            backend = EmbeddedBackend(package, threads=1)
            shape = (IMAGES, task.input.channels, task.input.height, task.input.width)
            images = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
            yield compare(
                f"{task.name}, each of {IMAGES} in a batch",
                lambda backend=backend, images=images: backend.run(images),  # type: ignore[misc]
                lambda backend=backend, images=images: [backend.run(image[np.newaxis]) for image in images],  # type: ignore[misc]
                IMAGES,
            )

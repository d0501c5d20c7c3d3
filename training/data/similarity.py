"""Near duplicates, found by the correlation of small grey thumbnails."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from training.data.pixels import Images, batch_size
from training.errors import TrainingError

SIDE = 32
"""Side of a thumbnail in pixels: fine enough for scans to differ, too coarse for callipers and noise."""
BLOCK = 2048
"""Images compared with as many others at once: 16 MiB of correlations."""
MAX_SHRUNK = 256
"""Images resized at once."""
MAX_PAIRS = 20
"""Per image on average; a threshold that finds more finds a kind of image, not copies."""


class Similar(NamedTuple):
    """The positions of two images that are nearly the same, the smaller first."""

    first: int
    second: int
    correlation: float


def find_similar(pixels: Images, least: float, store: Path) -> list[Similar]:
    """All pairs of prepared images whose thumbnails correlate by more than `least`.

    Every image is compared with every other, in blocks: time is quadratic in their number, memory constant.
    Mirrored copies are not searched: no data set here has any, and a left breast is no copy of a right one.

    Args:
        pixels: shape (N, channels, height, width).
        least: Pearson's correlation. The right value depends on the kind of image: standardised films of two
            patients can reach 0.97.
        store: file for the thumbnails, 4 KiB per image.

    Raises:
        TrainingError: if there are too many pairs, because `least` is too low.
    """
    count = len(pixels)
    vectors = np.lib.format.open_memmap(store, mode="w+", dtype=np.float32, shape=(count, SIDE * SIDE))
    size = batch_size(pixels, MAX_SHRUNK)
    for start in range(0, count, size):
        vectors[start : start + size] = standardised_thumbnails(pixels[start : start + size])
    pairs: list[Similar] = []
    for start in range(0, count, BLOCK):
        pairs += _pairs_of_block(vectors, start, least)
        if len(pairs) > MAX_PAIRS * count:
            raise TrainingError(
                f"More than {MAX_PAIRS} of the other images correlate with an image by {least} on average: "
                "images of this kind look alike without being copies. Raise --near-duplicates, or leave it "
                "out and name the patients with --dataset or in a column 'group'."
            )
    return pairs


def standardised_thumbnails(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Grey thumbnails of images (N, C, H, W), as vectors (N, SIDE²) of mean 0 and length 1.

    The dot product of two is their correlation. The vector of an image of one colour is 0.
    """
    grey = images.mean(1, dtype=np.float32).round().astype(np.uint8)
    small = [Image.fromarray(image).resize((SIDE, SIDE), Image.Resampling.BOX) for image in grey]
    vectors = np.array(small, np.float32).reshape(len(images), SIDE * SIDE)
    vectors -= vectors.mean(1, keepdims=True)
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    vectors /= np.where(length > 0, length, 1)
    return vectors


def _pairs_of_block(vectors: NDArray[np.float32], start: int, least: float) -> Iterator[Similar]:
    """The pairs with one image in the block that begins at `start`, and the other in it or after it."""
    block = np.array(vectors[start : start + BLOCK])
    for other in range(start, len(vectors), BLOCK):
        # Rounding, which depends on the processor, lets that of copies exceed 1.
        correlation = np.minimum(block @ vectors[other : other + BLOCK].T, 1)
        for first, second in np.argwhere(correlation > least).tolist():
            if start + first < other + second:
                yield Similar(start + first, other + second, float(correlation[first, second]))

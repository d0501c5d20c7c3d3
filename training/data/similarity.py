"""Images that are nearly the same, found by the correlation of small grey thumbnails."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from training.data.pixels import Images
from training.errors import TrainingError

SIDE = 32
"""Pixels of a thumbnail: fine enough to tell scans apart, coarse enough to overlook callipers and noise."""
BLOCK = 2048
"""Images compared with as many others at a time: 16 MiB of correlations."""
SHRUNK = 256
"""Images made into thumbnails at a time."""
MAX_PAIRS = 20
"""Per image on average; with more, the threshold finds a kind of image and not copies."""


class Similar(NamedTuple):
    """Two images that are nearly the same, by their positions, the first being the smaller one."""

    first: int
    second: int
    correlation: float


def find_similar(pixels: Images, least: float, store: Path) -> list[Similar]:
    """All pairs of prepared images whose thumbnails correlate by more than `least`.

    Every image is compared with every other, in blocks, so memory does not grow with their number, and time
    does with its square. Mirrored copies are not looked for: no data set here has any, and a left breast is
    no copy of a right one.

    Args:
        pixels: shape (N, channels, height, width).
        least: Pearson's correlation. What counts as nearly the same depends on the kind of image: two
            films of different patients can reach 0.97 where all are taken alike.
        store: where the thumbnails go, 4 KiB per image.

    Raises:
        TrainingError: if there are so many pairs that `least` must be too low.
    """
    count = len(pixels)
    vectors = np.lib.format.open_memmap(store, mode="w+", dtype=np.float32, shape=(count, SIDE * SIDE))
    for start in range(0, count, SHRUNK):
        vectors[start : start + SHRUNK] = standardised_thumbnails(pixels[start : start + SHRUNK])
    pairs: list[Similar] = []
    for start in range(0, count, BLOCK):
        pairs += _pairs_of_block(vectors, start, least)
        if len(pairs) > MAX_PAIRS * count:
            raise TrainingError(
                f"More than {MAX_PAIRS} of the other images resemble an image by {least} on average: that "
                "is how this kind of image looks, not a sign of copies. Raise --near-duplicates, or leave it "
                "out and tell patients by --dataset or a column 'group'."
            )
    return pairs


def standardised_thumbnails(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Grey thumbnails of images (N, C, H, W), as vectors (N, SIDE²) of mean 0 and length 1.

    The dot product of two is their correlation. An image of one colour, which resembles nothing, is 0.
    """
    grey = images.mean(1, dtype=np.float32).round().astype(np.uint8)
    small = [Image.fromarray(image).resize((SIDE, SIDE), Image.Resampling.BOX) for image in grey]
    vectors = np.array(small, np.float32).reshape(len(images), SIDE * SIDE)
    vectors -= vectors.mean(1, keepdims=True)
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    vectors /= np.where(length > 0, length, 1)
    return vectors


def _pairs_of_block(vectors: NDArray[np.float32], start: int, least: float) -> Iterator[Similar]:
    """The pairs of which one image lies in the block that begins at `start`, and the other in it or after."""
    block = np.array(vectors[start : start + BLOCK])
    for other in range(start, len(vectors), BLOCK):
        correlation = block @ vectors[other : other + BLOCK].T
        for first, second in np.argwhere(correlation > least).tolist():
            if start + first < other + second:
                yield Similar(start + first, other + second, float(correlation[first, second]))

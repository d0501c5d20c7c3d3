"""Prepared images of a data set, decoded once."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from chalicelib.errors import ImageError
from chalicelib.imaging import prepare
from chalicelib.tasks import InputSpec
from training.dataset import Record
from training.errors import TrainingError

MOST_UNREADABLE = 0.05
"""Share of unreadable files above which something is wrong with the folder rather than with single files."""


@dataclass(frozen=True)
class PreparedImages:
    """The images of some records as the model takes them."""

    pixels: NDArray[np.uint8]
    """Shape (N, channels, height, width); memory-mapped, so a large data set need not fit in memory."""
    readable: tuple[int, ...]
    """Which of the records these are; the others could not be read."""


def prepare_images(folder: Path, records: Sequence[Record], spec: InputSpec, store: Path) -> PreparedImages:
    """Prepare every record's file exactly as serving does, into one array file at `store`.

    Raises:
        TrainingError: if more than a few of the files cannot be read.
    """
    shape = (len(records), spec.channels, spec.height, spec.width)
    pixels = np.lib.format.open_memmap(store, mode="w+", dtype=np.uint8, shape=shape)

    def load(index: int) -> ImageError | None:
        try:
            pixels[index] = prepare((folder / records[index].path).read_bytes(), spec).pixels
        except ImageError as error:
            return error
        return None

    # Pillow releases the interpreter lock while it decodes and resizes.
    with ThreadPoolExecutor() as pool:
        outcomes = list(pool.map(load, range(len(records))))
    failures = [error for error in outcomes if error is not None]
    if len(failures) > MOST_UNREADABLE * len(records):
        raise TrainingError(
            f"{len(failures)} of {len(records)} files cannot be read. The first: {failures[0].message} "
            "Is this a folder of images?"
        )
    readable = tuple(index for index, error in enumerate(outcomes) if error is None)
    kept = pixels if not failures else pixels[list(readable)]
    return PreparedImages(kept, readable)

"""Outlines of findings: masks that come with some data sets."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from chalicelib.errors import ImageError
from chalicelib.imaging import prepare
from chalicelib.labelled_data.masks import image_of, without_suffix
from chalicelib.tasks import InputSpec
from training.data.storage import Storage, join
from training.errors import TrainingError


def find_masks(storage: Storage, folder: str, paths: Sequence[str]) -> dict[str, list[str]]:
    """The masks of images, relative to `folder`, by the image's path; images without one are left out.

    A mask is white inside an outline.
    """
    masks = defaultdict(list)
    for path in sorted(storage.paths(folder)):
        if image := image_of(path):
            masks[image].append(path)
    stems = {path: without_suffix(path) for path in paths}
    return {path: masks[stem] for path, stem in stems.items() if stem in masks}


def read_outline(
    storage: Storage, folder: str, masks: Sequence[str], spec: InputSpec
) -> tuple[NDArray[np.uint8], tuple[int, int, int, int]]:
    """The union of an image's masks, prepared as the image is, uint8 (H, W), and the box of its content."""
    grey = replace(spec, channels=1)
    prepared = [prepare(storage.read(join(folder, mask)), grey) for mask in masks]
    return np.maximum.reduce([mask.pixels[0] for mask in prepared]), prepared[0].box


def read_outlines(
    folder: str, paths: Sequence[str], rows: Sequence[int], spec: InputSpec, store: Path
) -> NDArray[np.uint8] | None:
    """The outlines of images, uint8 (N, H, W), in a file at `store`; those of images without one are empty.

    None if no image to train on has one.

    Args:
        folder: address of the data.
        paths: of all N images, relative to it.
        rows: the images to train on; outlines of others are not read.
        spec: of the input that images are prepared for.
        store: the file to write.

    Raises:
        TrainingError: if a mask cannot be read.
    """
    storage = Storage()
    masks = find_masks(storage, folder, [paths[row] for row in rows])
    shape = (len(paths), spec.height, spec.width)
    outlines = np.lib.format.open_memmap(store, mode="w+", dtype=np.uint8, shape=shape)
    found = 0
    for row in rows:
        if paths[row] in masks:
            outlines[row] = _read(storage, folder, paths[row], masks[paths[row]], spec)
            found += bool(outlines[row].any())
    print(f"{found} of {len(rows)} training images have an outline", flush=True)
    return outlines if found else None


def _read(
    storage: Storage, folder: str, path: str, masks: Sequence[str], spec: InputSpec
) -> NDArray[np.uint8]:
    try:
        return read_outline(storage, folder, masks, spec)[0]
    except ImageError as error:
        raise TrainingError(f"A mask of '{path}' cannot be read: {error.message}") from error

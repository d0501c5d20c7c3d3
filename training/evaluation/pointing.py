"""Do heat maps point at what a person outlined? The pointing game (Zhang et al. 2018) and the map's mass."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnxruntime import InferenceSession
from PIL import Image

from chalicelib.models.heatmap import heatmap
from chalicelib.tasks import InputSpec, Task
from training.core.arrays import Ints
from training.data.outlines import find_masks, read_outline
from training.data.pixels import Images
from training.data.storage import Storage
from training.model.graph import run

Mask = NDArray[np.bool_]


def measure_pointing(
    session: InferenceSession, task: Task, images: Images, labels: Ints, folder: str, paths: Sequence[str]
) -> dict[str, Any] | None:
    """How well the heat maps of the true classes agree with outlines, as `pointing` in model.json.

    Args:
        session: of the model's graph.
        task: of the model.
        images: prepared images, shape (N, C, H, W).
        labels: their true classes, shape (N,).
        folder: address of the data.
        paths: of the images, relative to it.

    Returns:
        `images`, how many have outlines; `hit`, the share of them with the map's maximum inside an outline;
        `mass`, the mean share of the map's sum inside; and the same for a map without knowledge:
        `centre_hit` for the image's centre, and `area`, the outlines' mean share of the image. None if no
        image has outlines.
    """
    storage = Storage()
    masks = find_masks(storage, folder, paths)
    rows = [row for row, path in enumerate(paths) if path in masks]
    if not rows:
        return None
    chosen = np.array(rows)
    activations = run(session, images[chosen])["activation"][np.arange(len(rows)), labels[chosen]]
    found = [
        _compare(_shown(activation, task.input, box), mask)
        for activation, (mask, box) in zip(
            activations, _read_masks(storage, folder, [masks[paths[row]] for row in rows], task), strict=True
        )
        if mask.any()
    ]
    if not found:
        return None
    means = {key: float(np.mean([measured[key] for measured in found])) for key in found[0]}
    return {"images": len(found), **means}


def _read_masks(
    storage: Storage, folder: str, paths: Sequence[Sequence[str]], task: Task
) -> Iterator[tuple[Mask, tuple[int, int, int, int]]]:
    """The union of each image's masks, prepared as the image is and cropped to its content, and the box."""
    for several in paths:
        outline, box = read_outline(storage, folder, several, task.input)
        left, top, width, height = box
        yield outline[top : top + height, left : left + width] > 127, box


def _shown(activation: NDArray[np.float32], spec: InputSpec, box: tuple[int, int, int, int]) -> Image.Image:
    """The heat map as people see it, stretched over the image's content."""
    shown = heatmap(activation, spec, box)
    values = np.reshape(shown["values"], (shown["height"], shown["width"])).astype(np.float32)
    return Image.fromarray(values).resize(box[2:], Image.Resampling.BILINEAR)


def _compare(shown: Image.Image, mask: Mask) -> Mapping[str, float]:
    values = np.asarray(shown, np.float64)
    total = values.sum()
    rows, columns = mask.shape
    return {
        "hit": float(mask.flat[int(values.argmax())]),
        "mass": float(values[mask].sum() / total) if total > 0 else float(mask.mean()),
        "centre_hit": float(mask[rows // 2, columns // 2]),
        "area": float(mask.mean()),
    }

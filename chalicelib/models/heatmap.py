"""Converts a model's activation map to a heat map of the original image."""

from math import ceil
from typing import Any

import numpy as np
from PIL import Image

from chalicelib.models.backend import Floats
from chalicelib.tasks import InputSpec


def heatmap(activation: Floats, spec: InputSpec, box: tuple[int, int, int, int]) -> dict[str, Any]:
    """The heat map of one class, cropped to the image's content, as the API returns it.

    Args:
        activation: shape (h, w), a coarse grid over the whole input frame.
        spec: the input frame the grid covers.
        box: left, top, width and height of the content in the frame, in pixels.

    Returns:
        `{"width", "height", "values"}` with values 0..1, row by row. It covers the whole original image.
    """
    rows, columns = activation.shape
    left, top, width, height = box
    across, down = columns / spec.width, rows / spec.height
    size = (ceil(width * across), ceil(height * down))
    area = (left * across, top * down, (left + width) * across, (top + height) * down)
    grid = Image.fromarray(activation.astype(np.float32)).resize(size, Image.Resampling.BILINEAR, box=area)
    values = np.asarray(grid, np.float64).clip(0, 1).ravel()
    return {"width": size[0], "height": size[1], "values": [round(value, 3) for value in values.tolist()]}

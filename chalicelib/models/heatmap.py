"""Converts a model's activation map to a heat map of the original image."""

from math import ceil
from typing import TYPE_CHECKING, Annotated, TypedDict

from chalicelib.json_schema import Schema
from chalicelib.tasks import InputSpec

if TYPE_CHECKING:
    from chalicelib.models.backend import Floats


class Heatmap(TypedDict):
    """Where a model sees evidence for a class; it covers the original image when stretched over it."""

    width: Annotated[int, Schema(minimum=1)]
    height: Annotated[int, Schema(minimum=1)]
    values: list[Annotated[float, Schema(minimum=0, maximum=1)]]
    """Row by row."""


def heatmap(activation: "Floats", spec: InputSpec, box: tuple[int, int, int, int]) -> Heatmap:
    """The heat map of one class, cropped to the image's content.

    Args:
        activation: shape (h, w), a coarse grid over the whole input frame.
        spec: the input frame the grid covers.
        box: left, top, width and height of the content in the frame, in pixels.

    Returns:
        The heat map, with values 0..1. It covers the whole original image.
    """
    # Everything that handles results loads this module, but not everything makes heat maps.
    import numpy as np
    from PIL import Image

    rows, columns = activation.shape
    left, top, width, height = box
    across, down = columns / spec.width, rows / spec.height
    size = (ceil(width * across), ceil(height * down))
    area = (left * across, top * down, (left + width) * across, (top + height) * down)
    grid = Image.fromarray(activation.astype(np.float32)).resize(size, Image.Resampling.BILINEAR, box=area)
    # Adding 0 turns -0, which stays when clipped, into 0.
    values = np.asarray(grid, np.float64).clip(0, 1).ravel() + 0.0
    return {"width": size[0], "height": size[1], "values": [round(value, 3) for value in values.tolist()]}

"""Alignment of OCT sections: the retina becomes straight, and what is far above and below it is cut off.

Height, tilt and curvature of the retina differ between devices and eyes, and say nothing about diseases,
which are small in a whole section. So a parabola is fitted to the brightest layer, usually the pigment
epithelium, and the network sees the rows around it (like Liu et al., Med Image Anal 15(5), 2011, and
Srinivasan et al., Biomed Opt Express 5(10), 2014). All of it is part of the exported graph.
"""

import torch
from torch import Tensor
from torch.nn import functional

WIDTH, HEIGHT = 256, 128
"""Of an aligned section, in pixels."""
ABOVE, BELOW = 0.4, 0.2
"""What an aligned section shows above and below the parabola, as shares of the height of the image."""
CELL_HEIGHT, CELL_WIDTH = 2, 8
"""Of the cells, in pixels, among which the brightest of each column is searched."""
WHITE = 0.8501
"""Brightness from which cells between an edge and the section are white filling. Means of 16 pixels never
have this value, so that rounding decides nothing."""
UNIFORM = 0.0301
"""Rows and columns along an edge are a frame if the brightness of their cells varies by less than this."""
DARK = 1e-6
"""Lower bound of a column's mass. It is not added to the mass: the exporter drops summands below 1e-8."""
REACHES = (0.12, 0.06)
"""Distances from the parabola, as shares of the height, to which brightness counts in later fits."""


def align_retina(images: Tensor) -> Tensor:
    """Grey images, float 0..1 (N, 1, H, W), as aligned sections (N, 1, HEIGHT, WIDTH), with black outside."""
    curve = functional.interpolate(fit_retina(images)[:, None], WIDTH, mode="linear")[:, 0]
    offsets = _centres(HEIGHT) * (ABOVE + BELOW) - ABOVE
    heights = curve[:, None, :] + offsets[:, None]
    columns = _centres(WIDTH).expand_as(heights)
    return _sample(images, columns, heights)


def spread_over_image(maps: Tensor, images: Tensor, size: tuple[int, int]) -> Tensor:
    """Maps (N, K, h, w) of aligned sections, put back where their images (N, 1, H, W) have them.

    The result has `size`, rows and columns, and is 0 where the network has not seen the image.
    """
    rows, columns = size
    curve = functional.interpolate(fit_retina(images)[:, None], columns, mode="linear")[:, 0]
    heights = (_centres(rows)[:, None] - curve[:, None, :] + ABOVE) / (ABOVE + BELOW)
    return _sample(maps, _centres(columns).expand_as(heights), heights)


def fit_retina(images: Tensor) -> Tensor:
    """A parabola along the brightest layer of grey images, float 0..1 (N, 1, H, W).

    Returns:
        Its height in each column of cells, shape (N, W / CELL_WIDTH): 0 is the upper edge, 1 the lower one.
    """
    # Rounding would move the section by a visible part of a pixel, differently in each runtime.
    cells = functional.avg_pool2d(images, (CELL_HEIGHT, CELL_WIDTH)).double()
    # The power lets bright layers outweigh broad ones.
    brightness = (cells * (1 - _outside(cells)))[:, 0] ** 4
    rows = _centres(brightness.shape[1]).double()[:, None]
    curve = _fit(rows, brightness)
    for reach in REACHES:
        curve = _fit(rows, brightness * torch.exp(-(((rows - curve[:, None]) / reach) ** 2)))
    return curve.float()


def _outside(cells: Tensor) -> Tensor:
    """1 for cells (N, 1, h, w) outside the section.

    They belong to a frame, as on a screenshot, or to the white with which devices fill what a turned section
    leaves empty.
    """
    white = (cells >= WHITE).to(cells.dtype)
    frame = _frame(cells)
    empty = torch.maximum(white, frame)
    connected = torch.maximum(_from_edges(empty, 2), _from_edges(empty, 3))
    # Cells beside it are partly white.
    filling = functional.max_pool2d((white * connected).float(), (5, 3), 1, (2, 1)).double()
    return torch.maximum(filling, frame)


def _frame(cells: Tensor) -> Tensor:
    """1 for cells (N, 1, h, w) of a frame in one colour, and for those that it covers in part."""
    frame = torch.zeros_like(cells)
    for axis in (2, 3):
        span = cells.amax(5 - axis, keepdim=True) - cells.amin(5 - axis, keepdim=True)
        uniform = (span < UNIFORM).to(cells.dtype)
        frame = torch.maximum(frame, _from_edges(uniform, axis).expand_as(cells))
    return functional.max_pool2d(frame.float(), 3, 1, 1).double()


def _from_edges(cells: Tensor, axis: int) -> Tensor:
    """1 for cells from which all others up to an edge of the axis are 1, like themselves."""
    others = 1 - cells
    from_first = others.cumsum(axis) < 1
    from_last = (others.flip(axis).cumsum(axis) < 1).flip(axis)
    return torch.maximum(from_first.to(cells.dtype), from_last.to(cells.dtype))


def _fit(rows: Tensor, weights: Tensor) -> Tensor:
    """The parabola (N, w) through the columns' mean heights, weighted by `weights` (N, h, w)."""
    mass = weights.sum(1)
    heights = (weights * rows).sum(1) / mass.clamp(min=DARK)
    # No single column may decide. In a black image, whose heights mean nothing, all count alike.
    mass = (mass / mass.mean(1, keepdim=True).clamp(min=DARK)).clamp(max=2) + 1e-6
    mass = mass / mass.sum(1, keepdim=True)

    def mean(values: Tensor) -> Tensor:
        return (mass * values).sum(1, keepdim=True)

    # Polynomials that are orthogonal under these weights. The constant keeps weak evidence from bending.
    x = 2 * _centres(heights.shape[1]).double() - 1
    slope = x - mean(x)
    bend = x * x - mean(x * x) - slope * mean(x * x * slope) / mean(slope * slope)
    curve = mean(heights)
    for term in (slope, bend):
        curve = curve + term * mean(heights * term) / (mean(term * term) + 0.01)
    return curve


def _centres(count: int) -> Tensor:
    """The centres of `count` equal parts of 0..1, shape (count,)."""
    return (torch.arange(count) + 0.5) / count


def _sample(maps: Tensor, columns: Tensor, heights: Tensor) -> Tensor:
    """Values of maps (N, C, H, W) at places given as shares of their sides (N, h, w); 0 above and below."""
    grid = torch.stack([columns, heights], 3) * 2 - 1
    values = functional.grid_sample(maps, grid, padding_mode="border", align_corners=False)
    return values * ((heights >= 0) & (heights <= 1))[:, None]

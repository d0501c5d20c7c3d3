"""Converts the samples of a TIFF page to a picture in grey levels or RGB."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from chalicelib import errors
from chalicelib.imaging.decoded import Display, Pixels, WholeRange, stretch
from chalicelib.imaging.tiff.directory import Directory, Tag, invalid
from chalicelib.imaging.tiff.layout import Layout
from chalicelib.imaging.tiff.samples import Samples, blocks
from chalicelib.imaging.tiff.terms import (
    ASSOCIATED,
    CMYK,
    FLOAT,
    JPEG,
    PALETTE,
    UNSIGNED,
    WHITE_IS_ZERO,
    YCBCR,
)

_TOP = 0xFFFF


@dataclass(frozen=True)
class _Range:
    """The samples that are black and white."""

    black: float
    white: float
    opaque: float
    """The alpha of an opaque pixel."""
    exact: bool
    """Whether all samples are integers within 65,535 of black, so that they need no scaling."""

    @property
    def top(self) -> int:
        """The level of white."""
        return int(self.white - self.black) if self.exact else _TOP


def picture(directory: Directory, layout: Layout, channels: int) -> tuple[Image.Image, Display | None]:
    """The picture (mode L, RGB or I;16), and for I;16 how its values are shown.

    Colours become grey here if the model takes one channel: that needs a quarter of the memory.

    Raises:
        DamagedImage: if a part is missing, damaged or shorter than it should be.
    """
    if layout.photometric == PALETTE:
        return _colour(directory, layout, channels, _with_palette(directory, layout)), None
    if layout.photometric == CMYK:
        return _colour(directory, layout, channels, _with_inks(layout)), None
    if layout.photometric == YCBCR:
        return _colour(directory, layout, channels, _with_luma(directory, layout)), None
    values = _range(directory, layout)
    if layout.colours == 1 and values.top > 255:
        image = Image.new("I;16", (layout.columns, layout.rows))
        for top, samples in blocks(directory, layout):
            image.paste(Image.fromarray(_levels(samples, layout, values)[..., 0]), (0, top))
        return image, WholeRange(values.top)

    def finished(samples: Samples) -> Pixels:
        if values.top == 255 and layout.bits == 8 and not layout.alpha and layout.format == UNSIGNED:
            colours: Pixels = samples[..., : layout.colours]
            return 255 - colours if layout.photometric == WHITE_IS_ZERO else colours
        return stretch(_levels(samples, layout, values), 0, values.top)

    return _colour(directory, layout, channels, finished), None


def _colour(
    directory: Directory, layout: Layout, channels: int, convert: Callable[[Samples], Pixels]
) -> Image.Image:
    """The picture whose blocks `convert` turns into 8-bit levels, one or three per pixel."""
    mode = "L" if channels == 1 or (layout.colours == 1 and layout.photometric != PALETTE) else "RGB"
    image = Image.new(mode, (layout.columns, layout.rows))
    for top, samples in blocks(directory, layout):
        levels = convert(samples)
        block = Image.fromarray(levels[..., 0] if levels.shape[-1] == 1 else levels)
        image.paste(block.convert(mode), (0, top))
    return image


def _levels(samples: Samples, layout: Layout, values: _Range) -> NDArray[np.uint16]:
    """Levels from 0 (black) to `values.top` (white); transparent pixels and NaN are black."""
    colours = samples[..., : layout.colours]
    if values.exact:
        levels = (colours.astype(np.int32) - int(values.black)).clip(0, values.top).astype(np.uint16)
    else:
        span = values.white / 2 - values.black / 2  # halves, because the whole may overflow a float
        with np.errstate(invalid="ignore", over="ignore"):
            scaled = (colours.astype(np.float64) / 2 - values.black / 2) * (_TOP / span if span else 0.0)
            levels = np.nan_to_num(np.rint(scaled), nan=0.0).clip(0, _TOP).astype(np.uint16)
    alpha = samples[..., layout.colours, None] if layout.alpha else None
    if layout.photometric == WHITE_IS_ZERO:
        levels = _inverted(levels, alpha, layout, values)
    if not values.exact and layout.format == FLOAT:
        levels[~np.isfinite(colours)] = 0
    if alpha is not None and layout.alpha != ASSOCIATED:
        levels = np.rint(levels * _opacity(alpha, values)).astype(np.uint16)
    return levels


def _inverted(
    levels: NDArray[np.uint16], alpha: Samples | None, layout: Layout, values: _Range
) -> NDArray[np.uint16]:
    if alpha is None or layout.alpha != ASSOCIATED:
        return (values.top - levels).astype(np.uint16)
    # 0 is white, in proportion to the opacity of the pixel.
    white = np.rint(_opacity(alpha, values) * values.top)
    return (white - levels).clip(0, values.top).astype(np.uint16)


def _opacity(alpha: Samples, values: _Range) -> NDArray[np.float32]:
    opacity: NDArray[np.float32] = np.nan_to_num(alpha.astype(np.float32) / np.float32(values.opaque))
    return opacity.clip(0, 1)


def _range(directory: Directory, layout: Layout) -> _Range:
    """Black and white of a page.

    Unsigned integers of up to 16 bits start at 0. With 16 bits, white is the top of the smallest bit depth
    that holds the brightest sample: 12-bit detectors store 0 to 4095 in 16 bits. All other samples are scaled
    from the smallest to the largest.
    """
    depth = 2**layout.bits - 1
    if layout.format == UNSIGNED and layout.bits < 16:
        return _Range(0, depth, depth, exact=True)
    low, high, max_alpha = _extremes(directory, layout)
    opaque = _top_of_depth(max_alpha) if layout.format == UNSIGNED else max(max_alpha, 1)
    if layout.format == UNSIGNED and layout.bits == 16:
        return _Range(0, _top_of_depth(high), opaque, exact=True)
    return _Range(low, high, opaque, exact=layout.format != FLOAT and layout.bits <= 16)


def _top_of_depth(brightest: float) -> int:
    return int(2 ** max(8, int(brightest).bit_length()) - 1)


def _extremes(directory: Directory, layout: Layout) -> tuple[float, float, float]:
    """The smallest and the largest finite colour sample, and the largest alpha."""
    low, high, opaque = np.inf, -np.inf, 0.0
    for _, samples in blocks(directory, layout):
        colours = samples[..., : layout.colours]
        if layout.format == FLOAT:
            colours = colours[np.isfinite(colours)]
        if colours.size:
            low, high = min(low, float(colours.min())), max(high, float(colours.max()))
        if layout.alpha:
            opaque = max(opaque, float(np.nan_to_num(samples[..., layout.colours], posinf=0).max()))
        elif (layout.format, layout.bits) == (UNSIGNED, 16) and high > _TOP // 2:
            break  # later samples cannot change the depth
    if low > high:
        raise errors.DamagedImage("No sample of the TIFF file is a number. Export it again.")
    return low, high, opaque


def _with_palette(directory: Directory, layout: Layout) -> Callable[[Samples], Pixels]:
    size = 2**layout.bits
    table = np.array(directory.integers(Tag.ColorMap))
    if table.size != 3 * size:
        raise invalid(Tag.ColorMap, f"has {table.size} entries where {3 * size} are needed")
    # Entries have 16 bits, but some writers store 8-bit values.
    colours = (table if table.max() < 256 else table >> 8).clip(0, 255).astype(np.uint8)
    colours = colours.reshape(3, size).T

    def convert(samples: Samples) -> Pixels:
        pixels: Pixels = colours[samples[..., 0]]
        return _composed(pixels, samples, layout)

    return convert


def _with_inks(layout: Layout) -> Callable[[Samples], Pixels]:
    depth = 2**layout.bits - 1

    def convert(samples: Samples) -> Pixels:
        paper = 1 - samples[..., :4].astype(np.float32) / depth
        return _composed(stretch(paper[..., :3] * paper[..., 3:], 0, 1), samples, layout)

    return convert


def _composed(pixels: Pixels, samples: Samples, layout: Layout) -> Pixels:
    """The pixels blended with black, like the surround of a film."""
    if not layout.alpha or layout.alpha == ASSOCIATED:
        return pixels
    opacity = samples[..., layout.colours, None].astype(np.float32) / (2**layout.bits - 1)
    return stretch(pixels * opacity, 0, 255)


def _with_luma(directory: Directory, layout: Layout) -> Callable[[Samples], Pixels]:
    """From YCbCr to RGB (TIFF 6.0, sections 20 and 21); JPEG segments of three samples are RGB already."""
    if layout.compression == JPEG and not layout.planar:
        return lambda samples: samples[..., :3]
    red, green, blue = _three(directory, Tag.YCbCrCoefficients, (0.299, 0.587, 0.114))
    reference = directory.ratios(Tag.ReferenceBlackWhite) or [0, 255, 128, 255, 128, 255]
    black, white = np.array(reference[::2]), np.array(reference[1::2])
    if len(reference) != 6 or not (white > black).all():
        raise invalid(Tag.ReferenceBlackWhite, "is not three pairs of black and white")
    scale = np.array([255, 127, 127]) / (white - black)

    def convert(samples: Samples) -> Pixels:
        luma, cb, cr = np.moveaxis(((samples - black) * scale).astype(np.float32), -1, 0)
        r = luma + cr * (2 - 2 * red)
        b = luma + cb * (2 - 2 * blue)
        return stretch(np.stack([r, (luma - blue * b - red * r) / green, b], axis=-1), 0, 255)

    return convert


def _three(directory: Directory, tag: Tag, default: tuple[float, float, float]) -> tuple[float, float, float]:
    values = directory.ratios(tag) or default
    if len(values) != 3 or not all(0 < value < 1 for value in values):
        raise invalid(tag, "is not three numbers between 0 and 1")
    return values[0], values[1], values[2]

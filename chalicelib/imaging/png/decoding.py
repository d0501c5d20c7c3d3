"""Decodes PNG files with Pillow, and obtains 16-bit samples where Pillow would reduce them to 8 bits."""

from collections.abc import Iterator
from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL.PngImagePlugin import PngImageFile

from chalicelib.imaging import conversion
from chalicelib.imaging.conversion import Box
from chalicelib.imaging.png.chunks import GREY_ALPHA, RGB, Png, damaged

Samples = NDArray[Any]
"""Shape (rows, columns, channels)."""


def load(png: Png, raw_mode: str = "") -> Image.Image:
    """The image as Pillow decodes it.

    Args:
        png: the chunks of the file.
        raw_mode: how Pillow interprets the samples; "" for its default.

    Raises:
        DamagedImage: if rows are missing.
        Exception: of any kind, for other damage.
    """
    image = _decoded(png, raw_mode)
    # Pillow leaves rows black if the stream ends early without an error. If the last row is not all black, as
    # in most images, the stream need not be decompressed again. It tells nothing of interlaced images, which
    # are in seven passes.
    last_row = image.crop((0, image.height - 1, image.width, image.height))
    is_doubtful = png.header.interlaced or not np.asarray(last_row).any()
    if is_doubtful and not png.is_complete():
        raise damaged("rows of its image are missing")
    return image


def _decoded(png: Png, raw_mode: str) -> Image.Image:
    image = Image.open(BytesIO(png.file()), formats=("PNG",))
    assert isinstance(image, PngImageFile)
    if raw_mode:
        image.tile = [image.tile[0]._replace(args=raw_mode)]
    image.load()
    return image


def blank(samples: Samples, colour: tuple[int, ...]) -> bool:
    """Set pixels of a colour to 0, and return whether there were any."""
    channels = np.moveaxis(samples, -1, 0)
    transparent = np.logical_and.reduce(
        [channel == value for channel, value in zip(channels, colour, strict=True)]
    )
    samples[transparent] = 0
    return bool(transparent.any())


def deep_colour(png: Png) -> Image.Image:
    """An image of several channels with 16 bits a sample, scaled to its bit depth, on black.

    Pillow takes the upper byte of each sample, so 12-bit samples in 16 bits would be nearly black.
    """
    deep = _GreyAlpha(png) if png.header.colour == GREY_ALPHA else _Colour(png)
    brightest = 0
    for _, colour, alpha in deep.strips():
        visible = colour if alpha is None or alpha.all() else colour[alpha[..., 0] > 0]
        brightest = max(brightest, int(visible.max(initial=0)))
    scale = np.float32(255 / conversion.white_level(brightest))
    for box, colour, alpha in deep.strips():
        levels = colour * scale
        if alpha is not None:
            levels *= alpha * np.float32(1 / 0xFFFF)
        pixels = np.rint(levels).astype(np.uint8)
        deep.target.paste(Image.fromarray(pixels if pixels.shape[2] > 1 else pixels[..., 0]), box)
    return deep.target


class _Colour:
    """RGB with or without alpha. Pillow decodes the file twice, once for each byte of the samples."""

    def __init__(self, png: Png):
        self._transparent = png.transparent
        mode = "RGB" if png.header.colour == RGB else "RGBA"
        # Read as little-endian, the lower byte takes the place of the upper one.
        self._low = _decoded(png, f"{mode};16L")
        self.target = self._high = load(png, f"{mode};16B")
        """Finished strips replace the upper bytes; the alpha channel, if any, becomes opaque."""

    def strips(self) -> Iterator[tuple[Box, Samples, Samples | None]]:
        """The box, colour and alpha of each strip."""
        for box in conversion.strips(self._high):
            samples = np.asarray(self._high.crop(box)).astype(np.uint16)
            samples <<= 8
            samples |= np.asarray(self._low.crop(box))
            if self._transparent:
                blank(samples, self._transparent)
            yield box, samples[..., :3], samples[..., 3:] if samples.shape[2] == 4 else None


class _GreyAlpha:
    """Grey with alpha. Pillow decodes the four bytes of a pixel as RGBA."""

    def __init__(self, png: Png):
        self._bytes = load(png, "RGBA")
        self.target = Image.new("L", self._bytes.size)

    def strips(self) -> Iterator[tuple[Box, Samples, Samples | None]]:
        """The box, grey and alpha of each strip."""
        for box in conversion.strips(self._bytes):
            samples = np.asarray(self._bytes.crop(box)).view(">u2")
            yield box, samples[..., :1], samples[..., 1:]

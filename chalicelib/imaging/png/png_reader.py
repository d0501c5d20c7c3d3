"""Decodes PNG files."""

import numpy as np
from PIL import Image

from chalicelib import errors
from chalicelib.imaging import conversion
from chalicelib.imaging.decoded import DecodedImage, Source, check_size
from chalicelib.imaging.png import decoding
from chalicelib.imaging.png.chunks import GREY, PALETTE, Png, read
from chalicelib.tasks import InputSpec


def decode(data: bytes, spec: InputSpec) -> DecodedImage:
    """Decode a PNG file. Gamma, colour profiles and significant bits (sBIT) are not applied.

    Raises:
        ImageError: if the chunks are damaged or contradict each other, or the image is too large or small.
        Exception: of any kind, for damaged image data.
    """
    png = read(data)
    columns, rows = png.header.columns, png.header.rows
    check_size(columns, rows)
    orientation = _orientation(png)
    image = conversion.upright(_image(png), orientation)
    aspect = png.aspect
    if conversion.swaps_sides(orientation):
        columns, rows, aspect = rows, columns, 1 / aspect
    source = Source("PNG", rows, columns)
    if image.mode == "I;16":
        return conversion.deep_grey(image, source, aspect)
    return DecodedImage(conversion.finished(image, spec), source, pixel_aspect=aspect)


def _image(png: Png) -> Image.Image:
    """The image, in which the transparent colour, if any, is black."""
    if png.header.depth == 16 and png.header.colour != GREY:
        return decoding.deep_colour(png)
    image = decoding.load(png)
    if png.header.colour == PALETTE:
        _check_palette(image, png)
    if image.mode == "1":
        image = image.convert("L")
    if png.transparent:
        _blank(image, png)
    return image


def _check_palette(image: Image.Image, png: Png) -> None:
    """Pillow would invent colours for missing palette entries."""
    _, highest = image.getextrema()
    assert isinstance(highest, int)
    if highest >= len(png.palette) // 3:
        raise errors.InvalidImage(
            "The PNG file breaks the rules of its format: pixels have colours that are not in its palette. "
            "Export it again."
        )


def _blank(image: Image.Image, png: Png) -> None:
    # Pillow expands grey samples of fewer than 8 bits to the range of 8.
    scale = 255 // (2**png.header.depth - 1) if png.header.depth < 8 else 1
    colour = tuple(sample * scale for sample in png.transparent)
    for box in conversion.strips(image):
        samples = np.array(image.crop(box))
        pixels = samples.reshape(*samples.shape[:2], -1)
        if decoding.blank(pixels, colour):
            image.paste(Image.fromarray(samples), box)


def _orientation(png: Png) -> int:
    bearer = Image.new("1", (1, 1))
    if png.exif:
        bearer.info["exif"] = png.exif
    return conversion.orientation(bearer)

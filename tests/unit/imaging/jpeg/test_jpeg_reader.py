"""JPEG files of every kind, of four squares with known levels."""

import struct
from typing import Any

import numpy as np
import pytest
from PIL import Image

from chalicelib import errors, imaging
from chalicelib.tasks import InputSpec
from tests import images
from tests.unit.imaging.jpeg.samples import (
    END,
    GREY,
    LEVELS,
    NOISE,
    assert_levels,
    jpeg,
    levels,
    squares,
    with_segment,
)

REDUCED = InputSpec(width=16, height=16, channels=1, fit="stretch")
"""A model so small that libjpeg decodes at half the size."""


@pytest.mark.parametrize("spec", [GREY, REDUCED], ids=["full size", "reduced"])
@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK"])
def test_grey_squares_keep_their_levels(mode: str, progressive: bool, spec: InputSpec) -> None:
    assert_levels(jpeg(squares(mode), progressive=progressive), spec)


COLOURS = [[200, 30, 60], [30, 180, 60], [40, 60, 220], [250, 250, 30]]


COLOUR = InputSpec(width=64, height=64, channels=3, fit="stretch")


def colours() -> Image.Image:
    planes = [images.quadrants([colour[band] for colour in COLOURS], "u1", 64) for band in range(3)]
    return Image.fromarray(np.stack(planes, axis=-1))


@pytest.mark.parametrize("subsampling", ["4:4:4", "4:2:2", "4:2:0", "4:1:1"])
@pytest.mark.parametrize("progressive", [False, True])
def test_colours_are_read_with_any_subsampling(subsampling: str, progressive: bool) -> None:
    data = jpeg(colours(), subsampling=subsampling, progressive=progressive)
    np.testing.assert_allclose(levels(data, COLOUR), COLOURS, atol=6)
    expected = [round(0.299 * red + 0.587 * green + 0.114 * blue) for red, green, blue in COLOURS]
    np.testing.assert_allclose(levels(data), expected, atol=4)


def test_rgb_without_colour_transform_is_read() -> None:
    data = jpeg(colours(), keep_rgb=True)
    assert b"Adobe" in data
    np.testing.assert_allclose(levels(data, COLOUR), COLOURS, atol=6)
    np.testing.assert_allclose(levels(data)[3], 226, atol=4)


def test_cmyk_is_read_as_inverted_with_and_without_adobe_marker() -> None:
    data = jpeg(squares("CMYK"))
    assert_levels(data)
    start = data.index(b"\xff\xee")
    assert_levels(data[:start] + data[start + 2 + int.from_bytes(data[start + 2 : start + 4], "big") :])


def test_ycck_is_read() -> None:
    """CMYK with its first three components transformed to YCbCr; Pillow writes them inverted."""
    neutral = Image.new("L", (64, 64), 255 - 128)
    data = bytearray(jpeg(Image.merge("CMYK", [squares(), neutral, neutral, Image.new("L", (64, 64))])))
    transform = data.index(b"Adobe") + 11
    assert data[transform] == 0
    data[transform] = 2
    assert_levels(bytes(data))


def test_thumbnail_is_ignored() -> None:
    """Its frame header and end marker are not those of the image."""
    assert_levels(with_segment(jpeg(), 0xE1, b"Exif\0\0II*\0" + jpeg(Image.new("L", (64, 64), 99))))


@pytest.mark.parametrize("orientation", range(10))
@pytest.mark.parametrize("kind", ["EXIF", "XMP"])
def test_orientation_is_applied(kind: str, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    xmp = f'<x xmlns:tiff="http://ns.adobe.com/tiff/1.0/" tiff:Orientation="{orientation}"/>'.encode()
    data = jpeg(**{"exif": exif} if kind == "EXIF" else {"xmp": xmp})
    upright = ["0123", "1032", "3210", "2301", "0213", "2031", "3120", "1302"]
    order = upright[orientation - 1] if 1 <= orientation <= 8 else "0123"
    np.testing.assert_allclose(levels(data), [LEVELS[int(square)] for square in order], atol=3)


PADDED = InputSpec(width=64, height=64, channels=1, fit="pad")


def with_density(unit: int, across: int, down: int, **options: Any) -> bytes:
    data = jpeg(**options)
    place = data.index(b"JFIF\0")
    return data[: place + 7] + struct.pack(">BHH", unit, across, down) + data[place + 12 :]


@pytest.mark.parametrize("unit", [0, 1, 2])
@pytest.mark.parametrize("orientation", [1, 6])
def test_non_square_pixels_are_stretched(unit: int, orientation: int) -> None:
    """Twice as many pixels per inch across as down: each pixel is twice as high as wide."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    prepared = imaging.prepare(with_density(unit, 200, 100, exif=exif), PADDED)
    assert prepared.box == ((16, 0, 32, 64) if orientation == 1 else (0, 16, 64, 32))
    assert (prepared.source.rows, prepared.source.columns) == (64, 64)


@pytest.mark.parametrize("density", [(1, 1), (0, 0), (0, 5), (72, 0), (300, 301), (1, 50)])
def test_meaningless_densities_are_ignored(density: tuple[int, int]) -> None:
    assert imaging.prepare(with_density(1, *density), PADDED).box == (0, 0, 64, 64)


KINDS = [
    {},
    {"progressive": True},
    {"restart_marker_blocks": 1},
    {"optimize": True},
    {"optimize": True, "progressive": True, "restart_marker_blocks": 5},
]


@pytest.mark.parametrize("options", KINDS, ids=str)
@pytest.mark.parametrize("picture", [squares(), squares("RGB"), NOISE], ids=["grey", "colour", "noise"])
@pytest.mark.parametrize("spec", [GREY, REDUCED, COLOUR], ids=["full size", "reduced", "RGB"])
def test_missing_end_marker_is_accepted(
    picture: Image.Image, options: dict[str, Any], spec: InputSpec
) -> None:
    data = jpeg(picture, **options)
    whole = imaging.prepare(data, spec).pixels
    np.testing.assert_array_equal(imaging.prepare(data[:-2], spec).pixels, whole)
    np.testing.assert_array_equal(imaging.prepare(data[:-1], spec).pixels, whole)


@pytest.mark.parametrize("options", KINDS, ids=str)
@pytest.mark.parametrize("picture", [squares("RGB"), NOISE], ids=["squares", "noise"])
@pytest.mark.parametrize("spec", [GREY, REDUCED, COLOUR], ids=["full size", "reduced", "RGB"])
@pytest.mark.parametrize("end", [b"", END], ids=["cut", "with an end marker"])
def test_truncated_picture_is_refused(
    picture: Image.Image, options: dict[str, Any], spec: InputSpec, end: bytes
) -> None:
    data = jpeg(picture, **options)
    scan = data.index(b"\xff\xda") + 14
    for kept in (0.1, 0.5, 0.8):
        with pytest.raises(errors.DamagedImage, match="damaged or cut off"):
            imaging.prepare(data[: scan + int((len(data) - scan) * kept)] + end, spec)


@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("end", [b"", END], ids=["cut", "with an end marker"])
def test_missing_small_part_is_detected(end: bytes, progressive: bool) -> None:
    data = jpeg(NOISE, progressive=progressive)
    for missing in (200, 400):
        with pytest.raises(errors.DamagedImage, match="damaged or cut off"):
            imaging.prepare(data[: -2 - missing] + end, COLOUR)

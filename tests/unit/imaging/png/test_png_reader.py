"""PNG files of every kind, of four squares with known levels.

Transparent parts become black, like the surround of a film.
"""

import struct
from itertools import product

import numpy as np
import pytest
from PIL import Image

from chalicelib import imaging
from chalicelib.tasks import InputSpec
from tests import images
from tests.unit.imaging.png.samples import (
    EIGHT,
    GREY,
    LEVELS,
    PADDED,
    TWELVE_LEVELS,
    chunk,
    grey_rgb,
    levels,
    png,
)


@pytest.mark.parametrize(("depth", "interlaced"), [*product([1, 2, 4, 8, 16], [False, True])])
def test_grey_of_every_depth_is_read(depth: int, interlaced: bool) -> None:
    top = 2**depth - 1
    stored = [0, top // 3, 2 * top // 3, top]
    data = png(images.quadrants(stored, "u2"), depth, 0, interlaced=interlaced)
    assert levels(data) == [round(value * 255 / top) for value in stored]


COLOUR = InputSpec(width=32, height=32, channels=3, fit="stretch")


@pytest.mark.parametrize("interlaced", [False, True])
@pytest.mark.parametrize("colour", [2, 4, 6])
@pytest.mark.parametrize(("depth", "scale"), [(8, 1), (16, 257)])
def test_colour_and_alpha_are_read(colour: int, depth: int, scale: int, interlaced: bool) -> None:
    alpha = [np.full_like(EIGHT, 255)] if colour > 2 else []
    samples = np.stack([EIGHT, *alpha], axis=-1) if colour == 4 else grey_rgb(EIGHT, *alpha)
    data = png(samples.astype("u2") * scale, depth, colour, interlaced=interlaced)
    assert levels(data) == LEVELS
    assert levels(data, COLOUR) == [[value] * 3 for value in LEVELS]


@pytest.mark.parametrize("depth", [8, 16])
@pytest.mark.parametrize("colour", [2, 6])
def test_channels_keep_their_order(colour: int, depth: int) -> None:
    samples = np.full((32, 32, 3 + (colour == 6)), 255, "u2")
    samples[..., :3] = 10, 100, 200
    data = png(samples * (257 if depth == 16 else 1), depth, colour)
    assert levels(data, COLOUR) == [[10, 100, 200]] * 4


@pytest.mark.parametrize(("depth", "interlaced"), [*product([1, 2, 4, 8], [False, True])])
def test_palette_of_every_depth_is_read(depth: int, interlaced: bool) -> None:
    entries = min(4, 2**depth)
    colours = [(0, 0, 0), (200, 10, 20), (20, 200, 10), (10, 20, 200)][:entries]
    indices = images.quadrants([place % entries for place in range(4)], "u1")
    data = png(indices, depth, 3, chunk(b"PLTE", bytes(sum(colours, ()))), interlaced=interlaced)
    assert levels(data, COLOUR) == [list(colours[place % entries]) for place in range(4)]


@pytest.mark.parametrize("interlaced", [False, True])
@pytest.mark.parametrize(
    ("depth", "stored", "transparent", "expected"),
    [
        (1, [0, 1, 1, 0], 1, [0, 0, 0, 0]),
        (1, [0, 1, 1, 0], 0, [0, 255, 255, 0]),
        (2, [0, 1, 2, 3], 2, [0, 85, 0, 255]),
        (4, [0, 5, 10, 15], 15, [0, 85, 170, 0]),
        (8, LEVELS, 255, [0, 80, 160, 0]),
        (8, LEVELS, 0x01FF, [0, 80, 160, 0]),
        (16, [0, 0x5050, 0xA0A0, 0xFFFF], 0x5050, [0, 0, 160, 255]),
        (16, [65535, 1000, 2000, 4000], 65535, TWELVE_LEVELS),
    ],
)
def test_transparent_grey_becomes_black(
    depth: int, stored: list[int], transparent: int, expected: list[int], interlaced: bool
) -> None:
    samples = images.quadrants(stored, "u2")
    data = png(samples, depth, 0, chunk(b"tRNS", struct.pack(">H", transparent)), interlaced=interlaced)
    np.testing.assert_allclose(levels(data), expected, atol=1)


@pytest.mark.parametrize(("depth", "scale"), [(8, 1), (16, 257)])
def test_transparent_colour_becomes_black(depth: int, scale: int) -> None:
    samples = grey_rgb(EIGHT).astype("u2") * scale
    samples[16:, :16, 2] += 1  # close to the transparent colour
    for transparent, expected in ((80, [0, 0, 160, 255]), (160, LEVELS)):
        key = chunk(b"tRNS", struct.pack(">3H", *[transparent * scale] * 3))
        np.testing.assert_allclose(levels(png(samples, depth, 2, key)), expected, atol=1)


def test_transparent_palette_entries_become_black() -> None:
    palette = chunk(b"PLTE", bytes([0] * 3 + [80] * 3 + [160] * 3 + [255] * 3))
    indices = images.quadrants([0, 1, 2, 3], "u1")
    assert levels(png(indices, 8, 3, palette, chunk(b"tRNS", b"\xff\x00"))) == [0, 0, 160, 255]
    assert levels(png(indices, 8, 3, palette, chunk(b"tRNS", b"\xff\xff\xff\x80"))) == [0, 80, 160, 128]
    assert levels(png(indices, 2, 3, palette, chunk(b"tRNS", bytes(9)))) == [0, 0, 0, 0]


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("place", ["before", "after"])
def test_orientation_is_applied(orientation: int, place: str) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    extra = chunk(b"eXIf", exif.tobytes().removeprefix(b"Exif\0\0"))
    before, after = ([extra], b"") if place == "before" else ([], extra)
    prepared = imaging.prepare(png(images.quadrants([1, 2, 3, 4], "u1"), 8, 0, *before, after=after), GREY)
    # The stored square at each position, row by row.
    upright = ["1234", "2143", "4321", "3412", "1324", "3142", "4231", "2413"][orientation - 1]
    assert prepared.pixels[0, 8::16, 8::16].ravel().tolist() == [int(square) for square in upright]


@pytest.mark.parametrize("orientation", [1, 6])
@pytest.mark.parametrize("unit", [0, 1])
def test_non_square_pixels_are_stretched(unit: int, orientation: int) -> None:
    """Twice as many pixels per metre across as down: each pixel is twice as high as wide."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    extra = [
        chunk(b"pHYs", struct.pack(">IIB", 2000, 1000, unit)),
        chunk(b"eXIf", exif.tobytes().removeprefix(b"Exif\0\0")),
    ]
    prepared = imaging.prepare(png(EIGHT, 8, 0, *extra), PADDED)
    assert prepared.box == ((8, 0, 16, 32) if orientation == 1 else (0, 8, 32, 16))
    assert (prepared.source.rows, prepared.source.columns) == (32, 32)

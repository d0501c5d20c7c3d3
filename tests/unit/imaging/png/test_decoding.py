"""Samples of 16 bits, and damaged image data."""

import struct
import zlib
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from chalicelib import errors, imaging
from chalicelib.imaging import conversion
from chalicelib.imaging.png import chunks
from tests import images
from tests.unit.imaging.png.samples import (
    ADAM7,
    EIGHT,
    GREY,
    LEVELS,
    SOUND,
    START,
    STREAM,
    TWELVE_LEVELS,
    chunk,
    grey_rgb,
    header,
    levels,
    png,
    scanlines,
)

TWELVE = images.quadrants([0, 1000, 2000, 4000], "u2")


@pytest.mark.parametrize("colour", [0, 2, 4, 6])
def test_twelve_bits_in_sixteen_are_scaled_to_twelve(colour: int) -> None:
    alpha = [np.full_like(TWELVE, 65535)] if colour > 2 else []
    samples = np.stack([TWELVE, *alpha], axis=-1) if colour in (0, 4) else grey_rgb(TWELVE, *alpha)
    np.testing.assert_allclose(levels(png(samples, 16, colour)), TWELVE_LEVELS, atol=1)


@pytest.mark.parametrize("colour", [2, 4, 6])
@pytest.mark.parametrize("top", [255, 1023, 4095, 16383, 65535])
def test_deep_colour_is_scaled_as_deep_grey(colour: int, top: int) -> None:
    samples = images.gradient(32, 32, 0, top)
    alpha = [np.full_like(samples, 65535)] if colour > 2 else []
    stored = np.stack([samples, *alpha], axis=-1) if colour == 4 else grey_rgb(samples, *alpha)
    deep = imaging.prepare(png(stored, 16, colour), GREY).pixels.astype(int)
    grey = imaging.prepare(png(samples, 16, 0), GREY).pixels
    np.testing.assert_allclose(deep, grey, atol=1)


def test_deep_colour_is_read_in_several_strips(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conversion, "_STRIP_PIXELS", 96)
    assert levels(png(grey_rgb(TWELVE), 16, 2)) == levels(png(TWELVE, 16, 0))
    assert levels(png(EIGHT, 8, 0, chunk(b"tRNS", struct.pack(">H", 160)))) == [0, 80, 0, 255]


@pytest.mark.parametrize(("depth", "scale"), [(8, 1), (16, 257)])
@pytest.mark.parametrize("colour", [4, 6])
def test_half_transparent_pixels_are_half_as_bright(colour: int, depth: int, scale: int) -> None:
    samples = np.full((32, 32), 200, "u2")
    alpha = images.quadrants([0, 51, 102, 255], "u2")
    stored = np.stack([samples, alpha], axis=-1) if colour == 4 else grey_rgb(samples, alpha)
    spot = stored * scale
    spot[0, 0] = 65535 if depth == 16 else 255
    np.testing.assert_allclose(levels(png(spot, depth, colour)), [0, 40, 80, 200], atol=1)


def test_invisible_samples_do_not_affect_the_depth() -> None:
    alpha = images.quadrants([0, 65535, 65535, 65535], "u2")
    samples = images.quadrants([65535, 1000, 2000, 4000], "u2")
    np.testing.assert_allclose(levels(png(grey_rgb(samples, alpha), 16, 6)), TWELVE_LEVELS, atol=1)


@pytest.mark.parametrize(
    "data",
    [
        SOUND[:-12],
        SOUND[:-13],
        SOUND[:-16],
        SOUND[:-20],
        SOUND[:-1] + b"x",
        SOUND + b"trailing" * 100,
        START + b"".join(chunk(b"IDAT", STREAM[place : place + 1]) for place in range(len(STREAM))),
        START + chunk(b"IDAT") + chunk(b"IDAT", STREAM) + chunk(b"IDAT") + chunk(b"IEND"),
        START + chunk(b"IDAT", STREAM[:20]) + chunk(b"tEXt", b"a\0b") + chunk(b"IDAT", STREAM[20:]),
        START + chunk(b"IDAT", STREAM + b"more") + chunk(b"IEND"),
        START + chunk(b"IDAT", STREAM) + struct.pack(">I", 2**31) + b"tEXt",
    ],
    ids=[
        "no end", "no checksum of the data", "no checksum at all", "no checksums", "checksum of the end",
        "trailing bytes", "a byte a chunk", "empty chunks", "chunk between", "more data", "text of 2 GB",
    ],
)  # fmt: skip
def test_complete_picture_is_read(data: bytes) -> None:
    assert levels(data) == LEVELS


def test_black_picture_counts_as_complete() -> None:
    for interlaced in (False, True):
        assert levels(png(np.zeros((32, 32)), 8, 0, interlaced=interlaced)) == [0, 0, 0, 0]


def shortened(samples: NDArray[Any], depth: int, colour: int, length: int, interlaced: bool = False) -> bytes:
    """A file with a valid stream that holds less than the image."""
    stream = zlib.compress(scanlines(samples, depth)[:length])
    return (
        chunks.SIGNATURE + header(32, 32, depth, colour, 0, 0, int(interlaced))
        + chunk(b"IDAT", stream) + chunk(b"IEND")
    )  # fmt: skip


@pytest.mark.parametrize(
    "data",
    [
        SOUND[: len(SOUND) - 24],
        SOUND[: len(SOUND) // 2],
        SOUND[:40],
        SOUND[:33],
        SOUND[:20],
        SOUND.replace(struct.pack(">I", zlib.crc32(b"IDAT" + STREAM)), b"crc!"),
        SOUND.replace(header(32, 32, 8, 0), header(32, 32, 8, 0)[:-4] + b"crc!"),
        png(EIGHT, 8, 3, chunk(b"PLTE", bytes(768))[:-4] + b"crc!"),
        png(EIGHT, 8, 0, chunk(b"tRNS", b"\0\0")[:-4] + b"crc!"),
        START + chunk(b"IDAT", STREAM[:-1] + b"x") + chunk(b"IEND"),
        START + chunk(b"IDAT", b"no zlib stream") + chunk(b"IEND"),
        START + chunk(b"IDAT", zlib.compress(b"\5" + scanlines(EIGHT, 8)[1:])) + chunk(b"IEND"),
        shortened(EIGHT, 8, 0, 31 * 33),
        shortened(EIGHT, 8, 0, 32 * 33 - 1),
        shortened(EIGHT, 8, 0, 0),
        shortened(EIGHT, 8, 0, 500, interlaced=True),
        shortened(grey_rgb(EIGHT), 8, 2, 31 * 97),
        shortened(grey_rgb(EIGHT), 16, 2, 31 * 193),
        shortened(np.stack([EIGHT, EIGHT], axis=-1), 16, 4, 31 * 129),
    ],
)
def test_damaged_picture_is_refused(data: bytes) -> None:
    with pytest.raises(errors.DamagedImage, match="damaged or cut off") as refusal:
        levels(data)
    assert not isinstance(refusal.value, errors.InvalidImage)


def interlaced_rows(samples: NDArray[Any], depth: int) -> list[bytes]:
    """The scanlines of each pass that is not empty."""
    parts = [samples[y::down, x::across] for x, y, across, down in ADAM7]
    return [scanlines(part, depth) for part in parts if part.size]


def interlaced_file(samples: NDArray[Any], depth: int, colour: int, rows: bytes) -> bytes:
    start = header(samples.shape[1], samples.shape[0], depth, colour, 0, 0, 1)
    return chunks.SIGNATURE + start + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND")


@pytest.mark.parametrize(("rows", "columns"), [(8, 8), (9, 8), (33, 12), (64, 64)])
@pytest.mark.parametrize(("depth", "colour"), [(1, 0), (4, 0), (8, 0), (16, 0), (8, 2), (16, 2), (16, 6)])
def test_interlaced_picture_without_a_part_is_refused(
    rows: int, columns: int, depth: int, colour: int
) -> None:
    """Pillow leaves missing passes black."""
    samples = np.ones((rows, columns, {0: 1, 2: 3, 6: 4}[colour]), "u2")
    passes = interlaced_rows(samples, depth)
    whole = b"".join(passes)
    imaging.prepare(interlaced_file(samples, depth, colour, whole), GREY)
    for stream in (*(b"".join(passes[:count]) for count in range(1, len(passes))), whole[:-1]):
        with pytest.raises(errors.DamagedImage, match="damaged or cut off"):
            imaging.prepare(interlaced_file(samples, depth, colour, stream), GREY)


@pytest.mark.parametrize(("rows", "columns"), [(1, 1), (3, 1), (1, 6), (5, 4), (2, 5)])
def test_empty_passes_of_an_interlaced_picture_have_no_bytes(rows: int, columns: int) -> None:
    samples = np.ones((rows, columns), "u2")
    png_header = chunks.Header(columns, rows, 8, 0, interlaced=True)
    assert png_header.uncompressed_bytes == len(b"".join(interlaced_rows(samples, 8)))

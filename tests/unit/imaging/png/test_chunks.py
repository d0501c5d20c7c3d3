"""The chunks of PNG files: which are ignored, and which are refused."""

import struct
import zlib

import numpy as np
import pytest

from chalicelib import errors, imaging
from chalicelib.imaging.png import chunks
from tests import images
from tests.unit.imaging.png.samples import (
    EIGHT,
    LEVELS,
    PADDED,
    SOUND,
    START,
    STREAM,
    chunk,
    header,
    levels,
    png,
    scanlines,
)

PROFILE = b"x\0\0" + zlib.compress(bytes(1000))


@pytest.mark.parametrize(
    "extra",
    [
        chunk(b"gAMA", struct.pack(">I", 10_000)),
        chunk(b"cHRM", bytes(32)),
        chunk(b"iCCP", PROFILE),
        chunk(b"iCCP", b"no profile"),
        chunk(b"sRGB", b"\0"),
        chunk(b"sBIT", b"\x04"),
        chunk(b"tEXt", b"Comment\0" + images.PATIENT.encode()),
        chunk(b"zTXt", b"Comment\0\0" + zlib.compress(bytes(10_000_000))),
        chunk(b"iTXt", b"Comment\0\1\0\0\0" + zlib.compress(bytes(10_000_000))),
        chunk(b"acTL", struct.pack(">II", 2, 0)),
        chunk(b"fcTL", struct.pack(">5IHHBB", 0, 9, 9, 3, 3, 1, 1, 0, 0)),
        chunk(b"eXIf", b"MM no EXIF"),
        chunk(b"eXIf", b""),
        chunk(b"pHYs", b"short"),
        chunk(b"tEXt", b"Comment\0x")[:-1] + b"\0",
        chunk(b"prIv", b"private"),
    ],
    ids=lambda extra: extra[4:8].decode(),
)  # fmt: skip
@pytest.mark.parametrize("place", ["before", "after"])
def test_chunks_without_effect_on_pixels_are_ignored(extra: bytes, place: str) -> None:
    before, after = ([extra], b"") if place == "before" else ([], extra)
    assert levels(png(EIGHT, 8, 0, *before, after=after)) == LEVELS


def test_significant_bits_do_not_change_samples_that_fill_sixteen() -> None:
    data = png(images.quadrants([0, 0x5050, 0xA0A0, 0xFFF0], "u2"), 16, 0, chunk(b"sBIT", b"\x0c"))
    assert levels(data) == LEVELS


def test_still_image_of_an_animation_is_used() -> None:
    other = zlib.compress(scanlines(np.full((32, 32), 99), 8))
    control = struct.pack(">5IHHBB", 0, 32, 32, 0, 0, 1, 1, 0, 0)
    before = chunk(b"acTL", struct.pack(">II", 1, 0))
    after = chunk(b"fcTL", control) + chunk(b"fdAT", struct.pack(">I", 1) + other)
    assert levels(png(EIGHT, 8, 0, before, after=after)) == LEVELS


@pytest.mark.parametrize("density", [(0, 0), (0, 5), (1000, 1001), (1, 50), (2**31, 1)])
def test_meaningless_densities_are_ignored(density: tuple[int, int]) -> None:
    data = png(EIGHT, 8, 0, chunk(b"pHYs", struct.pack(">IIB", *density, 1)))
    assert imaging.prepare(data, PADDED).box == (0, 0, 32, 32)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (START + chunk(b"IEND"), "no image data"),
        (chunks.SIGNATURE + chunk(b"IDAT", STREAM) + chunk(b"IEND"), "does not begin with its header"),
        (START + header(32, 32, 8, 0) + chunk(b"IDAT", STREAM), "more than one IHDR"),
        (png(EIGHT, 8, 3), "palette .* is missing"),
        (png(EIGHT, 8, 3, chunk(b"PLTE", bytes(10))), "palette .* wrong length"),
        (png(EIGHT, 8, 3, chunk(b"PLTE", bytes(12))), "not in its palette"),
        (png(EIGHT, 8, 0, chunk(b"tRNS", b"\0")), "transparent colour .* wrong length"),
        (chunks.SIGNATURE + chunk(b"IHDR", bytes(12)), "header has the wrong length"),
        (chunks.SIGNATURE + header(32, 32, 16, 3), "16 bits a sample with colour type 3"),
        (chunks.SIGNATURE + header(32, 32, 4, 2), "4 bits a sample with colour type 2"),
        (chunks.SIGNATURE + header(32, 32, 8, 5), "colour type 5"),
    ],
)
def test_file_that_violates_the_standard_is_refused_with_the_rule(data: bytes, words: str) -> None:
    with pytest.raises(errors.InvalidImage, match=words):
        levels(data)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (chunks.SIGNATURE + chunk(b"CgBI", bytes(4)) + SOUND[8:], "Apple's own variant"),
        (png(EIGHT, 8, 0, chunk(b"ABCD")), "an extension of the standard"),
        (chunks.SIGNATURE + header(32, 32, 8, 0, 1, 0, 0), "not part of the standard"),
        (chunks.SIGNATURE + header(32, 32, 8, 0, 0, 0, 2), "not part of the standard"),
    ],
)
def test_unsupported_file_is_named_and_not_called_damaged(data: bytes, words: str) -> None:
    with pytest.raises(errors.UnsupportedImage, match=words):
        levels(data)


def test_too_many_chunks_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chunks, "_MAX_CHUNKS", 20)
    with pytest.raises(errors.UnsupportedImage, match="more than 20 chunks"):
        levels(png(EIGHT, 8, 0, *[chunk(b"prIv")] * 20))


def test_size_is_checked_before_decoding() -> None:
    for columns, rows_, error in ((2**31 - 1, 2**31 - 1, errors.ImageTooLarge), (0, 9, errors.ImageTooSmall)):
        with pytest.raises(error):
            levels(chunks.SIGNATURE + header(columns, rows_, 8, 0) + chunk(b"IDAT") + chunk(b"IEND"))

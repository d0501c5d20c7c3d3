"""PNG files of every kind, written chunk by chunk, of four squares with known levels."""

import struct
import zlib
from itertools import product
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from chalicelib import errors, imaging
from chalicelib.imaging import conversion
from chalicelib.imaging.png import chunks
from chalicelib.tasks import InputSpec
from tests import images

GREY = InputSpec(width=32, height=32, channels=1, fit="stretch")
COLOUR = InputSpec(width=32, height=32, channels=3, fit="stretch")
PADDED = InputSpec(width=32, height=32, channels=1, fit="pad")
LEVELS = [0, 80, 160, 255]
EIGHT = images.quadrants(LEVELS, "u1")
TWELVE = images.quadrants([0, 1000, 2000, 4000], "u2")
TWELVE_LEVELS = [0, 62, 125, 249]

ADAM7 = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]
"""First column and row of each pass, and its steps across and down."""


def chunk(kind: bytes, body: bytes = b"") -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def rows(samples: NDArray[Any], depth: int) -> bytes:
    """Scanlines without a filter, of samples with the shape (rows, columns) or (rows, columns, channels)."""
    flat = samples.reshape(len(samples), -1)
    if depth < 8:
        bits = np.unpackbits(flat.astype(np.uint8)[..., np.newaxis], axis=2)[..., 8 - depth :]
        packed = np.packbits(bits.reshape(len(flat), -1), axis=1)
    else:
        packed = flat.astype(f">u{depth // 8}").view(np.uint8)
    return b"".join(b"\0" + row.tobytes() for row in packed)


def header(columns: int, rows: int, depth: int, colour: int, *methods: int) -> bytes:
    return chunk(b"IHDR", struct.pack(">IIBBBBB", columns, rows, depth, colour, *(methods or (0, 0, 0))))


def png(
    samples: NDArray[Any],
    depth: int,
    colour: int,
    *before: bytes,
    interlaced: bool = False,
    after: bytes = b"",
) -> bytes:
    """A file with chunks before and after the image data."""
    passes = ADAM7 if interlaced else [(0, 0, 1, 1)]
    data = b"".join(rows(samples[y::down, x::across], depth) for x, y, across, down in passes)
    return b"".join([
        chunks.SIGNATURE,
        header(samples.shape[1], samples.shape[0], depth, colour, 0, 0, int(interlaced)),
        *before,
        chunk(b"IDAT", zlib.compress(data)),
        after,
        chunk(b"IEND"),
    ])  # fmt: skip


def levels(data: bytes, spec: InputSpec = GREY) -> Any:
    """The level in the middle of each square, of each channel if there are three."""
    found = imaging.prepare(data, spec).pixels[:, 8::16, 8::16].reshape(spec.channels, 4)
    return found[0].tolist() if spec.channels == 1 else found.T.tolist()


def grey_rgb(samples: NDArray[Any], *alpha: NDArray[Any]) -> NDArray[Any]:
    return np.stack([samples, samples, samples, *alpha], axis=-1)


# Supported files


@pytest.mark.parametrize(("depth", "interlaced"), [*product([1, 2, 4, 8, 16], [False, True])])
def test_grey_of_every_depth_is_read(depth: int, interlaced: bool) -> None:
    top = 2**depth - 1
    stored = [0, top // 3, 2 * top // 3, top]
    data = png(images.quadrants(stored, "u2"), depth, 0, interlaced=interlaced)
    assert levels(data) == [round(value * 255 / top) for value in stored]


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


# Transparency: transparent parts become black, like the surround of a film


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


# Other chunks


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
    other = zlib.compress(rows(np.full((32, 32), 99), 8))
    control = struct.pack(">5IHHBB", 0, 32, 32, 0, 0, 1, 1, 0, 0)
    before = chunk(b"acTL", struct.pack(">II", 1, 0))
    after = chunk(b"fcTL", control) + chunk(b"fdAT", struct.pack(">I", 1) + other)
    assert levels(png(EIGHT, 8, 0, before, after=after)) == LEVELS


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


@pytest.mark.parametrize("density", [(0, 0), (0, 5), (1000, 1001), (1, 50), (2**31, 1)])
def test_meaningless_densities_are_ignored(density: tuple[int, int]) -> None:
    data = png(EIGHT, 8, 0, chunk(b"pHYs", struct.pack(">IIB", *density, 1)))
    assert imaging.prepare(data, PADDED).box == (0, 0, 32, 32)


# Damage


SOUND = png(EIGHT, 8, 0)
STREAM = zlib.compress(rows(EIGHT, 8))
START = chunks.SIGNATURE + header(32, 32, 8, 0)


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
    stream = zlib.compress(rows(samples, depth)[:length])
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
        START + chunk(b"IDAT", zlib.compress(b"\5" + rows(EIGHT, 8)[1:])) + chunk(b"IEND"),
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

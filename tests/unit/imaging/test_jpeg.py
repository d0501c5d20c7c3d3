"""JPEG files of every kind, of four squares with known levels."""

import struct
from itertools import product
from typing import Any

import numpy as np
import pytest
from PIL import Image

from chalicelib import errors, imaging
from chalicelib.imaging.jpeg import segments
from chalicelib.tasks import InputSpec
from tests import images

LEVELS = [0, 80, 160, 255]
COLOURS = [[200, 30, 60], [30, 180, 60], [40, 60, 220], [250, 250, 30]]
GREY = InputSpec(width=64, height=64, channels=1, fit="stretch")
COLOUR = InputSpec(width=64, height=64, channels=3, fit="stretch")
REDUCED = InputSpec(width=16, height=16, channels=1, fit="stretch")
"""A model so small that libjpeg decodes at half the size."""
PADDED = InputSpec(width=64, height=64, channels=1, fit="pad")
END = b"\xff\xd9"


def squares(mode: str = "L") -> Image.Image:
    grey = Image.fromarray(images.quadrants(LEVELS, "u1", 64))
    return grey.convert(mode)


def colours() -> Image.Image:
    planes = [images.quadrants([colour[band] for colour in COLOURS], "u1", 64) for band in range(3)]
    return Image.fromarray(np.stack(planes, axis=-1))


def jpeg(image: Image.Image | None = None, **options: Any) -> bytes:
    return images.encode(image or squares(), "JPEG", **{"quality": 95} | options)


def segment(marker: int, body: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(body) + 2) + body


def with_segment(data: bytes, marker: int, body: bytes) -> bytes:
    """The file with another segment at its start."""
    return data[:2] + segment(marker, body) + data[2:]


def without_jfif(data: bytes) -> bytes:
    assert data[2:4] == b"\xff\xe0"
    return data[:2] + data[4 + int.from_bytes(data[4:6], "big") :]


def header_at(data: bytes | bytearray) -> int:
    """The offset of the frame header's content."""
    return next(
        data.index(bytes([0xFF, marker])) + 4 for marker in (0xC0, 0xC2) if bytes([0xFF, marker]) in data
    )


def levels(data: bytes, spec: InputSpec = GREY) -> Any:
    """The level in the middle of each square, of each channel if there are three."""
    quarter = spec.width // 4
    found = imaging.prepare(data, spec).pixels[:, quarter :: 2 * quarter, quarter :: 2 * quarter]
    found = found.reshape(spec.channels, 4)
    return found[0].tolist() if spec.channels == 1 else found.T.tolist()


def assert_levels(data: bytes, spec: InputSpec = GREY) -> None:
    np.testing.assert_allclose(levels(data, spec), LEVELS, atol=3)


# Supported files


@pytest.mark.parametrize("spec", [GREY, REDUCED], ids=["full size", "reduced"])
@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK"])
def test_grey_squares_keep_their_levels(mode: str, progressive: bool, spec: InputSpec) -> None:
    assert_levels(jpeg(squares(mode), progressive=progressive), spec)


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


@pytest.mark.parametrize("blocks", [1, 3, 8])
@pytest.mark.parametrize(("mode", "progressive"), [*product(["L", "RGB"], [False, True])])
def test_restart_markers_are_accepted(mode: str, progressive: bool, blocks: int) -> None:
    assert_levels(jpeg(squares(mode), progressive=progressive, restart_marker_blocks=blocks))


@pytest.mark.parametrize(
    "change",
    [
        lambda data: data + b"garbage after the end" * 99,
        lambda data: data + jpeg(Image.new("L", (64, 64), 99)),
        lambda data: data.replace(b"\xff\xdb", b"\0\0\0\xff\xdb", 1),
        lambda data: data[:2] + b"\xff\xff" + data[2:],
        lambda data: data[:-2] + b"\xff\xff" + END,
        lambda data: with_segment(data, 0xFE, images.PATIENT.encode()),
        lambda data: with_segment(data, 0xE2, b"ICC_PROFILE\0\1\1" + bytes(60_000)),
        lambda data: with_segment(data, 0xE2, b"MPF\0 no directory"),
        lambda data: with_segment(data, 0xE1, b"Exif\0\0broken"),
        lambda data: with_segment(data, 0xE1, b"Exif\0\0II*\0" + b"\xff" * 40),
        lambda data: with_segment(data, 0xE1, b"Exif\0\0MM\0*\0\0\0\x08\xff\xff" + bytes(9)),
        lambda data: with_segment(data, 0xED, b"Photoshop 3.0\0008BIM\xff\xff\xff"),
        lambda data: with_segment(data, 0xEE, b"Adobe"),
        lambda data: with_segment(without_jfif(data), 0xE0, b"JFIF\0\1\1\0"),
    ],
    ids=[
        "garbage behind", "picture behind", "bytes between", "fill bytes", "fill bytes at the end", "comment",
        "profile", "several pictures", "EXIF 1", "EXIF 2", "EXIF 3", "Photoshop", "Adobe", "JFIF",
    ],
)  # fmt: skip
@pytest.mark.parametrize("progressive", [False, True])
def test_segments_without_effect_on_pixels_are_ignored(change: Any, progressive: bool) -> None:
    assert_levels(change(jpeg(progressive=progressive)))


def test_first_of_several_pictures_is_used() -> None:
    black = Image.new("L", (64, 64))
    prepared = imaging.prepare(
        images.encode(squares(), "MPO", save_all=True, append_images=[black], quality=95), GREY
    )
    np.testing.assert_allclose(prepared.pixels[0, 16::32, 16::32].ravel(), LEVELS, atol=3)
    assert prepared.source.to_dict() == {"format": "JPEG", "rows": 64, "columns": 64}


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


# Completeness


KINDS = [
    {},
    {"progressive": True},
    {"restart_marker_blocks": 1},
    {"optimize": True},
    {"optimize": True, "progressive": True, "restart_marker_blocks": 5},
]
NOISE = Image.fromarray(np.random.default_rng(1).integers(0, 256, (64, 64, 3), np.uint8))


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


def scans(data: bytes) -> list[bytes]:
    """The header, and each scan with the segments before it."""
    starts = [place for place in range(len(data) - 1) if data[place : place + 2] in (b"\xff\xda", END)]
    return [data[start:end] for start, end in zip([0, *starts], [*starts, len(data)], strict=True)]


def test_progressive_picture_without_a_scan_is_refused() -> None:
    parts = scans(jpeg(NOISE, progressive=True))
    assert len(parts) == 12
    for missing in range(1, 11):
        with pytest.raises(errors.DamagedImage, match="missing"):
            levels(b"".join(parts[:missing] + parts[missing + 1 :]))
    for number in range(1, 10):
        with pytest.raises(errors.DamagedImage, match="missing"):
            levels(b"".join(parts[: number + 1]) + END)


def test_corrupt_restart_markers_are_refused() -> None:
    data = jpeg(NOISE, restart_marker_blocks=1)
    first, second = data.index(b"\xff\xd0"), data.index(b"\xff\xd1")
    damaged = [
        data[:first] + data[second:],
        data[:first] + data[first:second] * 2 + data[second:],
        data[: first + 1] + b"\xd5" + data[first + 2 :],
        data.replace(b"\xff\xdd\x00\x04\x00\x01", b"\xff\xdd\x00\x04\x00\x02"),
        data.replace(b"\xff\xdd\x00\x04\x00\x01", b""),
    ]
    for file in damaged:
        assert file != data
        with pytest.raises(errors.DamagedImage, match="out of order"):
            levels(file)


def test_restart_marker_at_the_end_is_accepted() -> None:
    data = jpeg(restart_marker_blocks=32)
    assert data.count(b"\xff\xd0") == 1
    assert_levels(data[:-2] + b"\xff\xd1" + END)


# Refused files


@pytest.mark.parametrize(
    ("marker", "precision", "words"),
    [
        (0xC0, 12, "12-bit JPEG"),
        (0xC1, 12, "12-bit JPEG"),
        (0xC2, 12, "12-bit JPEG"),
        (0xC3, 8, "lossless JPEG"),
        (0xC3, 16, "lossless JPEG"),
        (0xC5, 8, "hierarchical JPEG"),
        (0xC9, 8, "arithmetic coding"),
        (0xCA, 8, "arithmetic coding"),
        (0xF7, 8, "JPEG-LS"),
    ],
)
def test_unsupported_processes_are_named_and_not_called_damaged(
    marker: int, precision: int, words: str
) -> None:
    data = bytearray(jpeg())
    start = header_at(data)
    data[start - 3] = marker
    data[start] = precision
    with pytest.raises(errors.UnsupportedImage, match=words):
        levels(bytes(data))


def with_frame(body: bytes, data: bytes | None = None) -> bytes:
    data = data or jpeg()
    start = header_at(data)
    end = start - 2 + int.from_bytes(data[start - 2 : start], "big")
    return data[: start - 4] + segment(0xC0, body) + data[end:]


@pytest.mark.parametrize(
    ("data", "error", "words"),
    [
        (with_frame(b"\x08\x00\x00\x00\x40\x01\x01\x11\x00"), errors.UnsupportedImage, "DNL"),
        (
            with_frame(b"\x08\x00\x40\x00\x40\x02\x01\x11\x00\x02\x11\x00"),
            errors.UnsupportedImage,
            "2 components",
        ),
        (with_frame(b"\x08\x00\x40\x00\x40\x01\x01\x11\x00\x00"), errors.InvalidImage, "wrong length"),
        (with_frame(b"\x08\x00"), errors.InvalidImage, "wrong length"),
        (with_frame(b"\x08\x00\x40\x00\x40\x01\x01\x00\x00"), errors.InvalidImage, "impossible way"),
        (with_frame(b"\x08\x00\x40\x00\x40\x01\x02\x11\x00"), errors.InvalidImage, "does not have"),
        (
            with_frame(b"\x08\x00\x40\x00\x40\x03\x01\x11\x00\x01\x11\x00\x03\x11\x00"),
            errors.InvalidImage,
            "same number",
        ),
        (with_frame(b"\x08\x00\x40\x00\x07\x01\x01\x11\x00"), errors.ImageTooSmall, "7 x 64"),
        (with_frame(b"\x08\xff\xff\xff\xff\x01\x01\x11\x00"), errors.ImageTooLarge, "65535 x 65535"),
        (with_frame(b"\x08\x03\x00\x03\x00\x01\x01\x11\x00"), errors.DamagedImage, "damaged or cut off"),
        (b"\xff\xd8" + jpeg(), errors.DamagedImage, "damaged or cut off"),
        (b"\xff\xd8\xff\xd9", errors.DamagedImage, "ends before its image"),
        (b"\xff\xd8\xff\xe0\xff\xff", errors.DamagedImage, "cut off"),
        (b"\xff\xd8\xff\xe0\x00\x00" + jpeg()[2:], errors.DamagedImage, "cut off"),
        (jpeg()[: header_at(jpeg()) + 20], errors.DamagedImage, "cut off"),
        (b"\0" + jpeg(), errors.NotAnImage, "not an image"),
    ],
)
def test_invalid_header_is_explained(data: bytes, error: type[errors.ImageError], words: str) -> None:
    with pytest.raises(error, match=words):
        levels(data)


def test_too_many_segments_and_scans_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(segments, "_MAX_SEGMENTS", 20)
    with pytest.raises(errors.UnsupportedImage, match="more than 20 segments"):
        levels(b"\xff\xd8" + segment(0xFE, b"") * 20 + jpeg()[2:])
    monkeypatch.setattr(segments, "_MAX_SEGMENTS", 1000)
    monkeypatch.setattr(segments, "_MAX_SCANS", 5)
    with pytest.raises(errors.UnsupportedImage, match="more than 5 scans"):
        levels(jpeg(progressive=True))


@pytest.mark.parametrize(
    ("start", "words"),
    [
        (b"\xff\x0a" + bytes(50), "JPEG XL"),
        (b"\x00\x00\x00\x0cJXL \r\n\x87\n", "JPEG XL"),
        (b"\xff\x4f\xff\x51" + bytes(50), "JPEG 2000"),
        (b"RIFF\x99\x00\x00\x00WEBPVP8 ", "WebP"),
        (b"\x00\x00\x00\x18ftypheic", "HEIC"),
        (b"GIF89a", "GIF"),
        (b"BM" + bytes(60), "Windows bitmap"),
        (b"8BPS\x00\x01", "Photoshop"),
        (b"RIFF\x99\x00\x00\x00AVI LIST", "a video"),
        (b"\x00\x00\x00\x14moov", "a video"),
        (b"\x1a\x45\xdf\xa3", "a video"),
        (b"PK\x05\x06" + bytes(18), "an empty ZIP"),
        (b"Rar!\x1a\x07\x01\x00", "RAR"),
        (b"7z\xbc\xaf\x27\x1c", "7-Zip"),
        (b"BZh9", "bzip2"),
        (b"\xfd7zXZ\x00", "XZ"),
        (b"name.dcm".ljust(257, b"\0") + b"ustar", "tar"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "office document"),
        (b"{\\rtf1 Dear colleague", "a text document"),
        (b"%!PS-Adobe-3.0", "PostScript"),
        (b"\r\n%PDF-1.4", "PDF"),
        (b"\xef\xbb\xbf<?xml", "XML"),
    ],
)
def test_other_formats_are_named(start: bytes, words: str) -> None:
    with pytest.raises(errors.NotAnImage, match=words):
        levels(start)

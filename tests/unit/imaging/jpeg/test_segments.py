"""The segments of JPEG files: which are ignored, and which are refused."""

from itertools import product
from typing import Any

import numpy as np
import pytest
from PIL import Image

from chalicelib import errors, imaging
from chalicelib.imaging.jpeg import segments
from tests import images
from tests.unit.imaging.jpeg.samples import (
    END,
    GREY,
    LEVELS,
    NOISE,
    assert_levels,
    jpeg,
    levels,
    segment,
    squares,
    with_segment,
)


@pytest.mark.parametrize("blocks", [1, 3, 8])
@pytest.mark.parametrize(("mode", "progressive"), [*product(["L", "RGB"], [False, True])])
def test_restart_markers_are_accepted(mode: str, progressive: bool, blocks: int) -> None:
    assert_levels(jpeg(squares(mode), progressive=progressive, restart_marker_blocks=blocks))


def without_jfif(data: bytes) -> bytes:
    assert data[2:4] == b"\xff\xe0"
    return data[:2] + data[4 + int.from_bytes(data[4:6], "big") :]


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


def header_at(data: bytes | bytearray) -> int:
    """The offset of the frame header's content."""
    return next(
        data.index(bytes([0xFF, marker])) + 4 for marker in (0xC0, 0xC2) if bytes([0xFF, marker]) in data
    )


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

"""Frames of compressed multi-frame files: with or without offset tables, in one fragment or several."""

from struct import pack
from typing import Any

import gdcm
import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate, encapsulate_extended

from chalicelib import errors, imaging
from chalicelib.imaging import codestream
from chalicelib.tasks import InputSpec
from tests import images
from tests.compression import LOSSLESS, compressed, streams

SPEC = InputSpec(32, 32, 1, "stretch")
LEVELS = (40, 80, 120, 160, 200)
CODECS = {
    **LOSSLESS,
    "RLE": gdcm.TransferSyntax.RLELossless,
    "JPEG": gdcm.TransferSyntax.JPEGBaselineProcess1,
}


def frames(codec: int) -> tuple[Dataset, list[bytes]]:
    """Five frames with different levels, and one bright level for the range."""
    pictures = [images.quadrants([0, 255, level, level], "u1") for level in LEVELS]
    parts = [streams(compressed(images.dicom(picture, bits=8), codec))[0] for picture in pictures]
    dataset = images.dicom_dataset(np.stack(pictures), bits=8)
    dataset.file_meta.TransferSyntaxUID = gdcm.TransferSyntax(codec).GetString()
    return dataset, parts


def fragments(parts: list[bytes], pieces: int) -> bytes:
    """Items without an offset table."""
    body = pack("<HHI", 0xFFFE, 0xE000, 0)
    for part in parts:
        size = -(-len(part) // pieces) // 2 * 2 + 2
        for start in range(0, len(part), size):
            piece = part[start : start + size]
            piece += b"\x00" * (len(piece) % 2)
            body += pack("<HHI", 0xFFFE, 0xE000, len(piece)) + piece
    return body


def written(dataset: Dataset, pixels: bytes, **elements: Any) -> bytes:
    dataset.PixelData = pixels
    dataset["PixelData"].VR = "OB"
    dataset["PixelData"].is_undefined_length = True
    for keyword, value in elements.items():
        setattr(dataset, keyword, value)
    return images.dicom_file(dataset)


def level(data: bytes) -> int:
    image = imaging.prepare(data, SPEC)
    return int(image.pixels[0, 28, 28])


each_codec = pytest.mark.parametrize("codec", CODECS.values(), ids=CODECS.keys())


@each_codec
@pytest.mark.parametrize("has_table", [True, False])
@pytest.mark.parametrize("pieces", [1, 2, 3])
def test_middle_frame_is_found(codec: int, has_table: bool, pieces: int) -> None:
    if codec == gdcm.TransferSyntax.RLELossless and pieces > 1:
        pieces = 1  # RLE has one fragment per frame (PS3.5 A.4.2)
    dataset, parts = frames(codec)
    pixels = encapsulate(parts, fragments_per_frame=pieces) if has_table else fragments(parts, pieces)
    assert abs(level(written(dataset, pixels)) - LEVELS[2]) <= 2


def test_extended_offset_table_is_used() -> None:
    dataset, parts = frames(gdcm.TransferSyntax.JPEGLSLossless)
    pixels, offsets, lengths = encapsulate_extended(parts)
    data = written(dataset, pixels, ExtendedOffsetTable=offsets, ExtendedOffsetTableLengths=lengths)
    assert level(data) == LEVELS[2]


@pytest.mark.parametrize("table", [[0, 0, 0, 0, 0], [0, 7, 14, 21, 28], [5, 4, 3, 2, 1], [0], [0] * 50])
def test_wrong_offset_table_is_ignored(table: list[int]) -> None:
    dataset, parts = frames(gdcm.TransferSyntax.JPEG2000Lossless)
    without = fragments(parts, 2)
    pixels = pack("<HHI", 0xFFFE, 0xE000, 4 * len(table)) + pack(f"<{len(table)}I", *table) + without[8:]
    assert level(written(dataset, pixels)) == LEVELS[2]


def test_missing_frames_are_counted() -> None:
    dataset, parts = frames(gdcm.TransferSyntax.JPEG2000Lossless)
    with pytest.raises(errors.InvalidImage, match=r"NumberOfFrames \(0028,0008\) .* 5, but 3 can be found"):
        level(written(dataset, fragments(parts[:3], 1)))


def test_number_of_frames_that_may_be_a_date_is_not_quoted() -> None:
    dataset, parts = frames(gdcm.TransferSyntax.JPEG2000Lossless)
    with pytest.raises(errors.InvalidImage, match="is over 65,535, but 3 can be found"):
        level(written(dataset, fragments(parts[:3], 1), NumberOfFrames=19551224))


def test_more_frames_than_stated_are_ignored() -> None:
    """The first frames count, as in pydicom."""
    dataset, parts = frames(gdcm.TransferSyntax.JPEG2000Lossless)
    assert level(written(dataset, fragments(parts, 1), NumberOfFrames=1)) == LEVELS[0]
    del dataset.NumberOfFrames
    assert level(written(dataset, fragments(parts, 2))) == LEVELS[0]


def test_decoder_gets_only_its_own_frame(monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[bytes] = []
    read = codestream.read

    def spy(stream: bytes) -> codestream.Codestream:
        given.append(stream)
        return read(stream)

    monkeypatch.setattr(codestream, "read", spy)
    dataset, parts = frames(gdcm.TransferSyntax.JPEG2000Lossless)
    level(written(dataset, fragments(parts, 3)))
    assert [stream.rstrip(b"\x00") for stream in given] == [parts[2].rstrip(b"\x00")]


@pytest.mark.parametrize("share", [0.2, 0.5, 0.9])
def test_file_that_ends_within_its_frames_is_cut_off(share: float) -> None:
    dataset, parts = frames(gdcm.TransferSyntax.JPEG2000Lossless)
    data = written(dataset, fragments(parts, 1))
    start = data.index(pack("<HH", 0x7FE0, 0x0010))
    with pytest.raises((errors.DamagedImage, errors.NoPixels)):
        level(data[: start + int((len(data) - start) * share)])


def test_missing_delimiter_is_accepted() -> None:
    dataset, parts = frames(gdcm.TransferSyntax.JPEG2000Lossless)
    data = written(dataset, fragments(parts, 1))
    end = data.rindex(pack("<HHI", 0xFFFE, 0xE0DD, 0))
    assert level(data[:end]) == LEVELS[2]


def test_garbage_instead_of_items_is_named() -> None:
    dataset, parts = frames(gdcm.TransferSyntax.JPEG2000Lossless)
    data = bytearray(written(dataset, fragments(parts, 1)))
    start = data.index(pack("<HH", 0x7FE0, 0x0010)) + 12
    data[start : start + 8] = b"garbage!"
    with pytest.raises(errors.InvalidImage, match=r"PixelData \(7FE0,0010\) .* not divided into items"):
        level(bytes(data))


def item(content: bytes) -> bytes:
    return pack("<HHI", 0xFFFE, 0xE000, len(content)) + content


def even(part: bytes) -> bytes:
    return part + b"\x00" * (len(part) % 2)


@each_codec
@pytest.mark.parametrize("place", ["first", "between"])
def test_empty_fragments_are_not_frames(codec: int, place: str) -> None:
    dataset, parts = frames(codec)
    empty = item(b"")
    items = [item(even(part)) for part in parts]
    body = empty + b"".join(items) if place == "first" else empty.join(items) + empty
    table = empty
    assert abs(level(written(dataset, table + body)) - LEVELS[2]) <= 2


@pytest.mark.parametrize("codec", [gdcm.TransferSyntax.JPEGLSLossless, gdcm.TransferSyntax.JPEG2000Lossless])
@pytest.mark.parametrize("number", [1, 5])
def test_missing_offset_table_item_loses_no_frame(codec: int, number: int) -> None:
    dataset, parts = frames(codec)
    body = b"".join(item(even(part)) for part in parts[:number])
    assert level(written(dataset, body, NumberOfFrames=number)) == LEVELS[number // 2]


def test_wrong_extended_offsets_are_ignored() -> None:
    dataset, parts = frames(gdcm.TransferSyntax.JPEG2000Lossless)
    pixels, offsets, lengths = encapsulate_extended(parts)
    for wrong in (offsets[::-1], offsets[:12], bytes(40)):
        data = written(dataset, pixels, ExtendedOffsetTable=wrong, ExtendedOffsetTableLengths=lengths)
        assert level(data) == LEVELS[2]
        dataset, _ = frames(gdcm.TransferSyntax.JPEG2000Lossless)

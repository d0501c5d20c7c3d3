"""The elements of a DICOM file are found in every encoding."""

import zlib
from io import BytesIO
from struct import pack

import numpy as np
import pytest
from pydicom import filereader
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)

from chalicelib import errors, imaging
from chalicelib.imaging.dicom import elements
from tests import images
from tests.unit.imaging.dicom.samples import (
    AS_WINDOWED,
    ITEM,
    ITEM_END,
    NUMBER,
    SEQUENCE,
    SEQUENCE_END,
    SMALL,
    corners,
    inserted,
    prepared,
    quadrant_dataset,
    twelve_bits,
)


def encoded(made: Dataset, syntax: str, *, meta: bool, preamble: bool) -> bytes:
    made.file_meta.TransferSyntaxUID = UID(syntax)
    implicit, little = syntax == ImplicitVRLittleEndian, syntax != ExplicitVRBigEndian
    if not little:
        made.PixelData = np.frombuffer(made.PixelData, "<u2").astype(">u2").tobytes()
    file = BytesIO()
    if meta:
        made.save_as(file, enforce_file_format=True, implicit_vr=implicit, little_endian=little)
        return file.getvalue()[0 if preamble else 132 :]
    del made.file_meta
    made.save_as(file, implicit_vr=implicit, little_endian=little)
    return (bytes(128) + b"DICM" if preamble else b"") + file.getvalue()


@pytest.mark.parametrize("preamble", [True, False])
@pytest.mark.parametrize("meta", [True, False])
@pytest.mark.parametrize("syntax", [ImplicitVRLittleEndian, ExplicitVRLittleEndian, ExplicitVRBigEndian])
def test_every_encoding_is_read_with_and_without_preamble_and_file_meta(
    syntax: str, meta: bool, preamble: bool
) -> None:
    data = encoded(quadrant_dataset(), syntax, meta=meta, preamble=preamble)
    assert corners(data) == AS_WINDOWED
    source = imaging.prepare(data, SMALL).source
    assert source.transfer_syntax == UID(syntax).name


@pytest.mark.parametrize("group", [0x10, 0x28])
def test_file_that_begins_with_a_later_group_is_read(group: int) -> None:
    data = images.dicom_file(quadrant_dataset())
    first = {0x10: pack("<HH2s", 0x10, 0x10, b"PN"), 0x28: pack("<HH2s", 0x28, 0x02, b"US")}[group]
    assert corners(data[data.index(first) :]) == AS_WINDOWED
    assert corners(data[:132] + data[data.index(first) :]) == AS_WINDOWED


def test_file_meta_without_a_transfer_syntax_is_accepted() -> None:
    data = images.dicom_file(quadrant_dataset())
    place = data.index(b"\x02\x00\x10\x00UI")
    without = data[:place] + data[place + 8 + data[place + 6] :]
    assert corners(without) == AS_WINDOWED


@pytest.mark.parametrize(("stated", "used"), [
    (ExplicitVRLittleEndian, ImplicitVRLittleEndian), (ImplicitVRLittleEndian, ExplicitVRLittleEndian),
])  # fmt: skip
def test_wrongly_stated_encoding_is_detected(stated: str, used: str) -> None:
    data = encoded(quadrant_dataset(), used, meta=True, preamble=True)
    one, other = (str(uid).encode().ljust(20, b"\x00") for uid in (stated, used))
    header = data[:132] + data[132:]
    place = header.index(b"\x02\x00\x10\x00UI") + 8
    length = data[place - 2]
    body = data[place + length :]
    swapped = data[: place - 2] + pack("<H", len(one)) + one + body
    assert other != one
    assert corners(swapped) == AS_WINDOWED


@pytest.mark.parametrize("frames", [b"0 ", b"-3", b"x ", b"1.5 ", b"NaN ", b"1_0 "])
def test_invalid_number_of_frames_is_named(frames: bytes) -> None:
    with pytest.raises(errors.InvalidImage, match=r"NumberOfFrames \(0028,0008\)"):
        corners(inserted(pack("<HH2sH", 0x28, 0x08, b"IS", len(frames)) + frames))


@pytest.mark.parametrize("syntax", [b"Doe^Jane^Unmistakable", b"1.2.840.10008.1.2.1\nx"])
def test_invalid_transfer_syntax_is_not_quoted(syntax: bytes) -> None:
    data = images.dicom_file(quadrant_dataset())
    place = data.index(b"\x02\x00\x10\x00UI") + 8
    length = data[place - 2]
    wrong = syntax.ljust(22, b"\x00")
    changed = data[: place - 2] + pack("<H", len(wrong)) + wrong + data[place + length :]
    with pytest.raises(errors.InvalidImage, match=r"TransferSyntaxUID \(0002,0010\)") as caught:
        corners(changed)
    assert "Doe" not in caught.value.message


def test_unknown_transfer_syntax_is_not_quoted() -> None:
    data = images.dicom_file(quadrant_dataset())
    stated = ExplicitVRLittleEndian.encode() + b"\x00"
    with pytest.raises(errors.UnsupportedImage, match="an unknown transfer syntax") as caught:
        corners(data.replace(stated, b"1955.12.24".ljust(20, b"\x00"), 1))
    assert "1955" not in caught.value.message


def test_oversized_value_is_refused() -> None:
    value = b"1\\" * 50_000
    made = pack("<HH2sH", 0x28, 0x1050, b"UT", 0) + pack("<I", len(value)) + value
    data = images.dicom_file(quadrant_dataset())
    place = data.index(pack("<HH2s", 0x28, 0x1050, b"DS"))
    with pytest.raises(errors.InvalidImage, match=r"WindowCenter \(0028,1050\) .* 100,000 bytes"):
        corners(data[:place] + made + data[place:])


@pytest.mark.parametrize(
    "element",
    [
        SEQUENCE + (ITEM + NUMBER + ITEM_END) * 100_000 + SEQUENCE_END,
        SEQUENCE
        + pack("<HHI", 0xFFFE, 0xE000, 10) * 0
        + (pack("<HHI", 0xFFFE, 0xE000, 10) + NUMBER) * 100_000
        + SEQUENCE_END,
        (SEQUENCE + ITEM) * 50_000 + (ITEM_END + SEQUENCE_END) * 50_000,
        SEQUENCE.replace(b"SQ", b"UN")
        + (ITEM + pack("<HHIH", 8, 0x1150, 2, 1) + ITEM_END) * 3
        + SEQUENCE_END,
    ],
    ids=["100,000 items", "of stated length", "50,000 levels", "unknown representation"],
)
def test_unwanted_sequences_are_skipped_unparsed(element: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[bytes] = []
    read = filereader.read_dataset

    def spy(file: BytesIO, implicit: bool, little: bool) -> Dataset:
        given.append(file.getvalue())
        return read(file, implicit, little)

    monkeypatch.setattr(elements, "read_dataset", spy)
    assert corners(inserted(element)) == AS_WINDOWED
    assert sum(map(len, given)) < 2_000


def test_sequence_of_many_items_is_parsed_for_one() -> None:
    voi = Dataset()
    voi.WindowCenter, voi.WindowWidth = 2048, 4096
    frame = Dataset()
    frame.FrameVOILUTSequence = Sequence([voi])
    made = quadrant_dataset(WindowCenter=None, WindowWidth=None)
    made.SharedFunctionalGroupsSequence = Sequence([frame] + [Dataset() for _ in range(2_000)])
    file = elements.read(images.dicom_file(made))
    assert len(file.dataset.SharedFunctionalGroupsSequence) == 1
    assert corners(images.dicom_file(made)) == AS_WINDOWED


def test_deflated_bomb_is_refused_before_it_is_inflated(monkeypatch: pytest.MonkeyPatch) -> None:
    dataset = images.dicom_dataset(twelve_bits())
    dataset.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    data = images.dicom_file(dataset)
    monkeypatch.setattr(zlib, "decompress", lambda *_, **__: pytest.fail("the file was inflated"))
    monkeypatch.setattr(zlib, "decompressobj", lambda *_, **__: pytest.fail("the file was inflated"))
    with pytest.raises(errors.UnsupportedImage, match="Deflated"):
        prepared(data)


def test_file_without_preamble_is_read() -> None:
    data = images.dicom(twelve_bits(), WindowCenter=2048, WindowWidth=4096)
    np.testing.assert_array_equal(prepared(data[132:]), prepared(data))


def test_patient_attributes_are_never_parsed() -> None:
    file = elements.read(images.dicom(twelve_bits()))
    assert images.PATIENT not in str(file.dataset)
    assert "PatientID" not in file.dataset
    assert "InstitutionName" not in file.dataset
    assert file.dataset.Rows == 96

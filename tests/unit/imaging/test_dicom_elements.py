"""The structure of DICOM files: encodings, missing and invalid elements, oversized values."""

from io import BytesIO
from struct import pack
from typing import Any

import numpy as np
import pytest
from pydicom import filereader
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import UID, ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from chalicelib import errors, imaging
from chalicelib.imaging.dicom import element_reader, elements
from chalicelib.tasks import InputSpec
from tests import images

SPEC = InputSpec(32, 32, 1, "stretch")
WINDOWED: dict[str, Any] = {"WindowCenter": 2048, "WindowWidth": 4096}
L4 = [0, 62, 125, 249]


def corners(data: bytes, spec: InputSpec = SPEC) -> list[int]:
    array = imaging.prepare(data, spec).pixels[0]
    return [int(array[row, column]) for row in (4, 28) for column in (4, 28)]


def dataset(**changes: Any) -> Dataset:
    made = images.dicom_dataset(images.quadrants([0, 1000, 2000, 4000], "u2"), **WINDOWED)
    for keyword, value in changes.items():
        if value is None:
            delattr(made, keyword)
        else:
            setattr(made, keyword, value)
    return made


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
    data = encoded(dataset(), syntax, meta=meta, preamble=preamble)
    assert corners(data) == L4
    source = imaging.prepare(data, SPEC).source
    assert source.transfer_syntax == UID(syntax).name


@pytest.mark.parametrize("group", [0x10, 0x28])
def test_file_that_begins_with_a_later_group_is_read(group: int) -> None:
    data = images.dicom_file(dataset())
    first = {0x10: pack("<HH2s", 0x10, 0x10, b"PN"), 0x28: pack("<HH2s", 0x28, 0x02, b"US")}[group]
    assert corners(data[data.index(first) :]) == L4
    assert corners(data[:132] + data[data.index(first) :]) == L4


def test_file_meta_without_a_transfer_syntax_is_accepted() -> None:
    data = images.dicom_file(dataset())
    place = data.index(b"\x02\x00\x10\x00UI")
    without = data[:place] + data[place + 8 + data[place + 6] :]
    assert corners(without) == L4


@pytest.mark.parametrize(("stated", "used"), [
    (ExplicitVRLittleEndian, ImplicitVRLittleEndian), (ImplicitVRLittleEndian, ExplicitVRLittleEndian),
])  # fmt: skip
def test_wrongly_stated_encoding_is_detected(stated: str, used: str) -> None:
    data = encoded(dataset(), used, meta=True, preamble=True)
    one, other = (str(uid).encode().ljust(20, b"\x00") for uid in (stated, used))
    header = data[:132] + data[132:]
    place = header.index(b"\x02\x00\x10\x00UI") + 8
    length = data[place - 2]
    body = data[place + length :]
    swapped = data[: place - 2] + pack("<H", len(one)) + one + body
    assert other != one
    assert corners(swapped) == L4


@pytest.mark.parametrize(
    "keyword",
    ["Rows", "Columns", "SamplesPerPixel", "PhotometricInterpretation", "BitsAllocated", "BitsStored",
     "PixelRepresentation"],
)  # fmt: skip
def test_missing_element_is_named(keyword: str) -> None:
    with pytest.raises(errors.InvalidImage, match=rf"no usable {keyword} \(0028,0") as caught:
        corners(images.dicom_file(dataset(**{keyword: None})))
    assert "damaged" not in caught.value.message


def test_all_missing_elements_are_named_at_once() -> None:
    with pytest.raises(errors.InvalidImage, match=r"Rows \(0028,0010\) and no BitsStored \(0028,0101\)"):
        corners(images.dicom_file(dataset(Rows=None, BitsStored=None)))


@pytest.mark.parametrize("keyword", ["HighBit", "PlanarConfiguration", "NumberOfFrames", "WindowWidth"])
def test_optional_element_may_be_missing(keyword: str) -> None:
    made = dataset()
    if keyword in made:
        delattr(made, keyword)
    assert len(set(corners(images.dicom_file(made)))) == 4


@pytest.mark.parametrize(
    ("changes", "error", "words"),
    [
        ({"BitsAllocated": 12}, errors.UnsupportedImage, r"BitsAllocated \(0028,0100\).* 12"),
        ({"BitsStored": 17}, errors.InvalidImage, r"BitsStored \(0028,0101\).* 17"),
        ({"BitsStored": 0}, errors.InvalidImage, r"BitsStored"),
        ({"SamplesPerPixel": 3}, errors.InvalidImage, r"SamplesPerPixel .* contradicts .* MONOCHROME2"),
        ({"PhotometricInterpretation": "RGB"}, errors.InvalidImage, r"SamplesPerPixel .* contradicts .* RGB"),
        ({"PhotometricInterpretation": "CMYK"}, errors.UnsupportedImage, r"PhotometricInterpretation .*CMYK"),
        ({"PhotometricInterpretation": "YBR_PARTIAL_420"}, errors.UnsupportedImage, "YBR_PARTIAL_420"),
        ({"NumberOfFrames": 4}, errors.InvalidImage, r"PixelData \(7FE0,0010\).*2,048 bytes.*8,192"),
        ({"Rows": 64}, errors.InvalidImage, r"PixelData .* 2,048 bytes.*4,096"),
        ({"PixelData": b""}, errors.InvalidImage, r"PixelData .* 0 bytes"),
    ],
)
def test_contradiction_is_named(changes: dict[str, Any], error: type[errors.ImageError], words: str) -> None:
    with pytest.raises(error, match=words) as caught:
        corners(images.dicom_file(dataset(**changes)))
    assert "cut off" not in caught.value.message


@pytest.mark.parametrize("frames", [b"0 ", b"-3", b"x ", b"1.5 ", b"NaN ", b"1_0 "])
def test_invalid_number_of_frames_is_named(frames: bytes) -> None:
    with pytest.raises(errors.InvalidImage, match=r"NumberOfFrames \(0028,0008\)"):
        corners(inserted(pack("<HH2sH", 0x28, 0x08, b"IS", len(frames)) + frames))


@pytest.mark.parametrize("identity", [b"Doe^Jane^Un", b"DOE", b"DOE_JANE", b"19551224"])
def test_identity_in_photometric_interpretation_is_not_quoted(identity: bytes) -> None:
    data = images.dicom_file(dataset())
    place = data.index(b"MONOCHROME2 ")
    with pytest.raises(errors.UnsupportedImage, match=r"PhotometricInterpretation .* is unknown") as caught:
        corners(data[:place] + identity.ljust(12) + data[place + 12 :])
    assert identity.decode() not in caught.value.message


def test_identity_in_a_uid_is_not_quoted() -> None:
    data = images.structured_report()
    place = data.rindex(b"1.2.840.10008.5.1.4.1.1.88.11")
    with pytest.raises(errors.NoPixels, match=r"holds no image\. Send") as caught_too:
        corners(data[:place] + b"Doe^Jane^Unmistakable".ljust(29) + data[place + 29 :])
    assert "DOE" not in caught_too.value.message.upper()


@pytest.mark.parametrize("syntax", [b"Doe^Jane^Unmistakable", b"1.2.840.10008.1.2.1\nx"])
def test_invalid_transfer_syntax_is_not_quoted(syntax: bytes) -> None:
    data = images.dicom_file(dataset())
    place = data.index(b"\x02\x00\x10\x00UI") + 8
    length = data[place - 2]
    wrong = syntax.ljust(22, b"\x00")
    changed = data[: place - 2] + pack("<H", len(wrong)) + wrong + data[place + length :]
    with pytest.raises(errors.InvalidImage, match=r"TransferSyntaxUID \(0002,0010\)") as caught:
        corners(changed)
    assert "Doe" not in caught.value.message


def test_unknown_transfer_syntax_is_not_quoted() -> None:
    data = images.dicom_file(dataset())
    stated = ExplicitVRLittleEndian.encode() + b"\x00"
    with pytest.raises(errors.UnsupportedImage, match="an unknown transfer syntax") as caught:
        corners(data.replace(stated, b"1955.12.24".ljust(20, b"\x00"), 1))
    assert "1955" not in caught.value.message


@pytest.mark.parametrize("keyword", ["Rows", "SamplesPerPixel", "BitsAllocated", "BitsStored"])
def test_number_out_of_range_is_not_quoted(keyword: str) -> None:
    made = dataset()
    made[keyword] = DataElement(keyword, "IS", "19551224")
    with pytest.raises(errors.InvalidImage, match=rf"no usable {keyword}") as caught:
        corners(images.dicom_file(made))
    assert "1955" not in caught.value.message


def inserted(element: bytes) -> bytes:
    """An element before Rows."""
    data = images.dicom_file(dataset())
    place = data.index(pack("<HH2s", 0x28, 0x02, b"US"))
    return data[:place] + element + data[place:]


def test_length_beyond_the_end_is_named() -> None:
    with pytest.raises(errors.InvalidImage, match=r"\(0021,0010\) of this DICOM file claims 4,000,000,000 b"):
        corners(inserted(pack("<HH2sHI", 0x21, 0x10, b"OB", 0, 4_000_000_000)))


def test_oversized_value_is_refused() -> None:
    value = b"1\\" * 50_000
    made = pack("<HH2sH", 0x28, 0x1050, b"UT", 0) + pack("<I", len(value)) + value
    data = images.dicom_file(dataset())
    place = data.index(pack("<HH2s", 0x28, 0x1050, b"DS"))
    with pytest.raises(errors.InvalidImage, match=r"WindowCenter \(0028,1050\) .* 100,000 bytes"):
        corners(data[:place] + made + data[place:])


ITEM = pack("<HHI", 0xFFFE, 0xE000, 0xFFFFFFFF)
ITEM_END, SEQUENCE_END = pack("<HHI", 0xFFFE, 0xE00D, 0), pack("<HHI", 0xFFFE, 0xE0DD, 0)
SEQUENCE = pack("<HH2sHI", 0x21, 0x10, b"SQ", 0, 0xFFFFFFFF)
NUMBER = pack("<HH2sHH", 0x08, 0x1150, b"US", 2, 1)


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
    assert corners(inserted(element)) == L4
    assert sum(map(len, given)) < 2_000


def test_number_of_elements_is_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(element_reader, "_MAX_ELEMENTS", 1_000)
    data = inserted(SEQUENCE + (ITEM + NUMBER + ITEM_END) * 1_000 + SEQUENCE_END)
    with pytest.raises(errors.InvalidImage, match="more than 1,000 elements"):
        corners(data)


def test_sequence_of_a_hundred_thousand_items_is_parsed_for_one() -> None:
    voi = Dataset()
    voi.WindowCenter, voi.WindowWidth = 2048, 4096
    frame = Dataset()
    frame.FrameVOILUTSequence = Sequence([voi])
    made = dataset(WindowCenter=None, WindowWidth=None)
    made.SharedFunctionalGroupsSequence = Sequence([frame] + [Dataset() for _ in range(20_000)])
    file = elements.read(images.dicom_file(made))
    assert len(file.dataset.SharedFunctionalGroupsSequence) == 1
    assert corners(images.dicom_file(made)) == L4


# Proportions


SQUARE = InputSpec(96, 96, 1, "pad")


@pytest.mark.parametrize(
    ("keyword", "value", "box"),
    [
        ("PixelSpacing", [0.2, 0.1], (24, 0, 48, 96)),
        ("PixelSpacing", [0.1, 0.2], (0, 24, 96, 48)),
        ("ImagerPixelSpacing", [0.2, 0.1], (24, 0, 48, 96)),
        ("NominalScannedPixelSpacing", [0.2, 0.1], (24, 0, 48, 96)),
        ("PixelAspectRatio", [2, 1], (24, 0, 48, 96)),
        ("PixelAspectRatio", [1, 1], (0, 0, 96, 96)),
        ("PixelSpacing", [0.1, 0.1004], (0, 0, 96, 96)),
        ("PixelSpacing", [0, 0.1], (0, 0, 96, 96)),
        ("PixelSpacing", [1, 1000], (0, 0, 96, 96)),
        ("PixelAspectRatio", [-2, 1], (0, 0, 96, 96)),
    ],
)
def test_non_square_pixels_are_stretched(
    keyword: str, value: list[float], box: tuple[int, int, int, int]
) -> None:
    image = imaging.prepare(images.dicom_file(dataset(**{keyword: value})), SQUARE)
    assert image.box == box
    assert (image.source.rows, image.source.columns) == (32, 32)
    assert imaging.prepare(images.dicom_file(dataset(**{keyword: value})), SPEC).box == (0, 0, 32, 32)


def test_spacing_takes_precedence_over_the_ratio() -> None:
    both = dataset(PixelSpacing=[0.1, 0.1], PixelAspectRatio=[2, 1])
    assert imaging.prepare(images.dicom_file(both), SQUARE).box == (0, 0, 96, 96)
    measures, group = Dataset(), Dataset()
    measures.PixelSpacing = [0.2, 0.1]
    group.PixelMeasuresSequence = Sequence([measures])
    enhanced = dataset(SharedFunctionalGroupsSequence=Sequence([group]))
    assert imaging.prepare(images.dicom_file(enhanced), SQUARE).box == (24, 0, 48, 96)


def test_full_colours_called_subsampled_are_read() -> None:
    colours = images.colours(32, 32)
    made = images.dicom_dataset(colours, "RGB", 8, PhotometricInterpretation="YBR_FULL_422")
    whole = imaging.prepare(images.dicom_file(made), InputSpec(32, 32, 3, "stretch")).pixels
    made.PhotometricInterpretation = "YBR_FULL"
    np.testing.assert_array_equal(
        imaging.prepare(images.dicom_file(made), InputSpec(32, 32, 3, "stretch")).pixels, whole
    )


def test_subsampled_colours_are_read() -> None:
    made = images.dicom_dataset(np.zeros((32, 32, 3), "u1"), "RGB", 8)
    made.PhotometricInterpretation = "YBR_FULL_422"
    made.PixelData = bytes([100, 120, 128, 128]) * (32 * 16)
    array = imaging.prepare(images.dicom_file(made), InputSpec(32, 32, 3, "stretch")).pixels
    assert array[:, 0, :2].tolist() == [[100, 120]] * 3


@pytest.mark.parametrize("bits", [1])
def test_single_bits_of_the_middle_frame_are_read(bits: int) -> None:
    """Frames of 9 x 9 bits do not start at a byte."""
    frames = np.zeros((3, 9, 9), "u1")
    frames[1, :, 4:] = 1
    made = images.dicom_dataset(np.zeros((9, 9), "u1"), bits=8)
    made.BitsAllocated = made.BitsStored = bits
    made.HighBit, made.NumberOfFrames = 0, 3
    made.PixelData = np.packbits(frames.ravel(), bitorder="little").tobytes() + b"\x00"
    made.add(DataElement("PixelData", "OB", made.PixelData))
    image = imaging.prepare(images.dicom_file(made), InputSpec(9, 9, 1, "stretch"))
    np.testing.assert_array_equal(image.pixels[0], frames[1] * 255)

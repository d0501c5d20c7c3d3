"""Lookup tables: modality, value of interest and palette."""

from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from numpy.typing import NDArray
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.uid import (
    ExplicitVRBigEndian,
    ImplicitVRLittleEndian,
    RLELossless,
)

from chalicelib import errors, imaging
from tests import images
from tests.unit.imaging.dicom.samples import (
    AS_A_WHOLE,
    AS_WINDOWED,
    FULL_WINDOW,
    IDENTITY,
    PORTRAIT_RGB,
    SMALL_RGB,
    TEST_FILES,
    corners,
    four,
    lookup_table,
    prepared,
)


def test_palette_colour_is_read() -> None:
    array = prepared((TEST_FILES / "examples_palette.dcm").read_bytes(), PORTRAIT_RGB)
    assert len({tuple(pixel) for pixel in array.reshape(3, -1).T}) > 100


EIGHT_BITS = (0, 64, 128, 255)


@pytest.mark.parametrize("sequence", ["VOILUTSequence", "ModalityLUTSequence"])
@pytest.mark.parametrize(
    ("descriptor", "data"),
    [
        ([256, 0, 8], IDENTITY),
        ([256, 0, 8], np.arange(256, dtype="<u2").tobytes()),
        ([256, 0, 16], IDENTITY),
        ([256, 0, 16], (np.arange(256, dtype="<u2") * 257).tobytes()),
        ([256, 0, 0], IDENTITY),
    ],
    ids=["bytes", "words", "bytes called 16 bits", "16 bits", "no bits"],
)
def test_identity_table_is_read_in_every_packing(sequence: str, descriptor: list[int], data: bytes) -> None:
    found = corners(four(EIGHT_BITS, "u1", 8, **{sequence: lookup_table(descriptor, data)}))
    np.testing.assert_allclose(found, EIGHT_BITS, atol=1)


def test_table_with_an_odd_number_of_bytes_is_read() -> None:
    data = four(
        (0, 64, 128, 254), "u1", 8, VOILUTSequence=lookup_table([255, 0, 8], bytes(range(255)) + b"\x00")
    )
    assert corners(data) == [0, 64, 128, 254]


def test_table_beside_a_negative_intercept_begins_below_zero() -> None:
    ramp = np.arange(4096, dtype="<u2").tobytes()
    lut = lookup_table([4096, 65536 - 1024, 12], ramp)  # US, but -1024 is meant
    data = four(RescaleSlope=1, RescaleIntercept=-1024, VOILUTSequence=lut)
    np.testing.assert_allclose(corners(data), AS_WINDOWED, atol=1)


@pytest.mark.parametrize("data", [b"", bytes(100)])
def test_invalid_voi_table_is_replaced_by_the_window(data: bytes) -> None:
    lut = lookup_table([4096, 0, 12], data)
    assert corners(four(VOILUTSequence=lut, **FULL_WINDOW)) == AS_WINDOWED
    assert corners(four(VOILUTSequence=lut)) == AS_A_WHOLE


def test_invalid_modality_table_is_refused_by_name() -> None:
    with pytest.raises(errors.InvalidImage, match=r"ModalityLUTSequence \(0028,3000\)"):
        corners(four(ModalityLUTSequence=lookup_table([4096, 0, 12], b"")))


def test_modality_table_with_twelve_bits_is_applied() -> None:
    ramp = np.arange(4096, dtype="<u2").tobytes()
    assert corners(four(ModalityLUTSequence=lookup_table([4096, 0, 12], ramp), **FULL_WINDOW)) == AS_WINDOWED


@pytest.mark.parametrize(
    ("levels", "first", "representation", "elements"),
    [
        ((0, 1024, 2048, 4095), 61441, "US", {"RescaleSlope": -1, "RescaleIntercept": 0}),
        ((0, 1024, 2048, 4095), -4095, "SS", {"RescaleSlope": -1, "RescaleIntercept": 0}),
        ((4095, 3071, 2047, 0), 40000, "US", {"RescaleSlope": 1, "RescaleIntercept": 40000}),
        ((4095, 3071, 2047, 0), -25536, "SS", {"RescaleSlope": 1, "RescaleIntercept": 40000}),
    ],
)
def test_sign_of_the_first_value_mapped_follows_from_the_values(
    levels: tuple[int, ...], first: int, representation: str, elements: dict[str, Any]
) -> None:
    sequence = lookup_table([4096, 0, 12], np.arange(4096, dtype="<u2").tobytes())
    sequence[0].add(DataElement("LUTDescriptor", representation, [4096, first, 12]))
    shown = corners(four(levels, VOILUTSequence=sequence, **elements))
    np.testing.assert_allclose(shown, [255, 191, 127, 0], atol=1)


def test_voi_table_follows_a_modality_table_of_signed_pixels() -> None:
    modality = lookup_table([4096, 0, 16], np.arange(40000, 44096, dtype="<u2").tobytes())
    voi = lookup_table([4096, 0, 12], np.arange(4096, dtype="<u2").tobytes())
    voi[0].add(DataElement("LUTDescriptor", "US", [4096, 40000, 12]))
    dataset = images.dicom_dataset(images.quadrants([0, 512, 1024, 2047], "i2"), bits=12)
    modality[0].add(DataElement("LUTDescriptor", "SS", [4096, 0, 16]))
    dataset.ModalityLUTSequence, dataset.VOILUTSequence = modality, voi
    np.testing.assert_allclose(corners(images.dicom_file(dataset)), [0, 32, 64, 127], atol=1)


INDICES = (0, 80, 160, 255)


TABLE = np.stack([np.arange(256), 255 - np.arange(256), np.arange(256) // 2], axis=1).astype("u1")


EXPECTED = [TABLE[index].tolist() for index in INDICES]


def colour_corners(data: bytes) -> list[list[int]]:
    array = imaging.prepare(data, SMALL_RGB).pixels
    return [array[:, row, column].tolist() for row in (4, 28) for column in (4, 28)]


COLOURS = ("Red", "Green", "Blue")


def palette(
    indices: NDArray[Any], bits: int, tables: list[bytes], descriptor: tuple[int, int, int], **elements: Any
) -> Dataset:
    dataset = images.dicom_dataset(indices, bits=bits, PhotometricInterpretation="PALETTE COLOR", **elements)
    for colour, data in zip(COLOURS, tables, strict=True):
        name = f"{colour}PaletteColorLookupTableD"
        representation = "SS" if descriptor[1] < 0 else "US"
        dataset.add(DataElement(f"{name}escriptor", representation, list(descriptor)))
        dataset.add(DataElement(f"{name}ata", "OW", data))
    return dataset


def word_tables(dtype: str = "<u2", scale: int = 1) -> list[bytes]:
    return [(TABLE[:, channel].astype(dtype) * scale).astype(dtype).tobytes() for channel in range(3)]


def packed_tables() -> list[bytes]:
    return [TABLE[:, channel].tobytes() for channel in range(3)]


@pytest.mark.parametrize(
    ("bits", "tables"),
    [(8, packed_tables()), (8, word_tables()), (8, word_tables(scale=257)), (16, word_tables(scale=257)),
     (16, word_tables(scale=256)), (16, word_tables()), (16, packed_tables()), (12, word_tables(scale=16)),
     (12, word_tables(scale=257))],
    ids=["bytes", "words", "8 that are 16", "16 bits", "high bytes", "low bytes", "16 that are 8", "12 bits",
         "12 that are 16"],
)  # fmt: skip
@pytest.mark.parametrize("indices", ["u1", "u2"])
def test_tables_are_read_in_every_packing(bits: int, tables: list[bytes], indices: str) -> None:
    pixels = images.quadrants(INDICES, indices)
    dataset = palette(pixels, 8 * pixels.itemsize, tables, (256, 0, bits))
    assert colour_corners(images.dicom_file(dataset)) == EXPECTED


@pytest.mark.parametrize("first", [-5, 0, 10, 200])
def test_first_value_mapped_is_applied(first: int) -> None:
    pixels = images.quadrants([first + 3, first + 100, first - 1, first + 300], "i2")
    dataset = palette(pixels, 16, word_tables(scale=257), (256, first, 16))
    assert colour_corners(images.dicom_file(dataset)) == [TABLE[index].tolist() for index in (3, 100, 0, 255)]


def as_big_endian(dataset: Dataset) -> bytes:
    """The same picture as an old device would have written it."""
    dataset.file_meta.TransferSyntaxUID = ExplicitVRBigEndian
    for element in dataset:
        if element.VR == "OW":
            element.value = np.frombuffer(element.value, "<u2").astype(">u2").tobytes()
    file = BytesIO()
    dataset.save_as(file, enforce_file_format=True, implicit_vr=False, little_endian=False)
    return file.getvalue()


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("indices", ["u1", "u2"])
def test_big_endian_file_has_the_same_colours(bits: int, indices: str) -> None:
    tables = packed_tables() if bits == 8 else word_tables(scale=257)
    pixels = images.quadrants(INDICES, indices)
    dataset = palette(pixels, 8 * pixels.itemsize, tables, (256, 0, bits))
    assert colour_corners(as_big_endian(dataset)) == EXPECTED


def test_implicit_vr_and_rle_are_read() -> None:
    dataset = palette(images.quadrants(INDICES, "u1"), 8, word_tables(scale=257), (256, 0, 16))
    dataset.compress(RLELossless, generate_instance_uid=False)
    assert colour_corners(images.dicom_file(dataset)) == EXPECTED
    dataset = palette(images.quadrants(INDICES, "u1"), 8, word_tables(scale=257), (256, 0, 16))
    dataset.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian
    assert colour_corners(images.dicom_file(dataset)) == EXPECTED


def test_table_of_65536_entries_is_read() -> None:
    ramp = np.arange(65_536, dtype="<u2").tobytes()
    dataset = palette(images.quadrants([0, 20_480, 40_960, 65_535], "u2"), 16, [ramp] * 3, (0, 0, 16))
    assert colour_corners(images.dicom_file(dataset)) == [[level] * 3 for level in (0, 80, 160, 255)]


@pytest.mark.parametrize("damage", ["missing", "short"])
def test_missing_table_is_named(damage: str) -> None:
    dataset = palette(images.quadrants(INDICES, "u1"), 8, packed_tables(), (256, 0, 8))
    if damage == "missing":
        del dataset.GreenPaletteColorLookupTableData
    else:
        dataset.GreenPaletteColorLookupTableData = bytes(100)
    with pytest.raises(errors.InvalidImage, match=r"GreenPaletteColorLookupTableData \(0028,1202\)"):
        colour_corners(images.dicom_file(dataset))


def test_segmented_palette_is_refused_by_name() -> None:
    dataset = palette(images.quadrants(INDICES, "u1"), 8, packed_tables(), (256, 0, 16))
    for colour in COLOURS:
        delattr(dataset, f"{colour}PaletteColorLookupTableData")
        setattr(dataset, f"Segmented{colour}PaletteColorLookupTableData", bytes(12))
    with pytest.raises(errors.UnsupportedImage, match=r"segmented palette \(0028,1221\)"):
        colour_corners(images.dicom_file(dataset))


def test_example_of_pydicom_is_read() -> None:
    path = Path(pydicom.__file__).parent / "data" / "test_files" / "examples_palette.dcm"
    assert len({tuple(colour) for colour in colour_corners(path.read_bytes())}) > 1

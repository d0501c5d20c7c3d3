"""PALETTE COLOR images, as written by old ultrasound devices."""

from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from numpy.typing import NDArray
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRBigEndian, ImplicitVRLittleEndian, RLELossless

from chalicelib import errors, imaging
from chalicelib.tasks import InputSpec
from tests import images

SPEC = InputSpec(32, 32, 3, "stretch")
COLOURS = ("Red", "Green", "Blue")
TABLE = np.stack([np.arange(256), 255 - np.arange(256), np.arange(256) // 2], axis=1).astype("u1")
INDICES = (0, 80, 160, 255)
EXPECTED = [TABLE[index].tolist() for index in INDICES]


def corners(data: bytes) -> list[list[int]]:
    array = imaging.prepare(data, SPEC).pixels
    return [array[:, row, column].tolist() for row in (4, 28) for column in (4, 28)]


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


def words(dtype: str = "<u2", scale: int = 1) -> list[bytes]:
    return [(TABLE[:, channel].astype(dtype) * scale).astype(dtype).tobytes() for channel in range(3)]


def packed() -> list[bytes]:
    return [TABLE[:, channel].tobytes() for channel in range(3)]


@pytest.mark.parametrize(
    ("bits", "tables"),
    [(8, packed()), (8, words()), (8, words(scale=257)), (16, words(scale=257)), (16, words(scale=256)),
     (16, words()), (16, packed()), (12, words(scale=16)), (12, words(scale=257))],
    ids=["bytes", "words", "8 that are 16", "16 bits", "high bytes", "low bytes", "16 that are 8", "12 bits",
         "12 that are 16"],
)  # fmt: skip
@pytest.mark.parametrize("indices", ["u1", "u2"])
def test_tables_are_read_in_every_packing(bits: int, tables: list[bytes], indices: str) -> None:
    pixels = images.quadrants(INDICES, indices)
    dataset = palette(pixels, 8 * pixels.itemsize, tables, (256, 0, bits))
    assert corners(images.dicom_file(dataset)) == EXPECTED


@pytest.mark.parametrize("first", [-5, 0, 10, 200])
def test_first_value_mapped_is_applied(first: int) -> None:
    pixels = images.quadrants([first + 3, first + 100, first - 1, first + 300], "i2")
    dataset = palette(pixels, 16, words(scale=257), (256, first, 16))
    assert corners(images.dicom_file(dataset)) == [TABLE[index].tolist() for index in (3, 100, 0, 255)]


def big_endian(dataset: Dataset) -> bytes:
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
    tables = packed() if bits == 8 else words(scale=257)
    pixels = images.quadrants(INDICES, indices)
    dataset = palette(pixels, 8 * pixels.itemsize, tables, (256, 0, bits))
    assert corners(big_endian(dataset)) == EXPECTED


def test_implicit_vr_and_rle_are_read() -> None:
    dataset = palette(images.quadrants(INDICES, "u1"), 8, words(scale=257), (256, 0, 16))
    dataset.compress(RLELossless, generate_instance_uid=False)
    assert corners(images.dicom_file(dataset)) == EXPECTED
    dataset = palette(images.quadrants(INDICES, "u1"), 8, words(scale=257), (256, 0, 16))
    dataset.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian
    assert corners(images.dicom_file(dataset)) == EXPECTED


def test_table_of_65536_entries_is_read() -> None:
    ramp = np.arange(65_536, dtype="<u2").tobytes()
    dataset = palette(images.quadrants([0, 20_480, 40_960, 65_535], "u2"), 16, [ramp] * 3, (0, 0, 16))
    assert corners(images.dicom_file(dataset)) == [[level] * 3 for level in (0, 80, 160, 255)]


@pytest.mark.parametrize("damage", ["missing", "short"])
def test_missing_table_is_named(damage: str) -> None:
    dataset = palette(images.quadrants(INDICES, "u1"), 8, packed(), (256, 0, 8))
    if damage == "missing":
        del dataset.GreenPaletteColorLookupTableData
    else:
        dataset.GreenPaletteColorLookupTableData = bytes(100)
    with pytest.raises(errors.InvalidImage, match=r"GreenPaletteColorLookupTableData \(0028,1202\)"):
        corners(images.dicom_file(dataset))


def test_segmented_palette_is_refused_by_name() -> None:
    dataset = palette(images.quadrants(INDICES, "u1"), 8, packed(), (256, 0, 16))
    for colour in COLOURS:
        delattr(dataset, f"{colour}PaletteColorLookupTableData")
        setattr(dataset, f"Segmented{colour}PaletteColorLookupTableData", bytes(12))
    with pytest.raises(errors.UnsupportedImage, match=r"segmented palette \(0028,1221\)"):
        corners(images.dicom_file(dataset))


def test_example_of_pydicom_is_read() -> None:
    path = Path(pydicom.__file__).parent / "data" / "test_files" / "examples_palette.dcm"
    assert len({tuple(colour) for colour in corners(path.read_bytes())}) > 1

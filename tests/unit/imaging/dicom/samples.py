"""DICOM files and specs that several of these tests use."""

from pathlib import Path
from struct import pack
from typing import Any

import numpy as np
import pydicom
from numpy.typing import NDArray
from pydicom.dataelem import DataElement, RawDataElement
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.tag import Tag

from chalicelib import imaging
from chalicelib.tasks import InputSpec
from tests import images

SMALL = InputSpec(32, 32, 1, "stretch")


FULL_WINDOW: dict[str, Any] = {"WindowCenter": 2048, "WindowWidth": 4096}


AS_WINDOWED = [0, 62, 125, 249]


def corners(data: bytes, spec: InputSpec = SMALL) -> list[int]:
    array = imaging.prepare(data, spec).pixels[0]
    return [int(array[row, column]) for row in (4, 28) for column in (4, 28)]


def quadrant_dataset(**changes: Any) -> Dataset:
    made = images.dicom_dataset(images.quadrants([0, 1000, 2000, 4000], "u2"), **FULL_WINDOW)
    for keyword, value in changes.items():
        if value is None:
            delattr(made, keyword)
        else:
            setattr(made, keyword, value)
    return made


def inserted(element: bytes) -> bytes:
    """An element before Rows."""
    data = images.dicom_file(quadrant_dataset())
    place = data.index(pack("<HH2s", 0x28, 0x02, b"US"))
    return data[:place] + element + data[place:]


ITEM = pack("<HHI", 0xFFFE, 0xE000, 0xFFFFFFFF)


ITEM_END, SEQUENCE_END = pack("<HHI", 0xFFFE, 0xE00D, 0), pack("<HHI", 0xFFFE, 0xE0DD, 0)


SEQUENCE = pack("<HH2sHI", 0x21, 0x10, b"SQ", 0, 0xFFFFFFFF)


NUMBER = pack("<HH2sHH", 0x08, 0x1150, b"US", 2, 1)


PORTRAIT = InputSpec(width=64, height=96, channels=1, fit="pad")


PORTRAIT_RGB = InputSpec(width=64, height=96, channels=3, fit="pad")


TEST_FILES = Path(pydicom.__file__).parent / "data" / "test_files"


def prepared(data: bytes, spec: InputSpec = PORTRAIT) -> NDArray[np.uint8]:
    return imaging.prepare(data, spec).pixels


def twelve_bits(low: int = 0, high: int = 4095) -> NDArray[np.uint16]:
    return images.gradient(low=low, high=high).astype(np.uint16)


def linear_window(values: NDArray[Any], centre: float, width: float) -> NDArray[np.float64]:
    """The formula of PS3.3 C.11.2.1.2.1."""
    x = values.astype(float)
    y = ((x - (centre - 0.5)) / (width - 1) + 0.5) * 255
    y[x <= centre - 0.5 - (width - 1) / 2] = 0
    y[x > centre - 0.5 + (width - 1) / 2] = 255
    return y


TWELVE_BITS = (0, 1000, 2000, 4000)


AS_A_WHOLE = [0, 64, 128, 255]


def four(
    levels: tuple[float, ...] = TWELVE_BITS, dtype: str = "u2", bits: int = 12, **elements: Any
) -> bytes:
    return images.dicom(images.quadrants(levels, dtype), bits=bits, **elements)


def set_raw(dataset: Dataset, keyword: str, representation: str, value: bytes) -> None:
    """Set an element to bytes that pydicom would refuse to write."""
    tag = Tag(keyword)
    dataset[tag] = RawDataElement(tag, representation, len(value), value, 0, False, True)


def with_raw(keyword: str, representation: str, value: bytes, **elements: Any) -> bytes:
    dataset = images.dicom_dataset(images.quadrants(TWELVE_BITS, "u2"), **elements)
    set_raw(dataset, keyword, representation, value)
    return images.dicom_file(dataset)


def lookup_table(descriptor: list[int], data: bytes, representation: str = "OW") -> Sequence:
    item = Dataset()
    item.LUTDescriptor = descriptor
    item.add(DataElement("LUTData", "OW", data))
    item["LUTData"].VR = representation
    return Sequence([item])


def float_file(dataset: Dataset, values: NDArray[Any]) -> bytes:
    keyword = "FloatPixelData" if values.itemsize == 4 else "DoubleFloatPixelData"
    del dataset.PixelData
    setattr(dataset, keyword, values.tobytes())
    dataset.BitsAllocated = values.itemsize * 8
    for name in ("BitsStored", "HighBit", "PixelRepresentation"):
        delattr(dataset, name)
    return images.dicom_file(dataset)


IDENTITY = bytes(range(256))


SMALL_RGB = InputSpec(32, 32, 3, "stretch")


LEVELS = (0, 80, 160, 255)


def eight_bits() -> bytes:
    return images.dicom(images.quadrants(LEVELS, "u1"), bits=8)

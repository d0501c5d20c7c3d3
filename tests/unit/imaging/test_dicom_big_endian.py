"""Uncompressed pixels in Explicit VR Big Endian, where frames may begin in the middle of a word."""

from io import BytesIO
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from pydicom import dcmread
from pydicom.dataelem import DataElement
from pydicom.pixels.utils import pixel_array
from pydicom.uid import ExplicitVRBigEndian

from chalicelib.imaging.dicom import attributes, elements, stored_values
from tests import images


def big_endian(values: NDArray[Any], representation: str, *, bits: int | None = None) -> bytes:
    """A file with OW words (PS3.5 8.1.1): the first of two 8-bit samples is in the lower half."""
    is_colour = values.shape[-1] == 3
    frames = values if bits != 1 else np.zeros(values.shape, "u1")
    dataset = images.dicom_dataset(frames, "RGB" if is_colour else "MONOCHROME2", 8 * values.itemsize)
    content = np.packbits(values, bitorder="little").tobytes() if bits == 1 else values.tobytes()
    content += b"\x00" * (len(content) % 2)
    if values.itemsize == 2 or representation == "OW":
        content = np.frombuffer(content, "u2").byteswap().tobytes()
    if bits:
        dataset.BitsAllocated = dataset.BitsStored = bits
        dataset.HighBit = bits - 1
    dataset["PixelData"] = DataElement("PixelData", representation, content)
    dataset.file_meta.TransferSyntaxUID = ExplicitVRBigEndian
    file = BytesIO()
    dataset.save_as(file, enforce_file_format=True, implicit_vr=False, little_endian=False)
    return file.getvalue()


def frame(data: bytes) -> NDArray[Any]:
    file = elements.read(data)
    image = attributes.image_pixel(file.dataset, "PixelData")
    return stored_values.read_frame(file, image, ExplicitVRBigEndian).values


@pytest.mark.parametrize("representation", ["OB", "OW"])
@pytest.mark.parametrize("size", [(9, 11), (9, 10), (9, 11, 3)], ids=["odd", "even", "odd, in colour"])
@pytest.mark.parametrize("frames", [1, 2, 3, 5])
@pytest.mark.parametrize("dtype", ["u1", "u2"])
def test_middle_frame_equals_that_of_pydicom(
    representation: str, size: tuple[int, ...], frames: int, dtype: str
) -> None:
    values = np.arange(frames * int(np.prod(size)), dtype=dtype).reshape(frames, *size) + 3
    data = big_endian(values if frames > 1 else values[0], representation)
    np.testing.assert_array_equal(frame(data), values[frames // 2])
    theirs = pixel_array(dcmread(BytesIO(data)), index=frames // 2 if frames > 1 else None, raw=True)
    np.testing.assert_array_equal(frame(data), theirs)


@pytest.mark.parametrize("representation", ["OB", "OW"])
def test_single_bits_in_words_are_read(representation: str) -> None:
    values = np.random.default_rng(3).integers(0, 2, (3, 9, 9)).astype("u1")
    np.testing.assert_array_equal(frame(big_endian(values, representation, bits=1)), values[1])

"""Functions that all decoders share."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from pydicom.uid import RLELossless

from chalicelib import errors
from chalicelib.imaging.dicom.frame_values import from_colour_space, high_byte
from tests import images
from tests.unit.imaging.dicom.samples import PORTRAIT_RGB, float_file, prepared


def colour_file(
    words: NDArray[Any], photometric: str, stored: int, high_bit: int, rle: bool = False
) -> bytes:
    dataset = images.dicom_dataset(words, "RGB", 16)
    if rle:
        dataset.compress(RLELossless, generate_instance_uid=False)
    # Changed afterwards, as pydicom would drop the bits above BitsStored.
    dataset.BitsStored, dataset.HighBit, dataset.PhotometricInterpretation = stored, high_bit, photometric
    return images.dicom_file(dataset)


def test_deep_colour_keeps_the_upper_byte() -> None:
    deep = images.colours().astype(np.uint16) * 257
    array = prepared(images.dicom(deep, "RGB", 16), PORTRAIT_RGB)
    np.testing.assert_array_equal(array.transpose(1, 2, 0), images.colours())


def test_monochrome_is_kept_and_colour_becomes_rgb() -> None:
    grey = np.array([[0, 4095]], np.uint16)
    assert from_colour_space(grey, "MONOCHROME2", 12, 11).values.tolist() == [[0, 4095]]
    luma = np.array([[[76, 85, 255], [128, 128, 128]]], np.uint8)
    found = from_colour_space(luma, "YBR_FULL", 8, 7).values.astype(int)
    np.testing.assert_allclose(found, [[[254, 0, 0], [128, 128, 128]]], atol=1)


def test_high_byte_depends_on_the_stored_bits() -> None:
    assert high_byte(np.array([0, 0x0FFF], np.uint16), 12).tolist() == [0, 255]
    assert high_byte(np.array([0, 0x0FFF], np.uint16), 16).tolist() == [0, 0x0F]
    assert high_byte(np.array([7], np.uint8), 8).tolist() == [7]


@pytest.mark.parametrize("photometric", ["RGB", "YBR_FULL"])
@pytest.mark.parametrize("rle", [False, True], ids=["uncompressed", "RLE"])
@pytest.mark.parametrize("stored", [8, 12])
def test_colours_are_where_the_high_bit_says(photometric: str, rle: bool, stored: int) -> None:
    low = images.colours().astype(np.uint16) << (stored - 8)
    expected = prepared(colour_file(low, photometric, stored, stored - 1), PORTRAIT_RGB)
    assert expected.max() > 200
    high = colour_file(low << (16 - stored), photometric, stored, 15, rle)
    np.testing.assert_array_equal(prepared(high, PORTRAIT_RGB), expected)
    # Many writers state a wrong HighBit.
    np.testing.assert_array_equal(
        prepared(colour_file(low, photometric, stored, 15, rle), PORTRAIT_RGB), expected
    )


@pytest.mark.parametrize("photometric", ["RGB", "YBR_FULL"])
@pytest.mark.parametrize("stored", [8, 12])
def test_bits_above_those_of_colours_are_ignored(photometric: str, stored: int) -> None:
    words = images.colours().astype(np.uint16) << (stored - 8)
    clean = prepared(colour_file(words, photometric, stored, stored - 1), PORTRAIT_RGB)
    words[::3] |= 0x8000
    found = prepared(colour_file(words, photometric, stored, stored - 1), PORTRAIT_RGB)
    np.testing.assert_array_equal(found, clean)


@pytest.mark.parametrize("bits", range(1, 8))
def test_white_is_the_top_of_fewer_than_eight_bits(bits: int) -> None:
    levels = np.arange(2**bits, dtype=np.uint8)
    expected = np.rint(levels * (255 / (2**bits - 1))).astype(int).tolist()
    assert high_byte(levels, bits).tolist() == expected
    assert high_byte(levels.astype(np.uint16) | 0x4000, bits).tolist() == expected
    white = np.full((32, 32, 3), levels[-1], np.uint8)
    assert (
        prepared(images.dicom(white, "RGB", 8, BitsStored=bits, HighBit=bits - 1), PORTRAIT_RGB) == 255
    ).any()


def test_colours_of_floats_are_refused() -> None:
    dataset = images.dicom_dataset(images.colours(), "RGB", 8)
    with pytest.raises(errors.InvalidImage, match="SamplesPerPixel"):
        prepared(float_file(dataset, images.colours().astype("f4")), PORTRAIT_RGB)

"""Functions that all decoders share."""

import numpy as np
import pytest

from chalicelib.imaging.dicom.frame_values import from_colour_space, high_byte
from tests import images
from tests.unit.imaging.dicom.samples import PORTRAIT_RGB, prepared


def test_deep_colour_keeps_the_upper_byte() -> None:
    deep = images.colours().astype(np.uint16) * 257
    array = prepared(images.dicom(deep, "RGB", 16), PORTRAIT_RGB)
    np.testing.assert_array_equal(array.transpose(1, 2, 0), images.colours())


def test_monochrome_is_kept_and_colour_becomes_rgb() -> None:
    grey = np.array([[0, 4095]], np.uint16)
    assert from_colour_space(grey, "MONOCHROME2", 12).values.tolist() == [[0, 4095]]
    luma = np.array([[[76, 85, 255], [128, 128, 128]]], np.uint8)
    found = from_colour_space(luma, "YBR_FULL", 8).values.astype(int)
    np.testing.assert_allclose(found, [[[254, 0, 0], [128, 128, 128]]], atol=1)


def test_high_byte_depends_on_the_stored_bits() -> None:
    assert high_byte(np.array([0, 0x0FFF], np.uint16), 12).tolist() == [0, 255]
    assert high_byte(np.array([0, 0x0FFF], np.uint16), 16).tolist() == [0, 0x0F]
    assert high_byte(np.array([7], np.uint8), 8).tolist() == [7]


@pytest.mark.parametrize("photometric", ["RGB", "YBR_FULL"])
@pytest.mark.parametrize(
    ("stored", "high_bit", "shift"),
    [(8, 7, 0), (8, 15, 8), (8, 15, 0), (12, 11, 0), (12, 15, 4), (12, 15, 0), (16, 15, 0)],
)
def test_colours_are_read_from_the_bits_that_hold_them(
    photometric: str, stored: int, high_bit: int, shift: int
) -> None:
    """Wherever HighBit says they are; but many files have them in the lowest bits all the same."""
    words = (images.colours().astype(np.uint16) << (stored - 8)) << shift
    deep = images.dicom(words, photometric, 16, BitsStored=stored, HighBit=high_bit)
    plain = images.dicom(images.colours(), photometric, 8)

    np.testing.assert_array_equal(prepared(deep, PORTRAIT_RGB), prepared(plain, PORTRAIT_RGB))


@pytest.mark.parametrize("photometric", ["RGB", "YBR_FULL"])
@pytest.mark.parametrize("stored", [8, 12])
def test_other_data_in_the_words_of_colours_is_left_out(photometric: str, stored: int) -> None:
    words = (images.colours().astype(np.uint16) << (stored - 8)) | (0xFFFF << stored & 0xFFFF)
    marked = images.dicom(words, photometric, 16, BitsStored=stored, HighBit=stored - 1)
    plain = images.dicom(images.colours(), photometric, 8)

    np.testing.assert_array_equal(prepared(marked, PORTRAIT_RGB), prepared(plain, PORTRAIT_RGB))


def test_negative_colours_become_black() -> None:
    assert high_byte(np.array([-5, 0, 0x0FFF], np.int16), 12).tolist() == [0, 0, 255]

"""Functions that all decoders share."""

import numpy as np

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

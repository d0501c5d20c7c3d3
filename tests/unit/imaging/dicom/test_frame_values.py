"""Functions that all decoders share."""

import numpy as np

from tests import images
from tests.unit.imaging.dicom.samples import PORTRAIT_RGB, prepared


def test_deep_colour_keeps_the_upper_byte() -> None:
    deep = images.colours().astype(np.uint16) * 257
    array = prepared(images.dicom(deep, "RGB", 16), PORTRAIT_RGB)
    np.testing.assert_array_equal(array.transpose(1, 2, 0), images.colours())

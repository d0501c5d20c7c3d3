"""Padding, overlays and hot pixels do not affect the grey levels."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from pydicom.dataelem import DataElement
from pydicom.sequence import Sequence

from chalicelib import errors, imaging
from chalicelib.tasks import InputSpec
from tests import images
from tests.unit.imaging.dicom.samples import (
    AS_WINDOWED,
    FULL_WINDOW,
    SMALL,
    TWELVE_BITS,
    corners,
    float_file,
    lookup_table,
    prepared,
    twelve_bits,
)


@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
def test_pixel_padding_does_not_affect_the_contrast(photometric: str) -> None:
    values = twelve_bits(low=1000, high=2000)
    padding = 0 if photometric == "MONOCHROME2" else 4095
    values[:, :20] = padding
    array = prepared(images.dicom(values, photometric, PixelPaddingValue=padding))[0]
    assert array[:, :19].max() == 0
    assert array[:, 21:].max() - array[:, 21:].min() > 200


def test_padding_range_is_padding() -> None:
    values = twelve_bits(low=1000, high=2000)
    values[:, :10], values[:, 10:20] = 0, 30
    array = prepared(images.dicom(values, PixelPaddingValue=0, PixelPaddingRangeLimit=50))[0]
    assert array[:, :19].max() == 0
    assert array[:, 21:].max() - array[:, 21:].min() > 200


def test_overlay_in_the_unused_bits_is_ignored() -> None:
    dataset = images.dicom_dataset(twelve_bits(), WindowCenter=2048, WindowWidth=4096)
    clean = prepared(images.dicom_file(dataset))
    words = np.frombuffer(dataset.PixelData, "<u2") | 0x8000
    dataset.PixelData = words.tobytes()
    np.testing.assert_array_equal(prepared(images.dicom_file(dataset)), clean)


@pytest.mark.parametrize("hot", [4095, 0])
def test_hot_pixel_does_not_affect_the_contrast(hot: int) -> None:
    values = images.quadrants([1000, 1100, 1200, 1300], "u2")
    clean = corners(images.dicom(values))
    values[2, 20] = hot
    assert corners(images.dicom(values)) == clean == [0, 85, 170, 255]


def test_hot_pixels_of_a_large_image_do_not_affect_the_contrast() -> None:
    values = images.quadrants([1000, 1100, 1200, 1300], "u2", 2100)
    clean = corners(images.dicom(values))
    values[2::700, 20::700] = 4095
    assert corners(images.dicom(values)) == clean == [0, 85, 170, 255]


def test_small_bright_spot_is_not_clipped() -> None:
    values = images.gradient(256, 256, low=0, high=3000).astype("u2")
    values[10:14, 10:14] = 4000
    shown = imaging.prepare(images.dicom(values), InputSpec(256, 256, 1, "stretch")).pixels[0]
    assert shown[11, 11] == 255
    assert shown[-1, -1] < 200


def test_left_aligned_values_are_shifted() -> None:
    dataset = images.dicom_dataset(images.quadrants(TWELVE_BITS, "u2"), **FULL_WINDOW)
    dataset.HighBit = 15
    assert corners(images.dicom_file(dataset)) == AS_WINDOWED  # many writers state a wrong HighBit
    dataset.PixelData = images.quadrants([level << 4 for level in TWELVE_BITS], "u2").tobytes()
    assert corners(images.dicom_file(dataset)) == AS_WINDOWED


def shown_with_padding(levels: list[float], dtype: str, padding: int, **elements: Any) -> NDArray[np.uint8]:
    """Padding in the left half, a ramp from the first level to the second in the right half."""
    values = np.repeat(np.linspace(levels[0], levels[1], 32).astype(dtype)[:, np.newaxis], 32, axis=1)
    values[:, :16] = np.array(padding, dtype)
    photometric = elements.pop("photometric", "MONOCHROME2")
    bits = elements.pop("bits", 16)
    data = images.dicom(values, photometric, bits, PixelPaddingValue=padding, **elements)
    shown: NDArray[np.uint8] = imaging.prepare(data, SMALL).pixels[0]
    return shown


def falling_table() -> Sequence:
    return lookup_table([4096, 0, 12], np.arange(4095, -1, -1, dtype="<u2").tobytes())


@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
@pytest.mark.parametrize("padding", [0, 4095])
@pytest.mark.parametrize(
    "transform",
    [
        {},
        FULL_WINDOW,
        {"RescaleSlope": -1, "RescaleIntercept": 4095},
        {"RescaleSlope": -1, "RescaleIntercept": 0},
        {"RescaleSlope": -2, "RescaleIntercept": 9000, "WindowCenter": 5000, "WindowWidth": 4000},
        {"VOILUTSequence": falling_table()},
        {"ModalityLUTSequence": falling_table()},
        {"ModalityLUTSequence": falling_table(), "VOILUTSequence": falling_table()},
        {"RescaleSlope": -1, "RescaleIntercept": 4095, "VOILUTSequence": falling_table()},
        {"PresentationLUTShape": "INVERSE", "RescaleSlope": -1, "RescaleIntercept": 4095},
        {"WindowCenter": 2000, "WindowWidth": 500, "VOILUTFunction": "SIGMOID", "RescaleSlope": -1,
         "RescaleIntercept": 4095},
    ],
    ids=str,
)  # fmt: skip
def test_padding_is_never_brighter_than_the_darkest_tissue(
    photometric: str, padding: int, transform: dict[str, Any]
) -> None:
    shown = shown_with_padding([1000, 2000], "u2", padding, photometric=photometric, **transform)
    assert shown[:, :16].max() <= shown[:, 16:].min()


@pytest.mark.parametrize("bits", [12, 16])
def test_padding_written_with_the_wrong_sign_is_recognised(bits: int) -> None:
    values = images.quadrants([-2000, 0, 500, 1000], "i2")
    dataset = images.dicom_dataset(values, bits=16, WindowCenter=500, WindowWidth=1001)
    dataset.BitsStored, dataset.HighBit = bits, bits - 1
    dataset.add(DataElement("PixelPaddingValue", "US", 63536))
    assert corners(images.dicom_file(dataset)) == [0, 0, 128, 255]
    unsigned = images.dicom_dataset(images.quadrants([63536, 100, 500, 1000], "u2"), bits=16)
    unsigned.add(DataElement("PixelPaddingValue", "SS", -2000))
    assert corners(images.dicom_file(unsigned)) == [0, 0, 113, 255]


@pytest.mark.parametrize(("dtype", "prefix"), [("f4", "Float"), ("f8", "DoubleFloat")])
def test_padding_of_floats_is_recognised(dtype: str, prefix: str) -> None:
    values = images.quadrants([-5000.5, 10.0, 20.0, 40.0], dtype)
    dataset = images.dicom_dataset(images.quadrants([0] * 4, "u2"))
    setattr(dataset, f"{prefix}PixelPaddingValue", -5000.5)
    assert corners(float_file(dataset, values)) == [0, 0, 85, 255]
    dataset = images.dicom_dataset(images.quadrants([0] * 4, "u2"), RescaleSlope=-1, RescaleIntercept=0)
    setattr(dataset, f"{prefix}PixelPaddingValue", -6000)
    setattr(dataset, f"{prefix}PixelPaddingRangeLimit", -5000)
    assert corners(float_file(dataset, values)) == [0, 255, 170, 0]


@pytest.mark.parametrize("slope", [1, -1])
@pytest.mark.parametrize("missing", [np.nan, np.inf, -np.inf, 3.4028234e38, -3.4028234e38, 1e300])
def test_floats_that_are_not_numbers_are_dark(slope: int, missing: float) -> None:
    values = images.quadrants([missing, 10.0, 20.0, 40.0], "f4" if abs(missing) != 1e300 else "f8")
    data = float_file(images.dicom_dataset(images.quadrants([0] * 4, "u2"), RescaleSlope=slope), values)
    assert corners(data)[0] == 0
    nothing = images.quadrants([np.nan] * 4, "f4")
    with pytest.raises(errors.InvalidImage, match="no pixel that is a usable number"):
        corners(float_file(images.dicom_dataset(images.quadrants([0] * 4, "u2")), nothing))


@pytest.mark.parametrize("missing", [np.nan, np.inf, 3.4028234e38, -1.0])
def test_floats_with_nothing_beside_padding_are_refused(missing: float) -> None:
    dataset = images.dicom_dataset(images.quadrants([0] * 4, "u2"), FloatPixelPaddingValue=-1)
    with pytest.raises(errors.InvalidImage, match="no pixel that is a usable number"):
        prepared(float_file(dataset, images.quadrants([missing, -1, missing, -1], "f4")))


@pytest.mark.parametrize("stated", [-2000, 2096], ids=["as a value", "as it is stored"])
def test_padding_is_recognised_without_sign_extension(stated: int) -> None:
    """Signed 12-bit values whose upper four bits are zero: -2000 is stored as 0830."""
    dataset = images.dicom_dataset(images.quadrants([-2000, 100, 500, 900], "i2"), bits=12)
    words = np.frombuffer(dataset.PixelData, "<u2") & 0x0FFF
    dataset.PixelData = words.tobytes()
    dataset.add(DataElement("PixelPaddingValue", "SS", stated))
    assert corners(images.dicom_file(dataset)) == [0, 0, 128, 255]
    dataset["PixelPaddingValue"].value = -32768  # not a 12-bit value, so nothing is padding
    assert corners(images.dicom_file(dataset)) == [0, 185, 220, 255]

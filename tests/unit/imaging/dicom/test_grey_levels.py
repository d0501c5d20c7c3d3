"""Windows, rescaling and polarity of monochrome DICOM images."""

from io import BytesIO
from typing import Any

import numpy as np
import pytest
from PIL import Image
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from chalicelib import errors, imaging
from chalicelib.imaging import display_picture
from chalicelib.tasks import InputSpec
from tests import images
from tests.unit.imaging.dicom.samples import (
    AS_A_WHOLE,
    AS_WINDOWED,
    FULL_WINDOW,
    SMALL,
    TWELVE_BITS,
    corners,
    float_file,
    four,
    linear_window,
    lookup_table,
    prepared,
    set_raw,
    twelve_bits,
    with_raw,
)


def test_linear_window_follows_the_standard() -> None:
    array = prepared(images.dicom(twelve_bits(), WindowCenter=2000, WindowWidth=1000))[0]
    np.testing.assert_allclose(array, linear_window(twelve_bits(), 2000, 1000), atol=0.51)


def fine_lines() -> Any:
    """Squares of 1000 and 3000, with single lines of 0 and 4000, which a resize averages away."""
    values = images.quadrants([1000, 3000, 3000, 1000], "u2", 256)
    values[::32], values[16::32] = 0, 4000
    return values


@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
@pytest.mark.parametrize("transform", [{}, {"RescaleSlope": -0.5, "RescaleIntercept": 10}])
def test_contrast_without_a_window_does_not_depend_on_the_size_of_the_input(
    photometric: str, transform: dict[str, Any]
) -> None:
    data = images.dicom(fine_lines(), photometric, **transform)
    means = [
        imaging.prepare(data, InputSpec(side, side, 1, "stretch")).pixels.mean() for side in (256, 64, 16)
    ]
    np.testing.assert_allclose(means, means[0], atol=1)


def test_contrast_without_a_window_is_that_of_a_modality_table() -> None:
    table = lookup_table([4096, 0, 16], np.abs(np.arange(4096) - 2000).astype("<u2").tobytes())
    values = np.full((256, 256), 1500, "u2")
    values[0], values[-1] = 0, 2000
    assert corners(images.dicom(values, ModalityLUTSequence=table)) == [64] * 4


def test_first_of_several_windows_is_used() -> None:
    one = images.dicom(twelve_bits(), WindowCenter=2000, WindowWidth=1000)
    two = images.dicom(twelve_bits(), WindowCenter=[2000, 100], WindowWidth=[1000, 50])
    np.testing.assert_array_equal(prepared(one), prepared(two))


def test_sigmoid_window_follows_the_standard() -> None:
    data = images.dicom(twelve_bits(), WindowCenter=2000, WindowWidth=1000, VOILUTFunction="SIGMOID")
    expected = 255 / (1 + np.exp(-4 * (twelve_bits().astype(float) - 2000) / 1000))
    np.testing.assert_allclose(prepared(data)[0], expected, atol=0.51)


def test_voi_lookup_table_comes_before_the_window() -> None:
    lut = Dataset()
    lut.LUTDescriptor = [4096, 0, 12]
    lut.LUTData = np.array([4095 - value for value in range(4096)], "<u2").tobytes()
    data = images.dicom(twelve_bits(), VOILUTSequence=Sequence([lut]), WindowCenter=1, WindowWidth=2)
    np.testing.assert_allclose(prepared(data)[0], 255 - twelve_bits() / 4095 * 255, atol=1)


def test_rescale_slope_and_intercept_come_before_the_window() -> None:
    data = images.dicom(
        twelve_bits(), RescaleSlope=2, RescaleIntercept=-1000, WindowCenter=1000, WindowWidth=2000
    )
    expected = linear_window(twelve_bits().astype(float) * 2 - 1000, 1000, 2000)
    np.testing.assert_allclose(prepared(data)[0], expected, atol=0.51)


def test_monochrome1_is_inverted() -> None:
    window: dict[str, Any] = {"WindowCenter": 2048, "WindowWidth": 4096}
    two = prepared(images.dicom(twelve_bits(), **window))
    one = prepared(images.dicom(twelve_bits(), photometric="MONOCHROME1", **window))
    np.testing.assert_array_equal(one, 255 - two)


def test_missing_window_shows_the_full_range() -> None:
    array = prepared(images.dicom(twelve_bits(low=300, high=900)))[0]
    assert (array.min(), array.max()) == (0, 255)
    assert len(np.unique(array)) > 100


def test_invalid_window_is_ignored() -> None:
    np.testing.assert_array_equal(
        prepared(images.dicom(twelve_bits(), WindowCenter=100, WindowWidth=0)),
        prepared(images.dicom(twelve_bits())),
    )


@pytest.mark.parametrize(
    "centre", ["NaN", "inf", "-inf", "abc", "", "-", "1e400", "1e300", "2_048", "2048;0"]
)
def test_window_that_is_not_a_number_is_ignored(centre: str) -> None:
    data = with_raw("WindowCenter", "DS", centre.encode().ljust(8), WindowWidth=4096)
    assert corners(data) == AS_A_WHOLE


@pytest.mark.parametrize("width", ["NaN", "inf", "0", "-5", "wide", "1e300", "4_096"])
def test_window_with_an_invalid_width_is_ignored(width: str) -> None:
    assert corners(with_raw("WindowWidth", "DS", width.encode().ljust(8), WindowCenter=1)) == AS_A_WHOLE


@pytest.mark.parametrize(("centres", "widths"), [(b"\\2048", b"\\4096"), (b"NaN\\2048", b"100\\4096")])
def test_second_window_replaces_an_invalid_first_one(centres: bytes, widths: bytes) -> None:
    dataset = images.dicom_dataset(images.quadrants(TWELVE_BITS, "u2"))
    set_raw(dataset, "WindowCenter", "DS", centres.ljust(10))
    set_raw(dataset, "WindowWidth", "DS", widths.ljust(10))
    assert corners(images.dicom_file(dataset)) == AS_WINDOWED


def test_linear_window_of_width_one_is_a_threshold() -> None:
    """C.11.2.1.2.1: values up to centre - 0.5 are black, larger ones white."""
    data = four((0, 1000, 2000, 500), WindowCenter=1000, WindowWidth=1)
    assert corners(data) == [0, 255, 255, 0]


def test_linear_window_narrower_than_one_is_exact() -> None:
    values = images.quadrants([0.0, 0.25, 0.5, 1.0], "f4")
    dataset = images.dicom_dataset(images.quadrants([0] * 4, "u2"), WindowCenter=0.5, WindowWidth=0.5)
    assert corners(float_file(dataset, values)) == [0, 0, 128, 255]


@pytest.mark.parametrize("function", ["LINEAR", "LINEAR_EXACT", "SIGMOID"])
def test_narrowest_window_is_a_threshold(function: str) -> None:
    data = with_raw("WindowWidth", "DS", b"1e-300", WindowCenter=1500, VOILUTFunction=function)
    assert corners(data) == [0, 0, 255, 255]


@pytest.mark.parametrize("function", ["Sigmoid", "sigmoid ", "SIGMOID"])
def test_window_function_is_case_insensitive(function: str) -> None:
    sigmoid = corners(four(VOILUTFunction="SIGMOID", WindowCenter=2000, WindowWidth=1000))
    data = with_raw("VOILUTFunction", "CS", function.encode().ljust(8), WindowCenter=2000, WindowWidth=1000)
    assert corners(data) == sigmoid
    assert sigmoid[2] == 128


@pytest.mark.parametrize("slope", [b"0 ", b"-0", b"1e-300"])
def test_slope_of_zero_is_ignored(slope: bytes) -> None:
    assert corners(with_raw("RescaleSlope", "DS", slope, **FULL_WINDOW)) == AS_WINDOWED


@pytest.mark.parametrize("keyword", ["RescaleSlope", "RescaleIntercept"])
@pytest.mark.parametrize("value", [b"steep ", b"NaN ", b"inf ", b"1e300 ", b"-1e300"])
def test_invalid_rescale_is_refused_by_name(keyword: str, value: bytes) -> None:
    with pytest.raises(
        errors.InvalidImage, match=rf"{keyword} \(0028,105[23]\) of this DICOM file is not a usable"
    ):
        corners(with_raw(keyword, "DS", value, **FULL_WINDOW))


@pytest.mark.parametrize(
    ("photometric", "shape", "is_inverted"),
    [
        ("MONOCHROME1", None, True),
        ("MONOCHROME2", None, False),
        ("MONOCHROME1", "INVERSE", True),
        ("MONOCHROME2", "IDENTITY", False),
        ("MONOCHROME2", "INVERSE", True),
        ("MONOCHROME1", "IDENTITY", True),
    ],
)
def test_polarity_follows_photometric_interpretation_and_lut_shape(
    photometric: str, shape: str | None, is_inverted: bool
) -> None:
    elements = FULL_WINDOW | ({"PresentationLUTShape": shape} if shape else {})
    data = images.dicom(images.quadrants(TWELVE_BITS, "u2"), photometric, **elements)
    assert corners(data) == ([255 - level for level in AS_WINDOWED] if is_inverted else AS_WINDOWED)


RAMP = np.arange(1024).reshape(32, 32) // 4


def ramp(offset: int, dtype: str, **elements: Any) -> bytes:
    """256 neighbouring values of 32 bits or more, from `offset`."""
    values = (RAMP + offset).astype(dtype)
    dataset = images.dicom_dataset(np.zeros((32, 32), "u2"), **elements)
    if dtype == "f8":
        return float_file(dataset, values)
    dataset.BitsAllocated = dataset.BitsStored = 32
    dataset.HighBit, dataset.PixelRepresentation = 31, int(dtype == "i4")
    dataset.PixelData = values.tobytes()
    return images.dicom_file(dataset)


@pytest.mark.parametrize("windowed", [False, True], ids=["whole range", "window"])
@pytest.mark.parametrize(
    ("offset", "dtype"),
    [(0, "u4"), (2**26, "u4"), (2**31, "u4"), (2**32 - 256, "u4"), (-(2**31), "i4"), (2**31 - 256, "i4"),
     (2**40, "f8")],
)  # fmt: skip
def test_neighbouring_levels_of_large_values_differ(offset: int, dtype: str, windowed: bool) -> None:
    window = {"WindowCenter": offset + 128, "WindowWidth": 256} if windowed else {}
    data = ramp(offset, dtype, **window)
    np.testing.assert_array_equal(imaging.prepare(data, SMALL).pixels[0], RAMP)
    picture = display_picture.make(data)
    assert picture.grey
    with Image.open(BytesIO(picture.content)) as image:
        shown = np.asarray(image) * picture.grey.slope + picture.grey.intercept
    np.testing.assert_allclose(shown - offset, RAMP, atol=0.01)


@pytest.mark.parametrize(("slope", "intercept"), [(1, 1e9), (1, -1e9), (1e-9, 1), (-1, 1e9)])
def test_neighbouring_levels_differ_with_any_intercept(slope: float, intercept: float) -> None:
    data = images.dicom(RAMP.astype("u2"), bits=16, RescaleSlope=slope, RescaleIntercept=intercept)
    expected = RAMP if slope > 0 else 255 - RAMP
    np.testing.assert_array_equal(imaging.prepare(data, SMALL).pixels[0], expected)

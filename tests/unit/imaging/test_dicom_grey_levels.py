"""Grey levels of DICOM: padding, windows and lookup tables as in real files."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from pydicom.dataelem import DataElement, RawDataElement
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.tag import Tag

from chalicelib import errors, imaging
from chalicelib.tasks import InputSpec
from tests import images

SPEC = InputSpec(32, 32, 1, "stretch")
TWELVE_BITS = (0, 1000, 2000, 4000)
FULL_WINDOW: dict[str, Any] = {"WindowCenter": 2048, "WindowWidth": 4096}
AS_WINDOWED = [0, 62, 125, 249]
AS_A_WHOLE = [0, 64, 128, 255]


def corners(data: bytes) -> list[int]:
    array = imaging.prepare(data, SPEC).pixels[0]
    return [int(array[row, column]) for row in (4, 28) for column in (4, 28)]


def four(
    levels: tuple[float, ...] = TWELVE_BITS, dtype: str = "u2", bits: int = 12, **elements: Any
) -> bytes:
    return images.dicom(images.quadrants(levels, dtype), bits=bits, **elements)


def raw(dataset: Dataset, keyword: str, representation: str, value: bytes) -> None:
    """Set an element to bytes that pydicom would refuse to write."""
    tag = Tag(keyword)
    dataset[tag] = RawDataElement(tag, representation, len(value), value, 0, False, True)


def with_raw(keyword: str, representation: str, value: bytes, **elements: Any) -> bytes:
    dataset = images.dicom_dataset(images.quadrants(TWELVE_BITS, "u2"), **elements)
    raw(dataset, keyword, representation, value)
    return images.dicom_file(dataset)


def table(descriptor: list[int], data: bytes, representation: str = "OW") -> Sequence:
    item = Dataset()
    item.LUTDescriptor = descriptor
    item.add(DataElement("LUTData", "OW", data))
    item["LUTData"].VR = representation
    return Sequence([item])


# Windows


@pytest.mark.parametrize(
    "centre", ["NaN", "inf", "-inf", "abc", "", "-", "1e400", "1e300", "2_048", "2048;0"]
)
def test_window_that_is_not_a_number_is_ignored(centre: str) -> None:
    data = with_raw("WindowCenter", "DS", centre.encode().ljust(8), WindowWidth=4096)
    assert corners(data) == AS_A_WHOLE


@pytest.mark.parametrize("width", ["NaN", "inf", "0", "-5", "wide", "1e300", "4_096"])
def test_window_with_an_invalid_width_is_ignored(width: str) -> None:
    assert corners(with_raw("WindowWidth", "DS", width.encode().ljust(8), WindowCenter=1)) == AS_A_WHOLE


def test_decimal_comma_is_read() -> None:
    data = with_raw("WindowCenter", "DS", b"2048,0 ", WindowWidth=4096)
    assert corners(data) == AS_WINDOWED


@pytest.mark.parametrize(("centres", "widths"), [(b"\\2048", b"\\4096"), (b"NaN\\2048", b"100\\4096")])
def test_second_window_replaces_an_invalid_first_one(centres: bytes, widths: bytes) -> None:
    dataset = images.dicom_dataset(images.quadrants(TWELVE_BITS, "u2"))
    raw(dataset, "WindowCenter", "DS", centres.ljust(10))
    raw(dataset, "WindowWidth", "DS", widths.ljust(10))
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


@pytest.mark.parametrize("hot", [4095, 0])
def test_hot_pixel_does_not_affect_the_contrast(hot: int) -> None:
    values = images.quadrants([1000, 1100, 1200, 1300], "u2")
    clean = corners(images.dicom(values))
    values[2, 20] = hot
    assert corners(images.dicom(values)) == clean == [0, 85, 170, 255]


def test_small_bright_spot_is_not_clipped() -> None:
    values = images.gradient(256, 256, low=0, high=3000).astype("u2")
    values[10:14, 10:14] = 4000
    shown = imaging.prepare(images.dicom(values), InputSpec(256, 256, 1, "stretch")).pixels[0]
    assert shown[11, 11] == 255
    assert shown[-1, -1] < 200


# Stored bits


def test_left_aligned_values_are_shifted() -> None:
    dataset = images.dicom_dataset(images.quadrants(TWELVE_BITS, "u2"), **FULL_WINDOW)
    dataset.HighBit = 15
    assert corners(images.dicom_file(dataset)) == AS_WINDOWED  # many writers state a wrong HighBit
    dataset.PixelData = images.quadrants([level << 4 for level in TWELVE_BITS], "u2").tobytes()
    assert corners(images.dicom_file(dataset)) == AS_WINDOWED


# Padding


def padded(levels: list[float], dtype: str, padding: int, **elements: Any) -> NDArray[np.uint8]:
    """Padding in the left half, a ramp from the first level to the second in the right half."""
    values = np.repeat(np.linspace(levels[0], levels[1], 32).astype(dtype)[:, np.newaxis], 32, axis=1)
    values[:, :16] = np.array(padding, dtype)
    photometric = elements.pop("photometric", "MONOCHROME2")
    bits = elements.pop("bits", 16)
    data = images.dicom(values, photometric, bits, PixelPaddingValue=padding, **elements)
    shown: NDArray[np.uint8] = imaging.prepare(data, SPEC).pixels[0]
    return shown


def falling_table() -> Sequence:
    return table([4096, 0, 12], np.arange(4095, -1, -1, dtype="<u2").tobytes())


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
    shown = padded([1000, 2000], "u2", padding, photometric=photometric, **transform)
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


def float_file(dataset: Dataset, values: NDArray[Any]) -> bytes:
    keyword = "FloatPixelData" if values.itemsize == 4 else "DoubleFloatPixelData"
    del dataset.PixelData
    setattr(dataset, keyword, values.tobytes())
    dataset.BitsAllocated = values.itemsize * 8
    for name in ("BitsStored", "HighBit", "PixelRepresentation"):
        delattr(dataset, name)
    return images.dicom_file(dataset)


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


# Lookup tables

IDENTITY = bytes(range(256))
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
    found = corners(four(EIGHT_BITS, "u1", 8, **{sequence: table(descriptor, data)}))
    np.testing.assert_allclose(found, EIGHT_BITS, atol=1)


def test_table_with_an_odd_number_of_bytes_is_read() -> None:
    data = four((0, 64, 128, 254), "u1", 8, VOILUTSequence=table([255, 0, 8], bytes(range(255)) + b"\x00"))
    assert corners(data) == [0, 64, 128, 254]


def test_table_beside_a_negative_intercept_begins_below_zero() -> None:
    ramp = np.arange(4096, dtype="<u2").tobytes()
    lut = table([4096, 65536 - 1024, 12], ramp)  # US, but -1024 is meant
    data = four(RescaleSlope=1, RescaleIntercept=-1024, VOILUTSequence=lut)
    np.testing.assert_allclose(corners(data), AS_WINDOWED, atol=1)


@pytest.mark.parametrize("data", [b"", bytes(100)])
def test_invalid_voi_table_is_replaced_by_the_window(data: bytes) -> None:
    lut = table([4096, 0, 12], data)
    assert corners(four(VOILUTSequence=lut, **FULL_WINDOW)) == AS_WINDOWED
    assert corners(four(VOILUTSequence=lut)) == AS_A_WHOLE


def test_invalid_modality_table_is_refused_by_name() -> None:
    with pytest.raises(errors.InvalidImage, match=r"ModalityLUTSequence \(0028,3000\)"):
        corners(four(ModalityLUTSequence=table([4096, 0, 12], b"")))


def test_modality_table_with_twelve_bits_is_applied() -> None:
    ramp = np.arange(4096, dtype="<u2").tobytes()
    assert corners(four(ModalityLUTSequence=table([4096, 0, 12], ramp), **FULL_WINDOW)) == AS_WINDOWED


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
    sequence = table([4096, 0, 12], np.arange(4096, dtype="<u2").tobytes())
    sequence[0].add(DataElement("LUTDescriptor", representation, [4096, first, 12]))
    shown = corners(four(levels, VOILUTSequence=sequence, **elements))
    np.testing.assert_allclose(shown, [255, 191, 127, 0], atol=1)


def test_voi_table_follows_a_modality_table_of_signed_pixels() -> None:
    modality = table([4096, 0, 16], np.arange(40000, 44096, dtype="<u2").tobytes())
    voi = table([4096, 0, 12], np.arange(4096, dtype="<u2").tobytes())
    voi[0].add(DataElement("LUTDescriptor", "US", [4096, 40000, 12]))
    dataset = images.dicom_dataset(images.quadrants([0, 512, 1024, 2047], "i2"), bits=12)
    modality[0].add(DataElement("LUTDescriptor", "SS", [4096, 0, 16]))
    dataset.ModalityLUTSequence, dataset.VOILUTSequence = modality, voi
    np.testing.assert_allclose(corners(images.dicom_file(dataset)), [0, 32, 64, 127], atol=1)

"""Reads single attributes of a DICOM data set, also malformed ones.

Section numbers refer to PS3.3 of the DICOM standard (https://dicom.nema.org/medical/dicom/current/).
"""

import math
from dataclasses import dataclass

from pydicom.datadict import dictionary_VR, tag_for_keyword
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue

from chalicelib import errors
from chalicelib.imaging.decoded import plausible_aspect
from chalicelib.imaging.dicom.element_reader import name

MAX_VALUE = 1e30
"""No image has such values. Grey levels are computed in 32-bit floats, whose maximum is 3.4e38."""


def element_name(keyword: str) -> str:
    """Keyword and number of an element: "Rows (0028,0010)"."""
    return name(tag_for_keyword(keyword) or 0)


def invalid(keyword: str, problem: str) -> errors.InvalidImage:
    """The error for an element with a problem."""
    return errors.InvalidImage(f"{element_name(keyword)} of this DICOM file {problem}.")


def numbers(dataset: Dataset, keyword: str) -> list[float]:
    """All values of an element; NaN for each one that is empty or not a number."""
    raw = dataset.get_item(keyword)
    if raw is None:
        return []
    if isinstance(raw, RawDataElement) and isinstance(raw.value, bytes) and _is_text(raw):
        # Some writers use a decimal comma, which has no other meaning in numbers.
        values: list[object] = [*raw.value.decode("ascii", "replace").replace(",", ".").split("\\")]
    else:
        try:
            value = dataset[keyword].value
        except Exception:  # pydicom raises errors of many kinds for malformed numbers
            value = math.nan
        values = list(value) if isinstance(value, MultiValue | list | tuple) else [value]
    return [_number(single) for single in values]


def _is_text(raw: RawDataElement) -> bool:
    representation = raw.VR if raw.VR not in (None, "UN") else dictionary_VR(raw.tag)
    return representation in ("DS", "IS")


def _number(value: object) -> float:
    text = value.strip("\x00 ") if isinstance(value, str) else value
    if isinstance(text, str) and "_" in text:  # Python would ignore underscores
        return math.nan
    try:
        return float(text)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        return math.nan


def integer(dataset: Dataset, keyword: str) -> int | None:
    """The first value of an element; None if it is absent, empty, or not a whole number."""
    values = numbers(dataset, keyword)
    return int(values[0]) if values and values[0].is_integer() else None


def text(dataset: Dataset, keyword: str) -> str:
    """The first value of an element as text, empty if there is none."""
    try:
        value = dataset.get(keyword)
    except Exception:  # pydicom raises errors of many kinds for malformed text
        return ""
    if isinstance(value, MultiValue):
        value = value[0] if value else ""
    return str(value or "").strip("\x00 ").upper()


def raw_bytes(dataset: Dataset, keyword: str) -> bytes:
    """The bytes of an element as stored in the file; empty if it is absent."""
    raw = dataset.get_item(keyword)
    return raw.value if isinstance(raw, RawDataElement) and isinstance(raw.value, bytes) else b""


@dataclass(frozen=True)
class ImagePixel:
    """The attributes that describe how pixels are stored (C.7.6.3)."""

    rows: int
    columns: int
    samples: int
    photometric: str
    allocated: int
    """Bits per sample."""
    stored: int
    """Bits per sample that hold its value."""
    high_bit: int
    signed: bool
    planar: bool
    """Whether each colour is stored in a separate plane."""

    @property
    def range(self) -> tuple[int, int]:
        """The smallest and the largest value of a sample."""
        span = 2**self.stored
        return (-span // 2, span // 2 - 1) if self.signed else (0, span - 1)


_GREY = {"MONOCHROME1", "MONOCHROME2", "PALETTE COLOR"}
_COLOUR = {"RGB", "YBR_FULL", "YBR_FULL_422", "YBR_RCT", "YBR_ICT"}
_UNSUPPORTED = {"HSV", "ARGB", "CMYK", "YBR_PARTIAL_420", "YBR_PARTIAL_422", "XYB"}
"""The other defined terms of C.7.6.3.1.2, retired ones included."""
_REQUIRED = ("Rows", "Columns", "SamplesPerPixel", "PhotometricInterpretation", "BitsAllocated")
_REQUIRED_OF_INTEGERS = ("BitsStored", "PixelRepresentation")


def image_pixel(dataset: Dataset, keyword: str) -> ImagePixel:
    """How the pixels in the element `keyword` (PixelData or one for floats) are stored.

    Required attributes are never guessed, because a wrong polarity or sign would change the picture. All are
    16-bit numbers. Larger ones are rejected without quoting them: they could be a birth date.

    Raises:
        InvalidImage: naming the elements that are missing, invalid or inconsistent.
        UnsupportedImage: naming the unsupported element.
    """
    required = _REQUIRED + (_REQUIRED_OF_INTEGERS if keyword == "PixelData" else ())
    present = {
        name: text(dataset, name) if name == "PhotometricInterpretation" else _sixteen_bits(dataset, name)
        for name in required
    }
    missing = [element_name(name) for name, value in present.items() if value in (None, "")]
    if missing:
        raise errors.InvalidImage(
            f"This DICOM file has no usable {' and no '.join(missing)}, so its image cannot be read. Export "
            "it again."
        )
    numeric = {name: value for name, value in present.items() if isinstance(value, int)}
    stored = numeric.get("BitsStored", numeric["BitsAllocated"])
    high_bit = _sixteen_bits(dataset, "HighBit")
    image = ImagePixel(
        numeric["Rows"], numeric["Columns"], numeric["SamplesPerPixel"],
        str(present["PhotometricInterpretation"]), numeric["BitsAllocated"], stored,
        stored - 1 if high_bit is None else high_bit, numeric.get("PixelRepresentation") == 1,
        integer(dataset, "PlanarConfiguration") == 1,
    )  # fmt: skip
    _check(image, keyword)
    return image


def _sixteen_bits(dataset: Dataset, keyword: str) -> int | None:
    value = integer(dataset, keyword)
    return value if value is not None and 0 <= value < 2**16 else None


def _check(image: ImagePixel, keyword: str) -> None:
    if image.photometric not in _GREY | _COLOUR:
        # Only defined terms are quoted: other text could identify the patient.
        code = image.photometric if image.photometric in _UNSUPPORTED else "unknown"
        raise errors.UnsupportedImage(
            f"PhotometricInterpretation (0028,0004) of this DICOM file is {code}, which cannot be read here. "
            "Export it in greyscale or RGB."
        )
    if image.samples != (1 if image.photometric in _GREY else 3):
        raise invalid(
            "SamplesPerPixel",
            f"is {image.samples}, which contradicts its PhotometricInterpretation {image.photometric}",
        )
    if image.samples != 1 and keyword != "PixelData":
        raise invalid("SamplesPerPixel", f"is {image.samples}, where {keyword} has 1")
    allowed = {"FloatPixelData": (32,), "DoubleFloatPixelData": (64,)}.get(keyword, (1, 8, 16, 32))
    if image.allocated not in allowed:
        raise errors.UnsupportedImage(
            f"BitsAllocated (0028,0100) of this DICOM file is {image.allocated}; {keyword} is read with "
            f"{', '.join(map(str, allowed))}."
        )
    if not 1 <= image.stored <= image.allocated:
        raise invalid("BitsStored", f"is {image.stored}, with {image.allocated} bits allocated")


_MIN_SPACING, _MAX_SPACING = 1e-5, 100.0
"""Millimetres. Nothing resolves less, no detector is coarser, and a date written here is larger."""


def pixel_spacing(dataset: Dataset) -> list[float] | None:
    """Millimetres between rows and between columns, to six digits; None if unknown or not plausible.

    PixelSpacing is that within the patient, or calibrated; ImagerPixelSpacing is that at the detector
    (PS3.3 10.7.1.3 and C.8.11.7).
    """
    for keyword in ("PixelSpacing", "ImagerPixelSpacing"):
        values = numbers(dataset, keyword)
        is_plausible = all(_MIN_SPACING <= value <= _MAX_SPACING for value in values)
        if len(values) == 2 and is_plausible and plausible_aspect(values[0], values[1]):
            return [float(f"{value:.6g}") for value in values]
    return None


def pixel_aspect(dataset: Dataset) -> float:
    """Height of a pixel divided by its width; 1 if unknown.

    The order is that of C.7.6.3.1.7, which allows PixelAspectRatio only without a spacing.
    """
    for keyword in ("PixelSpacing", "ImagerPixelSpacing", "NominalScannedPixelSpacing", "PixelAspectRatio"):
        values = numbers(dataset, keyword)
        if len(values) == 2 and (aspect := plausible_aspect(values[0], values[1])):
            return aspect
    return 1.0

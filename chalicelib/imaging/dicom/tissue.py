"""Keeps what is no tissue out of a greyscale image: padding, overlays, defective detector elements."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from chalicelib import errors
from chalicelib.imaging.dicom.attributes import ENDLESS, ImagePixel, numbers
from chalicelib.imaging.dicom.frame_values import StoredValues
from chalicelib.imaging.dicom.grey_levels import GreyLevels

_HOT_SHARE = 1e-4
"""Of the pixels at most; one of them in any case."""
_HOT_PIXELS_MATTER = 1 << 22
"""In larger images the resize averages a single pixel away."""


def value_bits(frame: StoredValues, image: ImagePixel) -> NDArray[Any]:
    """The values without what old files keep beside them in the same words, such as overlays."""
    values = frame.values
    if values.dtype.kind not in "iu":
        return values
    width = values.dtype.itemsize * 8
    shift = image.high_bit + 1 - frame.bits
    if 0 < shift <= width - frame.bits and _is_left_aligned(values, frame.bits, shift):
        values = values >> shift
    # Moving the value to the top and back removes what is above it, and restores its sign.
    return _sign_extended(values, frame.bits) if width > frame.bits else values


def _is_left_aligned(values: NDArray[Any], stored: int, shift: int) -> bool:
    """Whether the values are where HighBit says. Many files say so and store them in the lowest bits."""
    unsigned = values.view(f"u{values.dtype.itemsize}")
    return bool(int(unsigned.max()) >> stored > 0 and not (unsigned & (2**shift - 1)).any())


def find_padding(frame: StoredValues, dataset: Dataset) -> NDArray[np.bool_] | None:
    """Which pixels stand for "nothing here" (C.7.5.1.1.2); None if none do.

    Args:
        frame: as stored, with all bits of the words: padding may use those that values do not.
        dataset: with PixelPaddingValue and PixelPaddingRangeLimit, or their kin for floats.

    Raises:
        InvalidImage: if the image is of floats and holds no number at all.
    """
    values = frame.values
    if values.dtype.kind == "f":
        # The largest number there is often stands for "no value".
        nothing = ~(np.abs(values) < ENDLESS)
        if nothing.all():
            raise errors.InvalidImage("This DICOM file has no pixel that is a usable number.")
        keyword = "FloatPixelPadding" if values.dtype.itemsize == 4 else "DoubleFloatPixelPadding"
    else:
        nothing = np.zeros(values.shape, bool)
        keyword = "PixelPadding"
    ends = [number for end in ("Value", "RangeLimit") for number in numbers(dataset, f"{keyword}{end}")[:1]]
    ends = [end for end in ends if math.isfinite(end)]
    if numbers(dataset, f"{keyword}Value") and ends:
        if values.dtype.kind != "f":
            # Writers confuse US and SS: -2000 and 63536 are the same 16 bits.
            bits = values.dtype.itemsize * 8
            words = np.array([int(end) % 2**bits for end in ends], f"u{bits // 8}").view(values.dtype)
            if _lacks_sign_extension(values, frame.bits):
                values = _sign_extended(values, frame.bits)
                extended = _sign_extended(words, frame.bits)
                words = np.where(words >> frame.bits == 0, extended, words)
            ends = [int(word) for word in words]
        nothing |= (values >= min(ends)) & (values <= max(ends))
    return nothing if nothing.any() and not nothing.all() else None


def _lacks_sign_extension(values: NDArray[Any], bits: int) -> bool:
    """Whether the bits above those of signed values are all zero, which some writers leave so."""
    return values.dtype.kind == "i" and bits < values.dtype.itemsize * 8 and not (values >> bits).any()


def _sign_extended(values: NDArray[Any], bits: int) -> NDArray[Any]:
    surplus = values.dtype.itemsize * 8 - bits
    extended = values << surplus
    extended >>= surplus
    return extended


def fill_padding(values: NDArray[Any], nothing: NDArray[np.bool_], levels: GreyLevels) -> NDArray[Any]:
    """`values` with the darkest shown in place of padding, which the resize would mix into tissue."""
    real = values[~nothing]
    darkest = levels.darkest(float(real.min()), float(real.max()))
    return np.where(nothing, np.array(darkest, values.dtype), values)


def without_hot_pixels(values: NDArray[Any], nothing: NDArray[np.bool_] | None) -> NDArray[Any]:
    """Clip a few values that stand apart, where the range of values decides the contrast.

    They do if the range without them is less than half as wide. Otherwise nothing is clipped: the brightest
    pixels may be what matters.
    """
    real = values.ravel() if nothing is None else values[~nothing]
    if not 4 <= real.size <= _HOT_PIXELS_MATTER:
        return values
    few = max(1, int(real.size * _HOT_SHARE))
    ordered = np.partition(real, [0, few, real.size - 1 - few, real.size - 1])
    lowest, low, high, highest = (float(ordered[at]) for at in (0, few, -1 - few, -1))
    if high <= low or (high - low) * 2 > highest - lowest:
        return values
    return values.clip(np.array(low, values.dtype), np.array(high, values.dtype))

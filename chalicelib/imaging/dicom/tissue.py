"""Removes padding, overlays and defective detector elements from a greyscale image."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from chalicelib import errors
from chalicelib.imaging.dicom.attributes import MAX_VALUE, ImagePixel, numbers
from chalicelib.imaging.dicom.frame_values import StoredValues, bits_below
from chalicelib.imaging.dicom.grey_levels import GreyLevels

_HOT_SHARE = 1e-4
"""The largest share of hot pixels; at least one pixel may be hot."""


def value_bits(frame: StoredValues, image: ImagePixel) -> NDArray[Any]:
    """The values without other data in the same words, such as overlays in old files."""
    values = frame.values
    if values.dtype.kind not in "iu":
        return values
    if below := bits_below(values, frame.bits, image.high_bit):
        values = values >> below
    # Shifting the value up and back removes higher bits and restores its sign.
    return _sign_extended(values, frame.bits) if values.itemsize * 8 > frame.bits else values


def find_padding(frame: StoredValues, dataset: Dataset) -> NDArray[np.bool_] | None:
    """The mask of padding pixels (C.7.5.1.1.2); None without padding.

    Args:
        frame: the stored values with all bits of the words: padding may use bits that values do not.
        dataset: with PixelPaddingValue and PixelPaddingRangeLimit, or the same for floats.

    Raises:
        InvalidImage: if an image of floats holds nothing but padding and what is no usable number.
    """
    values = frame.values
    if values.dtype.kind == "f":
        # The largest float often means "no value".
        nothing = ~(np.abs(values) < MAX_VALUE)
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
    if values.dtype.kind == "f" and nothing.all():
        raise errors.InvalidImage("This DICOM file has no pixel that is a usable number; all are padding.")
    return nothing if nothing.any() and not nothing.all() else None


def _lacks_sign_extension(values: NDArray[Any], bits: int) -> bool:
    """Whether the unused high bits of signed values are all zero, as some writers leave them."""
    return values.dtype.kind == "i" and bits < values.dtype.itemsize * 8 and not (values >> bits).any()


def _sign_extended(values: NDArray[Any], bits: int) -> NDArray[Any]:
    surplus = values.dtype.itemsize * 8 - bits
    extended = values << surplus
    extended >>= surplus
    return extended


def fill_padding(values: NDArray[Any], nothing: NDArray[np.bool_], levels: GreyLevels) -> NDArray[Any]:
    """`values` with padding replaced by the darkest value, because the resize would blend it into tissue."""
    real = values[~nothing]
    darkest = levels.darkest(float(real.min()), float(real.max()))
    return np.where(nothing, np.array(darkest, values.dtype), values)


def without_hot_pixels(values: NDArray[Any], nothing: NDArray[np.bool_] | None) -> NDArray[Any]:
    """Clip a few outliers, for images whose contrast depends on the range of values.

    Values are outliers if the range without them is less than half as wide. Otherwise nothing is clipped,
    because the brightest pixels may be the ones that matter.
    """
    real = values.ravel() if nothing is None else values[~nothing]
    if real.size < 4:
        return values
    few = max(1, int(real.size * _HOT_SHARE))
    ordered = np.partition(real, [0, few, real.size - 1 - few, real.size - 1])
    lowest, low, high, highest = (float(ordered[at]) for at in (0, few, -1 - few, -1))
    if high <= low or (high - low) * 2 > highest - lowest:
        return values
    return values.clip(np.array(low, values.dtype), np.array(high, values.dtype))

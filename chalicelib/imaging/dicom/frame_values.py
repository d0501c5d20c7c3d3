"""The stored values of a frame, and functions shared by all decoders."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from chalicelib import errors
from chalicelib.imaging.decoded import Pixels

_STRIP = 256
"""Rows converted at a time, because full copies of a large image take too much memory."""


@dataclass(frozen=True)
class StoredValues:
    """The values of one frame."""

    values: NDArray[Any]
    """(rows, columns), or RGB of shape (rows, columns, 3)."""
    bits: int
    """Bits that hold a value."""


def left_shift(values: NDArray[Any], bits: int, high_bit: int) -> int:
    """How many bits the values are above the lowest bits of their words.

    Many files claim a shift with HighBit (0028,0102), but have the values in the lowest bits.

    Args:
        values: whole words.
        bits: BitsStored.
        high_bit: HighBit.
    """
    shift = high_bit + 1 - bits
    if not 0 < shift <= values.dtype.itemsize * 8 - bits:
        return 0
    used = int(np.bitwise_or.reduce(values.view(f"u{values.dtype.itemsize}"), axis=None))
    return shift if used >> bits and not used & (2**shift - 1) else 0


def from_colour_space(values: NDArray[Any], photometric: str, bits: int, shift: int = 0) -> StoredValues:
    """Convert YBR_FULL, with `bits` bits that are `shift` bits above the lowest ones, to RGB of 8 bits."""
    if values.ndim == 2 or photometric not in ("YBR_FULL", "YBR_FULL_422"):
        return StoredValues(values, bits)
    rgb = np.empty(values.shape, np.uint8)
    for top in range(0, len(values), _STRIP):
        strip = np.ascontiguousarray(high_byte(values[top : top + _STRIP], bits, shift))
        size = (strip.shape[1], strip.shape[0])
        picture = Image.frombuffer("YCbCr", size, strip.tobytes(), "raw", "YCbCr", 0, 1)
        rgb[top : top + _STRIP] = np.asarray(picture.convert("RGB"))
    return StoredValues(rgb, 8)


def high_byte(colours: NDArray[Any], bits: int, shift: int = 0) -> Pixels:
    """The upper eight of `bits` bits, which are `shift` bits above the lowest ones.

    Other bits of the words are left out. Negative values, which colours do not have, become 0.
    """
    if colours.dtype.itemsize == 1:
        return colours.astype(np.uint8, copy=False)
    levels = np.empty(colours.shape, np.uint8)
    for top in range(0, len(colours), _STRIP):
        strip = colours[top : top + _STRIP].clip(0)
        levels[top : top + _STRIP] = (strip >> shift & 2**bits - 1) >> max(bits - 8, 0)
    return levels


def contradiction(stream: str, found: list[str]) -> errors.InvalidImage:
    """The error for a stream that contradicts the DICOM header."""
    return errors.InvalidImage(f"This file's {stream} stream contradicts its header: {'; '.join(found)}.")


def damaged_stream(stream: str, problem: str) -> errors.DamagedImage:
    """The error for a damaged stream."""
    return errors.DamagedImage(f"This file's {stream} stream is damaged: {problem}. Export or copy it again.")

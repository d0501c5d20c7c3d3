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


def from_colour_space(values: NDArray[Any], photometric: str, bits: int, high_bit: int) -> StoredValues:
    """Convert YBR_FULL to RGB of 8 bits."""
    if values.ndim == 2 or photometric not in ("YBR_FULL", "YBR_FULL_422"):
        return StoredValues(values, bits)
    below = bits_below(values, bits, high_bit)
    rgb = np.empty(values.shape, np.uint8)
    for top in range(0, len(values), _STRIP):
        strip = np.ascontiguousarray(high_byte(values[top : top + _STRIP], bits, below))
        size = (strip.shape[1], strip.shape[0])
        picture = Image.frombuffer("YCbCr", size, strip.tobytes(), "raw", "YCbCr", 0, 1)
        rgb[top : top + _STRIP] = np.asarray(picture.convert("RGB"))
    return StoredValues(rgb, 8)


def bits_below(values: NDArray[Any], bits: int, high_bit: int) -> int:
    """The number of unused bits below the values.

    Many files state a HighBit that would need some, and store their values in the lowest bits all the same.
    """
    below = high_bit + 1 - bits
    if not 0 < below <= values.itemsize * 8 - bits:
        return 0
    unsigned = values.view(f"u{values.itemsize}")
    if not int(unsigned.max()) >> bits:
        return 0
    strips = (unsigned[top : top + _STRIP] for top in range(0, len(unsigned), _STRIP))
    return 0 if any((strip & (2**below - 1)).any() for strip in strips) else below


def high_byte(colours: NDArray[Any], bits: int, below: int = 0) -> Pixels:
    """The upper eight of `bits` bits, above `below` unused ones; fewer than eight are scaled."""
    if bits == 8 and colours.itemsize == 1:
        return colours.astype(np.uint8, copy=False)
    levels = np.empty(colours.shape, np.uint8)
    for top in range(0, len(colours), _STRIP):
        strip = colours[top : top + _STRIP].view(f"u{colours.itemsize}") >> below
        levels[top : top + _STRIP] = strip >> (bits - 8) & 0xFF if bits >= 8 else _widened(strip, bits)
    return levels


def _widened(samples: NDArray[Any], bits: int) -> NDArray[np.uint16]:
    """Samples of fewer than eight bits, scaled to eight and rounded."""
    white = 2**bits - 1
    scaled: NDArray[np.uint16] = ((samples & white).astype(np.uint16) * 510 + white) // (2 * white)
    return scaled


def contradiction(stream: str, found: list[str]) -> errors.InvalidImage:
    """The error for a stream that contradicts the DICOM header."""
    return errors.InvalidImage(f"This file's {stream} stream contradicts its header: {'; '.join(found)}.")


def damaged_stream(stream: str, problem: str) -> errors.DamagedImage:
    """The error for a damaged stream."""
    return errors.DamagedImage(f"This file's {stream} stream is damaged: {problem}. Export or copy it again.")

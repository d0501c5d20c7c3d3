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


def from_colour_space(values: NDArray[Any], photometric: str, bits: int) -> StoredValues:
    """Convert YBR_FULL to RGB of 8 bits."""
    if values.ndim == 2 or photometric not in ("YBR_FULL", "YBR_FULL_422"):
        return StoredValues(values, bits)
    rgb = np.empty(values.shape, np.uint8)
    for top in range(0, len(values), _STRIP):
        strip = np.ascontiguousarray(high_byte(values[top : top + _STRIP], bits))
        size = (strip.shape[1], strip.shape[0])
        picture = Image.frombuffer("YCbCr", size, strip.tobytes(), "raw", "YCbCr", 0, 1)
        rgb[top : top + _STRIP] = np.asarray(picture.convert("RGB"))
    return StoredValues(rgb, 8)


def high_byte(colours: NDArray[Any], bits: int) -> Pixels:
    """The upper eight of `bits` bits."""
    if bits <= 8:
        return colours.astype(np.uint8, copy=False)
    levels = np.empty(colours.shape, np.uint8)
    for top in range(0, len(colours), _STRIP):
        levels[top : top + _STRIP] = (colours[top : top + _STRIP] >> (bits - 8)).clip(0, 255)
    return levels


def contradiction(stream: str, found: list[str]) -> errors.InvalidImage:
    """The error for a stream that contradicts the DICOM header."""
    return errors.InvalidImage(f"This file's {stream} stream contradicts its header: {'; '.join(found)}.")


def damaged_stream(stream: str, problem: str) -> errors.DamagedImage:
    """The error for a damaged stream."""
    return errors.DamagedImage(f"This file's {stream} stream is damaged: {problem}. Export or copy it again.")

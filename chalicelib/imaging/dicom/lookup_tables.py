"""DICOM lookup tables: modality, value of interest and palette (PS3.3 C.7.6.3.1.5, C.11.1 and C.11.2)."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from chalicelib import errors
from chalicelib.imaging.decoded import Pixels
from chalicelib.imaging.dicom.attributes import element_name, numbers, raw_bytes

_COLOURS = ("Red", "Green", "Blue")
_AT_ONCE = 1 << 20
"""Pixels processed at a time; numpy needs eight bytes per index."""


class InvalidTable(ValueError):
    """A lookup table is empty or shorter than it states."""


@dataclass(frozen=True)
class LookupTable:
    """Entries for consecutive values. Values outside get the nearest entry."""

    first: int
    """The value of the first entry."""
    entries: NDArray[np.uint16]
    bits: int
    """Bits of the largest possible entry."""

    def apply(self, values: NDArray[Any]) -> NDArray[np.uint16]:
        """The entry of each value."""
        values = np.rint(values) if values.dtype.kind == "f" else values
        index = values.astype(np.int64) - self.first
        found: NDArray[np.uint16] = self.entries[index.clip(0, len(self.entries) - 1)]
        return found


def read_table(
    dataset: Dataset, descriptor: str, data: str, *, inputs: tuple[float, float], little: bool
) -> LookupTable:
    """Read a table from its descriptor and data elements, as bytes or as words.

    Args:
        dataset: holds the elements.
        descriptor: keyword of the descriptor.
        data: keyword of the data.
        inputs: the smallest and the largest value that the table is applied to. They tell whether its first
            value is negative, as writers confuse US and SS.
        little: whether the file is little-endian.

    Raises:
        InvalidTable: if the table is missing or incomplete.
    """
    order = "<" if little else ">"
    header = raw_bytes(dataset, descriptor)
    content = raw_bytes(dataset, data)
    if len(header) < 6:
        raise InvalidTable
    words = np.frombuffer(header[:6], f"{order}u2").astype(int)
    count, first, bits = int(words[0]) or 65_536, int(words[1]), int(words[2])
    if first >= 2**15:
        item = dataset.get_item(descriptor)
        is_signed = inputs[0] < 0 if item is None or item.VR not in ("US", "SS") else item.VR == "SS"
        first = _overlapping(first, count, inputs, is_signed)
    if len(content) >= 2 * count:
        entries = np.frombuffer(content[: 2 * count], f"{order}u2").astype(np.uint16)
    elif len(content) >= count:
        held = dataset.get_item(data)
        swapped = not little and held is not None and held.VR != "OB"
        entries = _bytes(content, count, swapped).astype(np.uint16)
        bits = min(bits, 8)
    else:
        raise InvalidTable
    needed = int(entries.max()).bit_length()
    return LookupTable(first, entries, bits if max(needed, 1) <= bits <= 16 else max(needed, 8))


def _overlapping(first: int, count: int, inputs: tuple[float, float], is_signed: bool) -> int:
    """The first value as signed or unsigned 16 bits: as stated, unless only the other matches the inputs."""
    readings = [first - 2**16, first] if is_signed else [first, first - 2**16]
    low, high = inputs
    return next((start for start in readings if start <= high and start + count > low), readings[0])


def _bytes(content: bytes, count: int, swapped: bool) -> NDArray[np.uint8]:
    """Entries of a byte each, two to a word, the first in its lower half in either byte order."""
    entries = np.frombuffer(content, np.uint8)
    if swapped and len(entries) % 2 == 0:
        entries = entries.reshape(-1, 2)[:, ::-1].reshape(-1)
    return entries[:count]


def _surplus_bits(dataset: Dataset, peak: int) -> int:
    """The number of bits by which palette entries exceed eight; `peak` is the largest entry.

    Writers confuse descriptors of 8 and 16 bits, so the largest entry decides. Other numbers are correct.
    """
    if peak <= 255:
        return 0
    descriptors = (numbers(dataset, f"{colour}PaletteColorLookupTableDescriptor") for colour in _COLOURS)
    stated = {values[2] for values in descriptors if len(values) > 2}
    bits = int(stated.pop()) if len(stated) == 1 else 16
    return bits - 8 if 8 < bits < 16 and peak < 2**bits else 8


def apply_palette(
    indices: NDArray[Any], dataset: Dataset, *, inputs: tuple[float, float], little: bool
) -> Pixels:
    """The colours of a PALETTE COLOR image: (rows, columns, 3).

    Raises:
        InvalidImage: if a table is missing or too short.
    """
    tables = []
    for colour in _COLOURS:
        names = f"{colour}PaletteColorLookupTableDescriptor", f"{colour}PaletteColorLookupTableData"
        try:
            tables.append(read_table(dataset, *names, inputs=inputs, little=little))
        except InvalidTable:
            raise errors.InvalidImage(
                f"{element_name(names[1])} of this DICOM file is missing or shorter than "
                f"{element_name(names[0])} says, so its colours are unknown. Export it again."
            ) from None
    shift = _surplus_bits(dataset, max(int(table.entries.max()) for table in tables))
    colours = np.zeros((*indices.shape, 3), np.uint8)
    step = max(1, _AT_ONCE // indices.shape[1])
    for row in range(0, len(indices), step):
        block = indices[row : row + step]
        for channel, table in enumerate(tables):
            colours[row : row + step, :, channel] = table.apply(block) >> shift
    return colours

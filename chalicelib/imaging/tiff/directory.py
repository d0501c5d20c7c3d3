"""Reads the directories (IFDs) of a TIFF or BigTIFF file: its pages, and the tags that describe them.

Only the tags in `Tag` are read. Text in other tags is never touched, and damaged private tags do no harm.
References are to TIFF 6.0.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chalicelib import errors


class Tag(IntEnum):
    """The tags that are read, by their names in TIFF 6.0 and its supplements."""

    NewSubfileType = 254
    SubfileType = 255
    ImageWidth = 256
    ImageLength = 257
    BitsPerSample = 258
    Compression = 259
    PhotometricInterpretation = 262
    FillOrder = 266
    StripOffsets = 273
    Orientation = 274
    SamplesPerPixel = 277
    RowsPerStrip = 278
    StripByteCounts = 279
    XResolution = 282
    YResolution = 283
    PlanarConfiguration = 284
    Predictor = 317
    ColorMap = 320
    TileWidth = 322
    TileLength = 323
    TileOffsets = 324
    TileByteCounts = 325
    SubIFDs = 330
    InkSet = 332
    ExtraSamples = 338
    SampleFormat = 339
    JPEGTables = 347
    YCbCrCoefficients = 529
    YCbCrSubSampling = 530
    ReferenceBlackWhite = 532


_MAX_PAGES = 4096
_MAX_ENTRIES = 4096
_MAX_VALUES = 3 << 16
"""A 16-bit palette: the longest list except those of strips and tiles."""
_UNDEFINED, _RATIONAL = 7, 5
_INTEGERS = {1: "u1", 3: "u2", 4: "u4", 6: "i1", 8: "i2", 9: "i4", 13: "u4", 16: "u8", 17: "i8", 18: "u8"}
_SIZES = {2: 1, 5: 8, 7: 1, 10: 8, 11: 4, 12: 8} | {code: int(name[1]) for code, name in _INTEGERS.items()}
"""Bytes of one value of each type (section 2; 16 to 18 are those of BigTIFF)."""


def invalid(tag: Tag, problem: str) -> errors.InvalidImage:
    """The error for a file whose `tag` violates the specification."""
    return errors.InvalidImage(f"{tag.name} ({tag.value}) of this TIFF file {problem}. Export it again.")


def unsupported(tag: Tag, problem: str) -> errors.UnsupportedImage:
    """The error for a valid file whose `tag` has an unsupported value."""
    return errors.UnsupportedImage(
        f"{tag.name} ({tag.value}) of this TIFF file {problem}, which cannot be read here. Export the image "
        "as PNG, or as TIFF in grey or RGB without compression."
    )


def cut_off(what: str) -> errors.DamagedImage:
    """The error for a file that ends before `what` does."""
    return errors.DamagedImage(
        f"The TIFF file is damaged or cut off: {what} outside the file. Export or copy it again."
    )


@dataclass(frozen=True)
class _Entry:
    type: int
    count: int
    position: int
    """Offset of the values in the file."""


@dataclass(frozen=True)
class Directory:
    """The tags of one page."""

    data: bytes
    order: str
    """"<" or ">", as numpy and struct write it."""
    entries: dict[int, _Entry]

    def integers(self, tag: Tag, limit: int = _MAX_VALUES) -> list[int]:
        """The values of a tag, at most `limit` of them; empty if the tag is absent.

        Raises:
            InvalidImage: if they are negative or not integers.
        """
        entry = self.entries.get(tag)
        if entry is None:
            return []
        if entry.type not in _INTEGERS:
            raise invalid(tag, "is no integer")
        values = self._values(tag, entry, _INTEGERS[entry.type])[:limit]
        if values.size and int(values.min()) < 0:
            raise invalid(tag, "is negative")
        numbers: list[int] = values.tolist()
        return numbers

    def integer(self, tag: Tag, default: int | None = None) -> int:
        """The first value of a tag.

        Raises:
            InvalidImage: if it is absent and there is no default.
        """
        values = self.integers(tag)
        if values:
            return values[0]
        if default is None:
            raise invalid(tag, "is missing")
        return default

    def ratios(self, tag: Tag) -> list[float]:
        """The values of a tag of type RATIONAL; a division by zero gives NaN."""
        entry = self.entries.get(tag)
        if entry is None or entry.type != _RATIONAL:
            return []
        pairs = self._values(tag, entry, "u4", 2)[:_MAX_VALUES].reshape(-1, 2).tolist()
        return [top / bottom if bottom else float("nan") for top, bottom in pairs]

    def content(self, tag: Tag) -> bytes:
        """The bytes of a tag of type UNDEFINED or BYTE."""
        entry = self.entries.get(tag)
        if entry is None or entry.type not in (1, _UNDEFINED):
            return b""
        return self._values(tag, entry, "u1").tobytes()

    def _values(self, tag: Tag, entry: _Entry, kind: str, each: int = 1) -> NDArray[Any]:
        kind = self.order + kind
        count = entry.count * each
        if not count:
            return np.empty(0, kind)
        if entry.position + count * np.dtype(kind).itemsize > len(self.data):
            raise cut_off(f"the values of {tag.name} ({tag.value}) lie")
        return np.frombuffer(self.data, kind, count, entry.position)


@dataclass(frozen=True)
class File:
    """A TIFF file."""

    data: bytes
    order: str
    big: bool

    @classmethod
    def of(cls, data: bytes) -> "File":
        """A file whose first two bytes are II or MM.

        Raises:
            DamagedImage: if it ends within its header.
        """
        order = "<" if data[:1] == b"I" else ">"
        file = cls(data, order, data[2:4] in (b"+\0", b"\0+"))
        if file.big and file.integer(4, 2) != 8:
            raise errors.InvalidImage(
                "The header of this BigTIFF file gives another size of offsets than 8 bytes. Export it again."
            )
        return file

    def directories(self) -> Iterator[Directory]:
        """The pages, in order.

        Raises:
            UnsupportedImage: if there are too many.
            DamagedImage: if one lies outside the file, or their chain is a loop.
        """
        position = self.integer(8, 8) if self.big else self.integer(4, 4)
        seen = set[int]()
        while position:
            if position in seen:
                raise errors.DamagedImage(
                    "The TIFF file is damaged: its pages form a loop. Export or copy it again."
                )
            if len(seen) == _MAX_PAGES:
                raise errors.UnsupportedImage(
                    f"The TIFF file has more than {_MAX_PAGES} pages. Send one image of it."
                )
            seen.add(position)
            directory, position = self._read(position)
            yield directory

    def sub_directories(self, directory: Directory) -> Iterator[Directory]:
        """The images in the SubIFDs of a page, which are not in the chain of pages."""
        for position in directory.integers(Tag.SubIFDs, _MAX_PAGES):
            yield self._read(position)[0]

    def integer(self, position: int, size: int) -> int:
        """The unsigned integer of `size` bytes at `position`."""
        content = self.data[position : position + size]
        if len(content) < size:
            raise cut_off("a directory lies")
        return int.from_bytes(content, "little" if self.order == "<" else "big")

    def _read(self, start: int) -> tuple[Directory, int]:
        """The directory at `start`, and the offset of the next one."""
        count_size, width = (8, 8) if self.big else (2, 4)
        count = self.integer(start, count_size)
        if not 0 < count <= _MAX_ENTRIES:
            raise errors.InvalidImage(f"A directory of this TIFF file has {count} entries. Export it again.")
        start += count_size
        entry = np.dtype(
            [
                ("tag", f"{self.order}u2"),
                ("type", f"{self.order}u2"),
                ("count", f"{self.order}u{width}"),
                ("value", f"{self.order}u{width}"),
            ]
        )
        end = start + count * entry.itemsize
        following = self.integer(end, width)
        table = np.frombuffer(self.data, entry, count, start)
        entries: dict[int, _Entry] = {}
        for place in np.flatnonzero(np.isin(table["tag"], list(Tag))).tolist():
            tag, kind, number, value = table[place].tolist()
            inside = number * _SIZES.get(kind, 1) <= width
            position = start + (place + 1) * entry.itemsize - width if inside else value
            entries.setdefault(tag, _Entry(kind, number, position))
        return Directory(self.data, self.order, entries), following

"""Walks the elements of a DICOM file without parsing their values (PS3.5 section 7)."""

from collections.abc import Iterator
from struct import Struct, error
from typing import NamedTuple

from pydicom.datadict import keyword_for_tag

from chalicelib import errors

_MAX_ELEMENTS = 1_000_000
"""Limit of headers read, which takes about 1 s. The largest real files have some hundred thousand."""
_UNDEFINED = 0xFFFFFFFF
_ITEM, ITEM_END, _SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
_LONG_LENGTH = {b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV"}
"""Value representations with a length of 32 bits (PS3.5 section 7.1.2)."""
REPRESENTATIONS = _LONG_LENGTH | {
    b"AE", b"AS", b"AT", b"CS", b"DA", b"DS", b"DT", b"FD", b"FL", b"IS", b"LO", b"LT", b"PN", b"SH", b"SL",
    b"SS", b"ST", b"TM", b"UI", b"UL", b"US",
}  # fmt: skip


class Element(NamedTuple):
    """An element, as positions in the file."""

    tag: int
    representation: bytes
    """Empty in implicit VR."""
    start: int
    """Offset of its header."""
    value: int
    length: int
    """Bytes of the value, or `_UNDEFINED`."""

    @property
    def is_open(self) -> bool:
        """Whether its length is undefined, so that it ends with a delimiter."""
        return self.length == _UNDEFINED


def name(tag: int) -> str:
    """Keyword and number of an element: "Rows (0028,0010)"."""
    number = f"({tag >> 16:04X},{tag & 0xFFFF:04X})"
    return f"{keyword_for_tag(tag)} {number}".strip()


class ElementReader:
    """Walks elements in one encoding."""

    def __init__(self, data: bytes, implicit: bool, little: bool, budget: list[int] | None = None):
        order = "<" if little else ">"
        self.data = data
        self.implicit = implicit
        self.little = little
        self._header = Struct(f"{order}HHI")
        self._tag = Struct(f"{order}HH")
        self._short = Struct(f"{order}H")
        self._long = Struct(f"{order}I")
        # All readers of a file share it.
        self._budget = budget if budget is not None else [_MAX_ELEMENTS]

    def element(self, position: int) -> Element:
        """The element with its header at `position`."""
        self._budget[0] -= 1
        if self._budget[0] < 0:
            raise errors.InvalidImage(
                f"This DICOM file has more than {_MAX_ELEMENTS:,} elements and items before its pixels. "
                "Send the image without its private sequences."
            )
        try:
            group, number, length = self._header.unpack_from(self.data, position)
            if group == 0xFFFE or self.implicit:
                return Element(group << 16 | number, b"", position, position + 8, length)
            representation = self.data[position + 4 : position + 6]
            if representation not in _LONG_LENGTH:
                (length,) = self._short.unpack_from(self.data, position + 6)
                return Element(group << 16 | number, representation, position, position + 8, length)
            (length,) = self._long.unpack_from(self.data, position + 8)
        except error:
            raise _truncated() from None
        return Element(group << 16 | number, representation, position, position + 12, length)

    def end(self, element: Element) -> int:
        """Offset of the next element.

        Raises:
            InvalidImage: if the element extends beyond the file.
        """
        if element.is_open:
            return self._end_of_open(element)
        end = element.value + element.length
        if end > len(self.data):
            raise errors.InvalidImage(
                f"The element {name(element.tag)} of this DICOM file claims {element.length:,} bytes, but "
                f"only {len(self.data) - element.value:,} follow. Its length is wrong or the file is cut off."
            )
        return end

    def inside(self, element: Element) -> "ElementReader":
        """The reader for the items of a sequence; those of unknown representation are implicit (6.2.2)."""
        if element.representation == b"UN":
            return ElementReader(self.data, True, True, self._budget)
        return self

    def items(self, sequence: Element) -> Iterator[Element]:
        """The items of a sequence. Items that state their length are not read."""
        reader = self.inside(sequence)
        position = sequence.value
        end = len(self.data) if sequence.is_open else self.end(sequence)
        while position < end:
            item = reader.element(position)
            if item.tag != _ITEM:
                return
            yield item
            position = reader.end(item)

    def sequence(self, content: bytes) -> bytes:
        """The length and value of a sequence of one item."""
        undefined = self._long.pack(_UNDEFINED)
        item, item_end, end = (
            self._tag.pack(tag >> 16, tag & 0xFFFF) for tag in (_ITEM, ITEM_END, _SEQUENCE_END)
        )
        return b"".join((undefined, item, undefined, content, item_end, bytes(4), end, bytes(4)))

    def _end_of_open(self, element: Element) -> int:
        """Offset after the delimiter. It is found without recursion, because sequences nest to any depth."""
        if self.inside(element) is not self:
            return self.inside(element)._end_of_open(element._replace(representation=b"SQ"))
        position, depth = element.value, 1
        while depth:
            inner = self.element(position)
            if inner.tag in (ITEM_END, _SEQUENCE_END):
                position = inner.value
                depth -= 1
            elif inner.length != _UNDEFINED:
                position = inner.value + inner.length
            elif inner.representation == b"UN":
                position = self._end_of_open(inner)
            else:
                position = inner.value
                depth += 1
        return position


def _truncated() -> errors.DamagedImage:
    return errors.DamagedImage(
        "The DICOM file is damaged or cut off: it ends before its image. Export or copy it again."
    )

"""A DICOM file as a list of elements that may lie (PS3.5 section 7 and annex A.4, PS3.10 section 7)."""

import struct
from dataclasses import dataclass, field

from pydicom.datadict import dictionary_VR

UNDEFINED = 0xFFFFFFFF
PIXEL_DATA = 0x7FE00010
TRANSFER_SYNTAX = 0x00020010
IMPLICIT, BIG_ENDIAN, DEFLATED = "1.2.840.10008.1.2", "1.2.840.10008.1.2.2", "1.2.840.10008.1.2.1.99"
_ITEM, _ITEM_END, _SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
_LONG = frozenset({"OB", "OW", "OF", "OD", "OL", "OV", "SQ", "UC", "UR", "UT", "UN", "SV", "UV"})


@dataclass
class Element:
    """One data element."""

    tag: int
    vr: str
    value: bytes = b""
    """In the byte order of the file; the items of a sequence are not taken apart."""
    fragments: list[bytes] | None = None
    """Of encapsulated pixel data, the first one being the Basic Offset Table."""
    length: int | None = None
    """What the length field says where that is not the length of the value."""


@dataclass
class DicomFile:
    """Elements, and how they are written."""

    preamble: bytes
    meta: list[Element]
    elements: list[Element]
    implicit: bool
    order: str
    """`<` or `>`, as in struct."""
    tail: bytes = field(default=b"")
    """What comes after the last element that could be read."""

    @property
    def syntax(self) -> str:
        meta = {element.tag: element.value for element in self.meta}
        return meta.get(TRANSFER_SYNTAX, IMPLICIT.encode()).decode("ascii", "replace").strip("\x00 ")

    @syntax.setter
    def syntax(self, uid: str) -> None:
        value = uid.encode() + b"\x00" * (len(uid) % 2)
        self.meta = [element for element in self.meta if element.tag != TRANSFER_SYNTAX]
        self.meta.append(Element(TRANSFER_SYNTAX, "UI", value))

    def get(self, tag: int) -> Element | None:
        """The first element of that tag."""
        return next((element for element in self.elements if element.tag == tag), None)

    def put(self, tag: int, vr: str, value: bytes) -> Element:
        """Set an element, or add it at its place."""
        element = self.get(tag)
        if element is None:
            element = Element(tag, vr)
            self.elements.append(element)
            self.elements.sort(key=lambda other: other.tag)
        element.value, element.fragments, element.length = value, None, None
        return element

    def put_number(self, tag: int, number: int) -> None:
        """Set an element of VR US."""
        self.put(tag, "US", struct.pack(self.order + "H", number % 65536))

    def __bytes__(self) -> bytes:
        meta = b"".join(_written(element, False, "<") for element in self.meta)
        rest = b"".join(_written(element, self.implicit, self.order) for element in self.elements)
        return self.preamble + meta + rest + self.tail


def parse(data: bytes) -> DicomFile:
    preamble = data[:132] if data[128:132] == b"DICM" else b""
    meta, position = _read(data, len(preamble), False, "<", group=2)
    file = DicomFile(preamble, meta, [], False, "<")
    file.implicit, file.order = file.syntax == IMPLICIT, ">" if file.syntax == BIG_ENDIAN else "<"
    if file.syntax == DEFLATED:
        file.tail = data[position:]
        return file
    file.elements, position = _read(data, position, file.implicit, file.order)
    file.tail = data[position:]
    return file


def item(elements: list[Element], file: DicomFile, length: int | None = None) -> bytes:
    """An item of a sequence, of undefined length if `length` says so."""
    content = b"".join(_written(element, file.implicit, file.order) for element in elements)
    length = len(content) if length is None else length
    head = _tag(_ITEM, file.order) + struct.pack(file.order + "I", length)
    end = _tag(_ITEM_END, file.order) + bytes(4) if length == UNDEFINED else b""
    return head + content + end


def _tag(tag: int, order: str) -> bytes:
    return struct.pack(order + "HH", tag >> 16, tag & 0xFFFF)


def _written(element: Element, implicit: bool, order: str) -> bytes:
    value = element.value
    length = len(value)
    if element.fragments is not None:
        value = b"".join(
            _tag(_ITEM, order) + struct.pack(order + "I", len(part)) + part for part in element.fragments
        )
        value += _tag(_SEQUENCE_END, order) + bytes(4)
        length = UNDEFINED
    length = length if element.length is None else element.length
    head = _tag(element.tag, order)
    if implicit:
        return head + struct.pack(order + "I", length) + value
    vr = element.vr.encode("latin-1")[:2].ljust(2)
    if element.vr in _LONG:
        return head + vr + bytes(2) + struct.pack(order + "I", length) + value
    return head + vr + struct.pack(order + "H", length & 0xFFFF) + value


def _read(
    data: bytes, position: int, implicit: bool, order: str, group: int | None = None
) -> tuple[list[Element], int]:
    """Elements from `position` on, and where they end: at a delimiter, another group, or what is broken."""
    elements: list[Element] = []
    while position + 8 <= len(data):
        high, low = struct.unpack_from(order + "HH", data, position)
        tag = high << 16 | low
        if tag == _ITEM_END or (group is not None and high != group):
            break
        vr, start, length = _head(data, position, tag, implicit, order)
        if length == UNDEFINED:
            element, end = _open_ended(data, start, Element(tag, vr), implicit, order)
        else:
            element, end = Element(tag, vr, data[start : start + length]), start + length
        if end > len(data):
            break
        elements.append(element)
        position = end
    return elements, position


def _head(data: bytes, position: int, tag: int, implicit: bool, order: str) -> tuple[str, int, int]:
    """VR, start of the value, and length."""
    if implicit:
        (length,) = struct.unpack_from(order + "I", data, position + 4)
        return _known_vr(tag), position + 8, length
    vr = data[position + 4 : position + 6].decode("latin-1")
    if vr in _LONG:
        if position + 12 > len(data):
            return vr, len(data), len(data)
        (length,) = struct.unpack_from(order + "I", data, position + 8)
        return vr, position + 12, length
    (length,) = struct.unpack_from(order + "H", data, position + 6)
    return vr, position + 8, length


def _known_vr(tag: int) -> str:
    try:
        return dictionary_VR(tag)[:2]
    except KeyError:
        return "UN"


def _open_ended(data: bytes, start: int, element: Element, implicit: bool, order: str) -> tuple[Element, int]:
    """A sequence, kept with its delimiters, or fragments."""
    fragments: list[bytes] = []
    position = start
    while position + 8 <= len(data):
        high, low, length = struct.unpack_from(order + "HHI", data, position)
        position += 8
        if high << 16 | low == _SEQUENCE_END:
            if element.tag == PIXEL_DATA:
                element.fragments = fragments
            else:
                element.value, element.length = data[start:position], UNDEFINED
            return element, position
        if length == UNDEFINED:
            position = _read(data, position, implicit, order)[1] + 8
        else:
            fragments.append(data[position : position + length])
            position += length
    return element, len(data) + 1

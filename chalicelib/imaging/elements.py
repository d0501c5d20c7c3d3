"""Finds the few elements of a DICOM file that decide what its image looks like.

The file is walked once, element by element, up to its pixels. Only what `_WANTED` lists is copied and given
to pydicom, so neither a patient's name nor a hundred thousand items of a private sequence is ever parsed.
References are to DICOM PS3.5 and PS3.10.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from io import BytesIO
from struct import Struct, error
from typing import NamedTuple

from pydicom.datadict import keyword_for_tag, tag_for_keyword
from pydicom.dataset import Dataset
from pydicom.filereader import read_dataset
from pydicom.uid import UID, ExplicitVRBigEndian

from chalicelib import errors

_PREAMBLE = 132
"""Bytes before the first element: 128 of anything and "DICM" (PS3.10 section 7.1)."""
_MOST_ELEMENTS = 1_000_000
"""Headers that are read at most, in about 1 s. The largest real files have some hundred thousand."""
_LONGEST_VALUE = 1 << 18
"""Bytes; the largest lookup table has 65,536 entries of 16 bits."""
_LONGEST_TEXT = 1 << 12
_UNDEFINED = 0xFFFFFFFF
_ITEM, _ITEM_END, _SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
_LONG_LENGTH = {b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV"}
"""Value representations with a length of 32 bits (PS3.5 section 7.1.2)."""
_BINARY = {b"OB", b"OW", b"US", b"SS", b"UN"}
REPRESENTATIONS = _LONG_LENGTH | {
    b"AE", b"AS", b"AT", b"CS", b"DA", b"DS", b"DT", b"FD", b"FL", b"IS", b"LO", b"LT", b"PN", b"SH", b"SL",
    b"SS", b"ST", b"TM", b"UI", b"UL", b"US",
}  # fmt: skip

_TREE = Mapping[int, "_TREE | None"]  # type: ignore[misc]
"""Tags that are wanted; of a sequence, those wanted of its items."""


def _tags(*keywords: str) -> dict[int, None]:
    return {tag_for_keyword(keyword) or 0: None for keyword in keywords}


_LOOKUP_TABLE = _tags("LUTDescriptor", "LUTData")
_GREY_LEVELS = {
    **_tags("RescaleSlope", "RescaleIntercept", "WindowCenter", "WindowWidth", "VOILUTFunction"),
    0x00283000: _LOOKUP_TABLE,  # ModalityLUTSequence
    0x00283010: _LOOKUP_TABLE,  # VOILUTSequence
}
_FUNCTIONAL_GROUPS = {
    0x00289110: _tags("PixelSpacing"),  # PixelMeasuresSequence
    0x00289132: _GREY_LEVELS,  # FrameVOILUTSequence
    0x00289145: _GREY_LEVELS,  # PixelValueTransformationSequence
}
_SHARED_GROUPS, PER_FRAME_GROUPS = 0x52009229, 0x52009230
_WANTED: _TREE = {
    **_tags(
        "SOPClassUID", "Modality", "Laterality", "ImageLaterality", "ViewPosition", "Rows", "Columns",
        "NumberOfFrames", "SamplesPerPixel", "PlanarConfiguration", "PhotometricInterpretation",
        "BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation", "PresentationLUTShape",
        "PixelPaddingValue", "PixelPaddingRangeLimit", "FloatPixelPaddingValue",
        "FloatPixelPaddingRangeLimit", "DoubleFloatPixelPaddingValue", "DoubleFloatPixelPaddingRangeLimit",
        "PixelSpacing", "ImagerPixelSpacing", "NominalScannedPixelSpacing", "PixelAspectRatio",
        "RedPaletteColorLookupTableDescriptor", "GreenPaletteColorLookupTableDescriptor",
        "BluePaletteColorLookupTableDescriptor", "RedPaletteColorLookupTableData",
        "GreenPaletteColorLookupTableData", "BluePaletteColorLookupTableData",
    ),
    **_GREY_LEVELS,
    _SHARED_GROUPS: _FUNCTIONAL_GROUPS,
    PER_FRAME_GROUPS: _FUNCTIONAL_GROUPS,
}  # fmt: skip
_NUMBER_OF_FRAMES = 0x00280008
_SEGMENTED_PALETTE = 0x00281221
_EXTENDED_OFFSETS = 0x7FE00001
_PIXELS = {0x7FE00008: "FloatPixelData", 0x7FE00009: "DoubleFloatPixelData", 0x7FE00010: "PixelData"}


class Element(NamedTuple):
    """Where an element lies in the file."""

    tag: int
    representation: bytes
    """Empty in implicit VR."""
    start: int
    """Of its header."""
    value: int
    length: int
    """Of the value, or `_UNDEFINED`."""

    @property
    def is_open(self) -> bool:
        """Whether its length is undefined: it ends with a delimiter."""
        return self.length == _UNDEFINED


@dataclass(frozen=True)
class Pixels:
    """Where the pixels lie in the file."""

    keyword: str
    representation: bytes
    start: int
    size: int
    """Bytes from `start` to the element's end, or to that of the file if it says no or too large a length."""
    is_cut_off: bool
    """Whether the element claims more bytes than the file has."""
    is_encapsulated: bool


@dataclass(frozen=True)
class DicomFile:
    """The parts of a file that matter."""

    data: bytes
    syntax: UID | None
    """As the file states it; None without file meta information."""
    is_little_endian: bool
    dataset: Dataset
    """The wanted elements. Of each sequence only the first item is there, and of the functional groups that
    are kept per frame only those of the wanted frame."""
    pixels: Pixels | None
    frame: int
    """Number of the wanted frame, from 0: the middle one."""
    frames: int
    extended_offsets: bytes | None
    has_segmented_palette: bool


def name(tag: int) -> str:
    """An element as people look it up: "Rows (0028,0010)"."""
    number = f"({tag >> 16:04X},{tag & 0xFFFF:04X})"
    return f"{keyword_for_tag(tag)} {number}".strip()


class _Reader:
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
        # Shared by all readers of a file.
        self._budget = budget if budget is not None else [_MOST_ELEMENTS]

    def element(self, position: int) -> Element:
        """The element whose header begins at `position`."""
        self._budget[0] -= 1
        if self._budget[0] < 0:
            raise errors.InvalidImage(
                f"This DICOM file has more than {_MOST_ELEMENTS:,} elements and items before its pixels. Send "
                "the image without its private sequences."
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
            raise _cut_off() from None
        return Element(group << 16 | number, representation, position, position + 12, length)

    def end(self, element: Element) -> int:
        """Where the next element begins.

        Raises:
            InvalidImage: if that lies after the end of the file.
        """
        if element.is_open:
            return self._end_of_open(element)
        end = element.value + element.length
        if end > len(self.data):
            raise errors.InvalidImage(
                f"The element {name(element.tag)} of this DICOM file claims {element.length:,} bytes, but only "
                f"{len(self.data) - element.value:,} follow. Its length is wrong, or the file is cut off."
            )
        return end

    def inside(self, element: Element) -> "_Reader":
        """The reader for the items of a sequence: of unknown representation they are implicit (6.2.2)."""
        if element.representation == b"UN":
            return _Reader(self.data, True, True, self._budget)
        return self

    def items(self, sequence: Element) -> Iterator[Element]:
        """The items of a sequence, without looking into those that state their length."""
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
            self._tag.pack(tag >> 16, tag & 0xFFFF) for tag in (_ITEM, _ITEM_END, _SEQUENCE_END)
        )
        return b"".join((undefined, item, undefined, content, item_end, bytes(4), end, bytes(4)))

    def _end_of_open(self, element: Element) -> int:
        """Find the delimiter. Sequences may be nested to any depth, so there is no recursion."""
        if self.inside(element) is not self:
            return self.inside(element)._end_of_open(element._replace(representation=b"SQ"))
        position, depth = element.value, 1
        while depth:
            inner = self.element(position)
            if inner.tag in (_ITEM_END, _SEQUENCE_END):
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


def _cut_off() -> errors.DamagedImage:
    return errors.DamagedImage(
        "The DICOM file is damaged or cut off: it ends before its image. Export or copy it again."
    )


def read(data: bytes) -> DicomFile:
    """Find what matters in a DICOM file, with or without preamble and file meta information.

    Raises:
        UnsupportedImage: if it is deflated: it would be inflated whole, at any size.
        ImageError: if the file ends too early or an element is too long.
    """
    syntax, position = _file_meta(data)
    if syntax is not None and syntax.is_deflated:
        raise unsupported_syntax(syntax)
    implicit, little = _encoding(data, position, syntax)
    return _Walk(_Reader(data, implicit, little)).file(position, syntax)


def unsupported_syntax(syntax: UID) -> errors.UnsupportedImage:
    """The refusal of a transfer syntax, by its name."""
    return errors.UnsupportedImage(
        f"This DICOM file is compressed with the transfer syntax {syntax.name} ({syntax}), which cannot be "
        "read here. Send it uncompressed (Explicit VR Little Endian) or as lossless JPEG."
    )


def _file_meta(data: bytes) -> tuple[UID | None, int]:
    """The transfer syntax if it is stated, and where the data set begins. Group 2 is explicit VR (PS3.10 7.1)."""
    position = _PREAMBLE if data[_PREAMBLE - 4 : _PREAMBLE] == b"DICM" else 0
    reader = _Reader(data, implicit=data[position + 4 : position + 6] not in REPRESENTATIONS, little=True)
    syntax = None
    while data[position : position + 2] == b"\x02\x00":
        element = reader.element(position)
        position = reader.end(element)
        if element.tag == 0x00020010:
            text = data[element.value : position].rstrip(b"\x00 ").decode("ascii", "replace")
            syntax = UID(text) if text else None
            if syntax is not None and not syntax.is_valid:
                raise errors.InvalidImage(
                    "TransferSyntaxUID (0002,0010) of this DICOM file is no valid identifier."
                )
    return syntax, position


def _encoding(data: bytes, position: int, syntax: UID | None) -> tuple[bool, bool]:
    """Whether the data set is in implicit VR, and little-endian: as its first element shows.

    Some writers state another encoding than they use, or none.
    """
    explicit = data[position + 4 : position + 6] in REPRESENTATIONS
    if syntax == ExplicitVRBigEndian:
        return False, False
    # The first group is 0008, or at most 00FF.
    big = explicit and syntax is None and data[position] == 0 and data[position + 1] != 0
    return not explicit, not big


class _Walk:
    """One pass over the elements of a data set."""

    def __init__(self, reader: _Reader):
        self._reader = reader
        self._kept: list[bytes] = []
        self._found: dict[int, Element] = {}

    def file(self, position: int, syntax: UID | None) -> DicomFile:
        reader = self._reader
        pixels = None
        frames = 1
        while position < len(reader.data):
            element = reader.element(position)
            if element.tag in _PIXELS:
                pixels = self._pixels(element)
                break
            self._found[element.tag] = element
            if element.tag in _WANTED:
                item = frames // 2 if element.tag == PER_FRAME_GROUPS else 0
                self._kept.append(_copy(reader, element, _WANTED[element.tag], item))
            if element.tag == _NUMBER_OF_FRAMES:
                frames = self._number_of_frames(element)
            position = reader.end(element)
        dataset = read_dataset(BytesIO(b"".join(self._kept)), reader.implicit, reader.little)
        return DicomFile(
            reader.data, syntax, reader.little, dataset, pixels, frames // 2, frames,
            self._extended_offsets(), _SEGMENTED_PALETTE in self._found,
        )  # fmt: skip

    def _pixels(self, element: Element) -> Pixels:
        rest = len(self._reader.data) - element.value
        return Pixels(
            _PIXELS[element.tag], element.representation, element.value,
            rest if element.is_open else min(element.length, rest),
            is_cut_off=not element.is_open and element.length > rest, is_encapsulated=element.is_open,
        )  # fmt: skip

    def _number_of_frames(self, element: Element) -> int:
        text = self._reader.data[element.value : self._reader.end(element)].strip(b"\x00 ")
        try:
            frames = float(text or b"1")
        except ValueError:
            frames = 0.0
        if not (frames >= 1 and frames.is_integer()):
            raise errors.InvalidImage(
                f"{name(element.tag)} of this DICOM file is not a number of frames: it must be 1 or more."
            )
        return int(frames)

    def _extended_offsets(self) -> bytes | None:
        table = self._found.get(_EXTENDED_OFFSETS)
        return self._reader.data[table.value : self._reader.end(table)] if table else None


def _copy(reader: _Reader, element: Element, tree: _TREE | None, item: int) -> bytes:
    """An element as it is, or a sequence reduced to what is wanted of one item."""
    data = reader.data
    if tree is None:
        end = reader.end(element)
        binary = element.representation in _BINARY or element.tag in _LOOKUP_TABLE or reader.implicit
        if end - element.value > (_LONGEST_VALUE if binary else _LONGEST_TEXT):
            raise errors.InvalidImage(
                f"{name(element.tag)} of this DICOM file is {end - element.value:,} bytes long, which no image needs."
            )
        return data[element.start : end]
    inside = reader.inside(element)
    for number, entry in enumerate(reader.items(element)):
        if number == item:
            content = b"".join(_children(inside, entry, tree))
            return data[element.start : element.value - 4] + inside.sequence(content)
    return b""


def _children(reader: _Reader, item: Element, tree: _TREE) -> Iterator[bytes]:
    position = item.value
    end = len(reader.data) if item.is_open else reader.end(item)
    while position < end:
        element = reader.element(position)
        if element.tag == _ITEM_END:
            return
        if element.tag in tree:
            yield _copy(reader, element, tree[element.tag], 0)
        position = reader.end(element)

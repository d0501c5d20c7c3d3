"""Finds the few elements of a DICOM file that its image depends on.

The file is read once, element by element, up to its pixels. Only the elements in `_WANTED` are copied and
given to pydicom, so neither a patient's name nor a huge private sequence is ever parsed.
References are to DICOM PS3.5 and PS3.10.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO

from pydicom.datadict import tag_for_keyword
from pydicom.dataset import Dataset
from pydicom.filereader import read_dataset
from pydicom.uid import UID, DeflatedExplicitVRLittleEndian, ExplicitVRBigEndian

from chalicelib import errors
from chalicelib.imaging.dicom.element_reader import ITEM_END, REPRESENTATIONS, Element, ElementReader, name

MAX_QUOTED = 2**16 - 1
"""The largest number that messages repeat: a larger one could be a date in a wrong field."""
_DEFLATED = {DeflatedExplicitVRLittleEndian, UID("1.2.840.10008.1.2.4.95")}  # JPIP Referenced Deflate
_PREAMBLE = 132
"""Bytes before the first element: 128 of any value and "DICM" (PS3.10 section 7.1)."""
_MAX_VALUE_BYTES = 1 << 18
"""The largest lookup table has 65,536 entries of 16 bits."""
_MAX_TEXT_BYTES = 1 << 12
_ANY_SEQUENCE = {b"", b"SQ", b"UN"}
_ANY_VALUE = {b"", *REPRESENTATIONS} - {b"SQ"}
_BINARY = {b"OB", b"OW", b"US", b"SS", b"UN"}


class _Tree(dict[int, "_Tree | None"]):
    """Wanted tags; for each sequence, the wanted tags of its items."""


def _tags(*keywords: str) -> _Tree:
    return _Tree({tag_for_keyword(keyword) or 0: None for keyword in keywords})


_LOOKUP_TABLE = _tags("LUTDescriptor", "LUTData")
_GREY_LEVELS = _Tree(
    {
        **_tags(
            "RescaleSlope",
            "RescaleIntercept",
            "WindowCenter",
            "WindowWidth",
            "VOILUTFunction",
            "WindowCenterWidthExplanation",
        ),
        0x00283000: _LOOKUP_TABLE,  # ModalityLUTSequence
        0x00283010: _LOOKUP_TABLE,  # VOILUTSequence
    }
)
_FUNCTIONAL_GROUPS = _Tree(
    {
        0x00289110: _tags("PixelSpacing"),  # PixelMeasuresSequence
        0x00289132: _GREY_LEVELS,  # FrameVOILUTSequence
        0x00289145: _GREY_LEVELS,  # PixelValueTransformationSequence
    }
)
_SHARED_GROUPS, PER_FRAME_GROUPS = 0x52009229, 0x52009230
_WANTED = _Tree({
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
})  # fmt: skip
_NUMBER_OF_FRAMES = 0x00280008
_SEGMENTED_PALETTE = 0x00281221
_DIRECTORY = 0x00041220
"""DirectoryRecordSequence (PS3.3 F.3.2.2)."""
_EXTENDED_OFFSETS = 0x7FE00001
_PIXELS = {0x7FE00008: "FloatPixelData", 0x7FE00009: "DoubleFloatPixelData", 0x7FE00010: "PixelData"}


@dataclass(frozen=True)
class Pixels:
    """The element with the pixels, as positions in the file."""

    keyword: str
    representation: bytes
    start: int
    size: int
    """Bytes to the element's end, or to the file's end if its length is undefined or too large."""
    is_cut_off: bool
    """Whether the element claims more bytes than the file has."""
    is_encapsulated: bool


@dataclass(frozen=True)
class DicomFile:
    """The parts of a file that matter."""

    data: bytes
    syntax: UID | None
    """The transfer syntax that the file states; None without file meta information."""
    is_little_endian: bool
    dataset: Dataset
    """The wanted elements, with only the first item of each sequence, and only the functional groups of the
    wanted frame."""
    pixels: Pixels | None
    frame: int
    """Number of the wanted frame, from 0."""
    frames: int
    """As the file states; messages do not repeat it if it is over MAX_QUOTED."""
    extended_offsets: bytes | None
    has_segmented_palette: bool
    is_directory: bool
    """Whether it is a DICOMDIR, a list of other files."""


def read(data: bytes, frame: int | None = None) -> DicomFile:
    """The parts of a DICOM file that matter, with or without preamble and file meta information.

    Args:
        data: the file.
        frame: number of the wanted frame, from 1; None for the middle one.

    Raises:
        UnsupportedImage: if it is deflated, because its inflated size is unlimited.
        ImageError: if the file ends early or an element is too long.
    """
    syntax, position = _file_meta(data)
    if syntax is not None and syntax in _DEFLATED:
        raise unsupported_syntax(syntax)
    implicit, little = _encoding(data, position, syntax)
    return _Walk(ElementReader(data, implicit, little), frame).file(position, syntax)


def unsupported_syntax(syntax: UID) -> errors.UnsupportedImage:
    """The error for a transfer syntax, with its name. An unknown number could identify the patient."""
    is_known = syntax.name != syntax
    named = f"the transfer syntax {syntax.name} ({syntax})" if is_known else "an unknown transfer syntax"
    return errors.UnsupportedImage(
        f"This DICOM file has {named}, which cannot be read here. Send it uncompressed (Explicit VR Little "
        "Endian) or as lossless JPEG."
    )


def _file_meta(data: bytes) -> tuple[UID | None, int]:
    """The transfer syntax, if it is stated, and the offset of the data set."""
    position = _PREAMBLE if data[_PREAMBLE - 4 : _PREAMBLE] == b"DICM" else 0
    reader = ElementReader(
        data, implicit=data[position + 4 : position + 6] not in REPRESENTATIONS, little=True
    )
    syntax = None
    while data[position : position + 2] == b"\x02\x00":
        element = reader.element(position)
        position = reader.end(element)
        if element.tag == 0x00020010:
            text = data[element.value : position].rstrip(b"\x00 ").decode("ascii", "replace")
            syntax = UID(text) if text else None
            if syntax is not None and not syntax.is_valid:
                raise errors.InvalidImage(
                    "TransferSyntaxUID (0002,0010) of this DICOM file is not a valid identifier."
                )
    return syntax, position


def _encoding(data: bytes, position: int, syntax: UID | None) -> tuple[bool, bool]:
    """Whether the data set is in implicit VR, and whether it is little-endian, judged by its first element.

    Some writers state a wrong encoding, or none.
    """
    explicit = data[position + 4 : position + 6] in REPRESENTATIONS
    if syntax == ExplicitVRBigEndian:
        return False, False
    # The first group is 0008, or at most 00FF.
    big = explicit and syntax is None and data[position] == 0 and data[position + 1] != 0
    return not explicit, not big


class _Walk:
    """One pass over the elements of a data set."""

    def __init__(self, reader: ElementReader, frame: int | None):
        self._reader = reader
        self._frame = frame
        self._copied: list[bytes] = []
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
                item = self._wanted(frames) if element.tag == PER_FRAME_GROUPS else 0
                self._copied.append(_copy(reader, element, _WANTED[element.tag], item))
            if element.tag == _NUMBER_OF_FRAMES:
                frames = self._number_of_frames(element)
            position = reader.end(element)
        dataset = read_dataset(BytesIO(b"".join(self._copied)), reader.implicit, reader.little)
        return DicomFile(
            reader.data, syntax, reader.little, dataset, pixels, self._wanted(frames), frames,
            self._extended_offsets(), _SEGMENTED_PALETTE in self._found, _DIRECTORY in self._found,
        )  # fmt: skip

    def _wanted(self, frames: int) -> int:
        """Number of the wanted frame, from 0."""
        return frames // 2 if self._frame is None else self._frame - 1

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
            # Python would ignore underscores.
            frames = math.nan if b"_" in text else float(text or b"1")
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


def _copy(reader: ElementReader, element: Element, tree: _Tree | None, item: int) -> bytes:
    """An unchanged element, or a sequence reduced to the wanted elements of one item."""
    data = reader.data
    representations = _ANY_VALUE if tree is None else _ANY_SEQUENCE
    if element.representation not in representations:
        return b""  # the element has a wrong type
    if tree is None:
        end = reader.end(element)
        binary = element.representation in _BINARY or element.tag in _LOOKUP_TABLE or reader.implicit
        if end - element.value > (_MAX_VALUE_BYTES if binary else _MAX_TEXT_BYTES):
            raise errors.InvalidImage(
                f"{name(element.tag)} of this DICOM file is {end - element.value:,} bytes long, which no "
                "image needs."
            )
        return data[element.start : end]
    inside = reader.inside(element)
    for number, entry in enumerate(reader.items(element)):
        if number == item:
            content = b"".join(_children(inside, entry, tree))
            return data[element.start : element.value - 4] + inside.sequence(content)
    return b""


def _children(reader: ElementReader, item: Element, tree: _Tree) -> Iterator[bytes]:
    position = item.value
    end = len(reader.data) if item.is_open else reader.end(item)
    while position < end:
        element = reader.element(position)
        if element.tag == ITEM_END:
            return
        if element.tag in tree:
            yield _copy(reader, element, tree[element.tag], 0)
        position = reader.end(element)

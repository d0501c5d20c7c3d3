"""Finds the bytes of one compressed frame (PS3.5 annex A.4)."""

from itertools import pairwise
from struct import unpack, unpack_from
from typing import NamedTuple

from chalicelib import errors
from chalicelib.imaging.codestream import begins_frame
from chalicelib.imaging.dicom.elements import MAX_QUOTED, DicomFile

_ITEM, _SEQUENCE_END = 0xE000FFFE, 0xE0DDFFFE
"""As little-endian numbers: encapsulated data are always little-endian."""
_MAX_FRAGMENTS = 1_000_000


class _Fragment(NamedTuple):
    offset: int
    """From the item tag of the first fragment to its own, as in offset tables."""
    start: int
    """Position of its value in the file."""
    length: int


def frame_bytes(file: DicomFile) -> bytes:
    """The compressed stream of the wanted frame.

    Raises:
        InvalidImage: if the frames cannot be separated, or there are fewer than the header says.
    """
    table, fragments = _table_and_fragments(file)
    frames = _frames(file, table, fragments)
    if len(frames) < file.frames:
        stated = file.frames if file.frames <= MAX_QUOTED else f"over {MAX_QUOTED:,}"
        raise errors.InvalidImage(
            f"NumberOfFrames (0028,0008) of this DICOM file is {stated}, but {len(frames)} can be found "
            "in PixelData (7FE0,0010). Frames are missing, or it is unclear where they begin."
        )
    return b"".join(file.data[part.start : part.start + part.length] for part in frames[file.frame])


def _table_and_fragments(file: DicomFile) -> tuple[_Fragment, list[_Fragment]]:
    """The Basic Offset Table, and the fragments that are not empty."""
    table, *fragments = _items(file) or [_Fragment(0, 0, 0)]
    if _begins_frame(file, table):  # some writers omit the table; its first offset would be zero
        table, fragments = table._replace(length=0), [table, *fragments]
    filled = [part._replace(offset=part.offset - fragments[0].offset) for part in fragments if part.length]
    if not filled:
        raise errors.NoPixels("PixelData (7FE0,0010) of this DICOM file is empty.")
    return table, filled


def _begins_frame(file: DicomFile, part: _Fragment) -> bool:
    return begins_frame(file.data[part.start : part.start + min(part.length, 16)])


def _items(file: DicomFile) -> list[_Fragment]:
    """All items; the first should be the Basic Offset Table."""
    assert file.pixels
    position, end = file.pixels.start, file.pixels.start + file.pixels.size
    items: list[_Fragment] = []
    # A file that ends after a complete fragment, without the delimiter, is complete.
    while position + 8 <= end and len(items) <= _MAX_FRAGMENTS:
        tag, length = unpack_from("<II", file.data, position)
        if tag == _SEQUENCE_END:
            break
        if tag != _ITEM:
            raise errors.InvalidImage(
                "PixelData (7FE0,0010) of this DICOM file is not divided into items, as compressed data "
                "must be."
            )
        if position + 8 + length > end:
            raise errors.DamagedImage(
                "The DICOM file is damaged or cut off: it ends within its compressed pixels. Copy it again."
            )
        items.append(_Fragment(position, position + 8, length))
        position += 8 + length
    return items


def _frames(file: DicomFile, table: _Fragment, fragments: list[_Fragment]) -> list[list[_Fragment]]:
    """The fragments of each frame."""
    if len(fragments) == file.frames:
        return [[fragment] for fragment in fragments]
    for offsets in (_extended_offsets(file), _basic_offsets(file, table)):
        starts = _starts(offsets, fragments)
        if starts and len(starts) == file.frames:
            return _split(fragments, starts)
    # Without a usable table, each codestream begins a frame.
    return _split(fragments, [0, *(
        number for number, part in enumerate(fragments)
        if number and _begins_frame(file, part)
    )])  # fmt: skip


def _split(fragments: list[_Fragment], starts: list[int]) -> list[list[_Fragment]]:
    return [fragments[start:end] for start, end in pairwise([*starts, len(fragments)])]


def _starts(offsets: tuple[int, ...], fragments: list[_Fragment]) -> list[int] | None:
    """The numbers of the fragments that begin frames; None if the offsets do not match the fragments."""
    numbers = {fragment.offset: number for number, fragment in enumerate(fragments)}
    starts = [numbers.get(offset, -1) for offset in offsets]
    return starts if starts[:1] == [0] and all(one < other for one, other in pairwise(starts)) else None


def _basic_offsets(file: DicomFile, table: _Fragment) -> tuple[int, ...]:
    count = table.length // 4
    return unpack(f"<{count}I", file.data[table.start : table.start + 4 * count])


def _extended_offsets(file: DicomFile) -> tuple[int, ...]:
    """C.7.6.3.1.8 of PS3.3: 64 bits for each frame."""
    value = file.extended_offsets or b""
    count = len(value) // 8
    return unpack(f"<{count}Q", value[: 8 * count])

"""JPEG 2000 codestreams (ITU-T T.800 annex A), bare or in a JP2 file."""

from collections.abc import Callable
from random import Random

from tests.fuzz.formats import Operation, Operations
from tests.fuzz.formats.markers import Segment, edit, find, joined, shuffle, spoil
from tests.fuzz.formats.values import integer

SOC, SIZ, COD, COC, QCD, QCC, POC, SOT, SOD, EOC, COM = (
    0x4F, 0x51, 0x52, 0x53, 0x5C, 0x5D, 0x5F, 0x90, 0x93, 0xD9, 0x64,
)  # fmt: skip
START = b"\xff\x4f\xff\x51"
_BARE = frozenset({SOC, SOD, EOC, *range(0x30, 0x40)})
_JP2 = bytes.fromhex("0000000c6a5020200d0a870a00000014667479706a703220000000006a703220")


def split(data: bytes) -> tuple[bytes, list[Segment]]:
    """What stands before the codestream, and its segments."""
    start = max(data.find(START), 0)
    stream, segments, position = data[start:], list[Segment](), 0
    part_start, part_length = 0, 0
    while position + 2 <= len(stream) and stream[position] == 0xFF:
        marker = stream[position + 1]
        if marker == SOT:
            part_start, part_length = position, int.from_bytes(stream[position + 6 : position + 10], "big")
        if marker in _BARE:
            segments.append(Segment(marker))
            position += 2
        else:
            length = int.from_bytes(stream[position + 2 : position + 4], "big")
            if length < 2:
                break
            segments.append(Segment(marker, stream[position + 4 : position + 2 + length]))
            position += 2 + length
        if marker == SOD:
            end = part_start + part_length
            end = end if position <= end <= len(stream) else len(stream)
            segments[-1].coded = stream[position:end]
            position = end
    if position < len(stream):
        segments = segments or [Segment(SOC)]
        segments[-1].coded += stream[position:]
    return data[:start], segments


def _on_segments(change: Callable[[list[Segment], Random], None]) -> Operation:
    def operation(data: bytes, random: Random) -> bytes:
        lead, segments = split(data)
        change(segments, random)
        return lead + joined(segments)

    return operation


# Offsets within SIZ, after its length: capabilities, the grid, the tiles (A.5.1).
_SIZE_FIELDS = ((0, 2), *((2 + 4 * number, 4) for number in range(8)), (34, 2))


def _size(segments: list[Segment], random: Random) -> None:
    if size := find(segments, frozenset({SIZ}), random):
        assert size.body is not None
        start, width = random.choice(_SIZE_FIELDS)
        size.body = edit(size.body, start, width, random)


def _component(segments: list[Segment], random: Random) -> None:
    """Precision, sign or sub-sampling of one component."""
    if size := find(segments, frozenset({SIZ}), random):
        assert size.body is not None
        first = 36 + 3 * random.randrange(max(1, (len(size.body) - 36) // 3))
        size.body = edit(size.body, first + random.randrange(3), 1, random)


def _precision(segments: list[Segment], random: Random) -> None:
    """All components have another precision or sign."""
    if size := find(segments, frozenset({SIZ}), random):
        assert size.body is not None
        body = bytearray(size.body)
        depth = random.choice((0, 7, 8, 9, 11, 15, 16, 23, 31, 37, 38)) | random.choice((0, 0x80))
        body[36::3] = bytes((depth,)) * len(body[36::3])
        size.body = bytes(body)


def _components(segments: list[Segment], random: Random) -> None:
    if size := find(segments, frozenset({SIZ}), random):
        assert size.body is not None
        count = random.choice((0, 1, 2, 3, 4, 5, 257, 16384))
        size.body = size.body[:34] + count.to_bytes(2, "big") + size.body[36:39] * count


def _coding(segments: list[Segment], random: Random) -> None:
    """Progression, layers, component transform, levels, code blocks, wavelet, quantisation."""
    if style := find(segments, frozenset({COD, COC, QCD, QCC, POC}), random):
        assert style.body is not None
        style.body = edit(style.body, random.randrange(len(style.body)), 1, random)


def _colour_transform(segments: list[Segment], random: Random) -> None:
    if style := find(segments, frozenset({COD}), random):
        assert style.body is not None
        style.body = style.body[:4] + bytes((random.choice((0, 1, 2, 255)),)) + style.body[5:]


def _tile_part(segments: list[Segment], random: Random) -> None:
    """Tile index, length, part number, number of parts (A.4.2)."""
    if part := find(segments, frozenset({SOT}), random):
        assert part.body is not None
        start, width = random.choice(((0, 2), (2, 4), (6, 1), (7, 1)))
        part.body = edit(part.body, start, width, random)


def _extra(segments: list[Segment], random: Random) -> None:
    marker = random.choice((COC, QCC, POC, COM, 0x5E, 0x60, 0x61, 0x55, 0x57, 0x58, 0x63, 0x50))
    body = integer(random, 16).to_bytes(2, "big") + random.randbytes(random.choice((0, 1, 5, 9, 60)))
    segments.insert(random.randrange(1, max(2, len(segments))), Segment(marker, body))


def _wrapped(data: bytes, random: Random) -> bytes:
    """In a JP2 file, whose header may tell other facts than the codestream."""
    rows, columns = integer(random, 32), integer(random, 32)
    count, depth = random.choice((1, 3, 4, 65535)), random.choice((7, 11, 15, 255))
    facts = (
        rows.to_bytes(4, "big")
        + columns.to_bytes(4, "big")
        + count.to_bytes(2, "big")
        + bytes((depth, 7, 0, 0))
    )
    colour = bytes.fromhex("0000000f636f6c720100000000") + random.choice((16, 17, 18, 99)).to_bytes(2, "big")
    boxes = b"\x00\x00\x00\x16ihdr" + facts + colour
    header = (len(boxes) + 8).to_bytes(4, "big") + b"jp2h" + boxes
    return _JP2 + header + b"\x00\x00\x00\x00jp2c" + data[max(data.find(START), 0) :]


OPERATIONS: Operations = {
    name: _on_segments(change)
    for name, change in {
        "size": _size,
        "component": _component,
        "precision": _precision,
        "components": _components,
        "coding": _coding,
        "colour-transform": _colour_transform,
        "tile-part": _tile_part,
        "extra": _extra,
        "segments": shuffle,
        "coded": spoil,
    }.items()
} | {"wrapped": _wrapped}


def resized(stream: bytes, rows: int, columns: int) -> bytes:
    """The stream with another size in SIZ, in one tile."""
    lead, segments = split(stream)
    for segment in segments:
        if segment.body and segment.marker == SIZ:
            size = columns.to_bytes(4, "big") + rows.to_bytes(4, "big")
            segment.body = segment.body[:2] + size + bytes(8) + size + segment.body[26:]
    return lead + joined(segments)

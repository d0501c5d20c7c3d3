"""JPEG (ITU-T T.81) and JPEG-LS (T.87) streams."""

from collections.abc import Callable
from random import Random

from tests.fuzz.formats import Operation, Operations
from tests.fuzz.formats.markers import Segment, edit, find, joined, shuffle, spoil
from tests.fuzz.formats.values import integer

SOI, EOI, SOS, DHT, DQT, DNL, DRI, APP1, APP14, COM, SOF55, LSE = (
    0xD8, 0xD9, 0xDA, 0xC4, 0xDB, 0xDC, 0xDD, 0xE1, 0xEE, 0xFE, 0xF7, 0xF8,
)  # fmt: skip
FRAMES = frozenset(range(0xC0, 0xD0)) - {DHT, 0xC8, 0xCC} | {SOF55}
_RESTARTS = frozenset(range(0xD0, 0xD8))
_BARE = _RESTARTS | {0x01, SOI, EOI}


def parse(stream: bytes) -> list[Segment]:
    """The segments of a stream; where it is broken, all that is left is the coded data of the last one."""
    segments: list[Segment] = []
    position = 0
    while position + 2 <= len(stream) and stream[position] == 0xFF:
        marker = stream[position + 1]
        if marker in _BARE:
            segments.append(Segment(marker))
            position += 2
            continue
        length = int.from_bytes(stream[position + 2 : position + 4], "big")
        if length < 2:
            break
        segment = Segment(marker, stream[position + 4 : position + 2 + length])
        position += 2 + length
        if marker == SOS:
            end = _end_of_scan(stream, position)
            segment.coded = stream[position:end]
            position = end
        segments.append(segment)
    if position < len(stream):
        segments = segments or [Segment(SOI)]
        segments[-1].coded += stream[position:]
    return segments


def _end_of_scan(stream: bytes, start: int) -> int:
    place = stream.find(b"\xff", start)
    while 0 <= place < len(stream) - 1:
        # FF00 is a stuffed byte; bytes below 80 after FF are JPEG-LS's stuffed bit.
        if stream[place + 1] >= 0x80 and stream[place + 1] not in _RESTARTS | {0xFF}:
            return place
        place = stream.find(b"\xff", place + 1)
    return len(stream)


def _on_segments(change: Callable[[list[Segment], Random], None]) -> Operation:
    def operation(data: bytes, random: Random) -> bytes:
        segments = parse(data)
        change(segments, random)
        return joined(segments)

    return operation


def _frame(segments: list[Segment], random: Random) -> None:
    """Precision, size, number of components, their ids, sampling factors and tables."""
    if frame := find(segments, FRAMES, random):
        assert frame.body is not None
        start, size = random.choice(((0, 1), (0, 1), (1, 2), (3, 2), (5, 1), (6, 1), (7, 1), (8, 1), (10, 1)))
        frame.body = edit(frame.body, start, size, random)


def _precision(segments: list[Segment], random: Random) -> None:
    if frame := find(segments, FRAMES, random):
        assert frame.body is not None
        frame.body = bytes((random.choice((2, 7, 8, 9, 10, 12, 15, 16, 17, 32)),)) + frame.body[1:]


def _process(segments: list[Segment], random: Random) -> None:
    """Call a baseline stream lossless, a lossless one arithmetic, and so on."""
    if frame := find(segments, FRAMES, random):
        frame.marker = random.choice(sorted(FRAMES))


def _components(segments: list[Segment], random: Random) -> None:
    """Frames and scans agree on another number of components."""
    count = random.choice((1, 2, 3, 4, 5, 255))
    for segment in segments:
        if segment.body and segment.marker in FRAMES:
            first = segment.body[6:9].ljust(3, b"\x11")
            parts = b"".join(bytes((number % 256,)) + first[1:] for number in range(1, count + 1))
            segment.body = segment.body[:5] + bytes((count,)) + parts
        elif segment.body and segment.marker == SOS:
            parts = b"".join(bytes((number % 256, 0)) for number in range(1, count + 1))
            segment.body = bytes((count,)) + parts + segment.body[-3:]


def _scan(segments: list[Segment], random: Random) -> None:
    """Components, predictor or NEAR, interleave mode, point transform."""
    if scan := find(segments, frozenset({SOS}), random):
        assert scan.body is not None
        place = random.choice((0, 1, 2, len(scan.body) - 1, len(scan.body) - 2, len(scan.body) - 3))
        scan.body = edit(scan.body, max(0, place), 1, random)


def _tables(segments: list[Segment], random: Random) -> None:
    """Huffman code counts and values, quantisation tables."""
    if table := find(segments, frozenset({DHT, DQT}), random):
        assert table.body is not None
        table.body = edit(table.body, random.randrange(min(len(table.body), 20)), 1, random)


def _restart(segments: list[Segment], random: Random) -> None:
    body = integer(random, 16).to_bytes(2, "big")
    segments.insert(random.randrange(1, 3), Segment(DRI, body))


def _adobe(segments: list[Segment], random: Random) -> None:
    segments[:] = [segment for segment in segments if segment.marker != APP14]
    if random.randrange(4):
        body = b"Adobe\x00\x64\x00\x00\x00\x00" + bytes((random.choice((0, 1, 2, 3, 255)),))
        segments.insert(1, Segment(APP14, body))


def _preset(segments: list[Segment], random: Random) -> None:
    """LSE: MAXVAL, T1, T2, T3, RESET (T.87 C.2.4.1.1), a mapping table, or an oversize image (C.2.4.1.4)."""
    kind = random.choice((1, 1, 1, 2, 3, 4, 5, 255))
    numbers = b"".join(integer(random, 16).to_bytes(2, "big") for _ in range(5))
    segments.insert(random.randrange(1, 4), Segment(LSE, bytes((kind,)) + numbers))


def _lines(segments: list[Segment], random: Random) -> None:
    """The height is zero and comes after the first scan, in DNL, or never."""
    for segment in segments:
        if segment.body and segment.marker in FRAMES:
            rows, segment.body = segment.body[1:3], segment.body[:1] + b"\x00\x00" + segment.body[3:]
            if random.randrange(2):
                segments.insert(max(0, len(segments) - 1), Segment(DNL, rows))
            return


def _free_text(segments: list[Segment], random: Random) -> None:
    marker = random.choice((COM, APP1, 0xE2, 0xED))
    head = random.choice(
        (b"", b"Exif\x00\x00", b"ICC_PROFILE\x00\x01\x01", b"MPF\x00", b"http://ns.adobe.com/xap/1.0/\x00")
    )
    segments.insert(1, Segment(marker, head + random.randbytes(random.choice((0, 8, 200)))))


OPERATIONS: Operations = {
    name: _on_segments(change)
    for name, change in {
        "frame": _frame,
        "precision": _precision,
        "process": _process,
        "components": _components,
        "scan": _scan,
        "tables": _tables,
        "restart": _restart,
        "adobe": _adobe,
        "preset": _preset,
        "lines": _lines,
        "free-text": _free_text,
        "segments": shuffle,
        "coded": spoil,
    }.items()
}


def resized(stream: bytes, rows: int, columns: int) -> bytes:
    """The stream with another size in its frame header."""
    segments = parse(stream)
    for segment in segments:
        if segment.body and segment.marker in FRAMES:
            size = rows.to_bytes(2, "big") + columns.to_bytes(2, "big")
            segment.body = segment.body[:1] + size + segment.body[5:]
    return joined(segments)

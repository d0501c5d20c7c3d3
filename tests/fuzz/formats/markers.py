"""Marker segments, of which JPEG, JPEG-LS and JPEG 2000 streams consist (T.81 B.1.1, T.87 C.1, T.800 A.1)."""

from dataclasses import dataclass
from random import Random

from tests.fuzz.formats import raw
from tests.fuzz.formats.values import changed, integer


@dataclass
class Segment:
    """A marker, its parameters, and the coded data that follows."""

    marker: int
    """The second byte; the first is always FF."""
    body: bytes | None = None
    """Without the two bytes of its length; None for markers that have none."""
    coded: bytes = b""
    length: int | None = None
    """What the length field claims where that is not the truth."""

    def __bytes__(self) -> bytes:
        head = bytes((0xFF, self.marker))
        if self.body is None:
            return head + self.coded
        length = len(self.body) + 2 if self.length is None else self.length
        return head + (length & 0xFFFF).to_bytes(2, "big") + self.body + self.coded


def joined(segments: list[Segment]) -> bytes:
    return b"".join(map(bytes, segments))


def find(segments: list[Segment], markers: frozenset[int], random: Random) -> Segment | None:
    """One of the segments with such a marker that have parameters."""
    found = [segment for segment in segments if segment.marker in markers and segment.body]
    return random.choice(found) if found else None


def edit(body: bytes, start: int, size: int, random: Random) -> bytes:
    """`body` with another big-endian number of `size` bytes at `start`."""
    if start + size > len(body):
        return body
    value = int.from_bytes(body[start : start + size], "big")
    return body[:start] + changed(value, random, 8 * size).to_bytes(size, "big") + body[start + size :]


def shuffle(segments: list[Segment], random: Random) -> None:
    """Remove, repeat or move one segment, or let its length lie."""
    if len(segments) < 2:
        return
    place = random.randrange(len(segments))
    segment = segments[place]
    action = random.randrange(5)
    if action == 0:
        del segments[place]
    elif action == 1:
        segments.insert(place, segment)
    elif action == 2:
        segments.insert(random.randrange(len(segments)), segments.pop(place))
    elif action == 3:
        segment.length = integer(random, 16)
    elif segment.body is not None:
        segment.body = raw.overwrite(segment.body, random)


def spoil(segments: list[Segment], random: Random) -> None:
    """Change the coded data of one segment: bytes, length, or a marker in the middle of it."""
    coded = [segment for segment in segments if segment.coded]
    if not coded:
        return
    segment = random.choice(coded)
    action = random.randrange(6)
    if action == 0:
        place = random.randrange(len(segment.coded))
        marker = bytes((0xFF, random.randrange(256)))
        segment.coded = segment.coded[:place] + marker + segment.coded[place:]
    elif action == 1:
        segment.coded = random.choice((b"", b"\x00" * len(segment.coded), b"\x55" * len(segment.coded)))
    else:
        operation = random.choice(list(raw.OPERATIONS.values()))
        segment.coded = operation(segment.coded, random)

"""Frames of DICOM's run-length encoding (PS3.5 annex G): 16 words, then a segment per byte plane."""

import struct
from itertools import pairwise
from random import Random

from tests.fuzz.formats import Operations, raw
from tests.fuzz.formats.values import changed, integer

_HEADER = 64


def header(data: bytes, random: Random) -> bytes:
    """Another number of segments, or another offset of one."""
    if len(data) < _HEADER:
        return data
    words = list(struct.unpack("<16I", data[:_HEADER]))
    place = random.choice((0, 0, 1, 2, 3, random.randrange(16)))
    words[place] = changed(words[place], random, 32) if place else integer(random, random.choice((4, 32)))
    return struct.pack("<16I", *words) + data[_HEADER:]


def segments(data: bytes, random: Random) -> bytes:
    """Remove, repeat or swap byte planes; the header stays right."""
    parts = _split(data)
    place = random.randrange(len(parts))
    action = random.randrange(4)
    if action == 0:
        del parts[place]
    elif action == 1:
        parts.insert(place, parts[place])
    elif action == 2:
        parts.reverse()
    else:
        parts[place] = random.choice(list(raw.OPERATIONS.values()))(parts[place], random)
    return _join(parts[:15])


def runs(data: bytes, random: Random) -> bytes:
    """Runs that give more or less than a plane holds."""
    parts = _split(data)
    place = random.randrange(len(parts))
    run = bytes((random.choice((0x80, 0x81, 0x7F, 0xFF, 0x00)), random.randrange(256)))
    count = random.choice((1, 2, 100, 20_000))
    start = random.randrange(len(parts[place]) + 1)
    parts[place] = parts[place][:start] + run * count + parts[place][start:]
    return _join(parts)


def _split(data: bytes) -> list[bytes]:
    words = struct.unpack("<16I", data[:_HEADER].ljust(_HEADER, b"\x00"))
    count = min(max(words[0], 1), 15)
    bounds = [*words[1 : count + 1], len(data)]
    return [data[start:end] for start, end in pairwise(bounds)]


def _join(parts: list[bytes]) -> bytes:
    offsets, position = [], _HEADER
    for part in parts:
        offsets.append(position)
        position += len(part)
    words = [len(parts), *offsets]
    return struct.pack("<16I", *words, *[0] * (16 - len(words))) + b"".join(parts)


OPERATIONS: Operations = {"header": header, "segments": segments, "runs": runs}

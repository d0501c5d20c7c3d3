"""TIFF files (TIFF 6.0, and BigTIFF): directories of entries, which lie at the end after each operation."""

import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

from tests.fuzz.formats import Operation, Operations
from tests.fuzz.formats.values import changed, integer

_SIZES = {
    1: 1,
    2: 1,
    3: 2,
    4: 4,
    5: 8,
    6: 1,
    7: 1,
    8: 2,
    9: 4,
    10: 8,
    11: 4,
    12: 8,
    13: 4,
    16: 8,
    17: 8,
    18: 8,
}
_TAGS = (
    254, 255, 256, 257, 258, 259, 262, 266, 270, 273, 274, 277, 278, 279, 282, 284, 292, 296, 297, 301, 317,
    318, 320, 322, 323, 324, 325, 330, 332, 338, 339, 340, 341, 347, 529, 530, 531, 532, 700, 34665, 34675,
    34853, 50838,
)  # fmt: skip
_MEANINGFUL = {
    254: (0, 1, 2, 4, 5),
    258: (1, 2, 4, 8, 10, 12, 14, 16, 24, 32, 64),
    259: (1, 2, 3, 4, 5, 6, 7, 8, 32773, 32946, 32771, 32809, 34712, 34887, 34925, 50000, 50001, 65000),
    262: (0, 1, 2, 3, 4, 5, 6, 8, 9, 10, 32803, 32844, 32845, 34892),
    266: (1, 2, 3),
    274: (0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 255),
    277: (0, 1, 2, 3, 4, 5, 6, 255),
    284: (1, 2, 3),
    317: (1, 2, 3, 34892, 34894),
    338: (0, 1, 2, 3),
    339: (1, 2, 3, 4, 5, 6, 7),
}


@dataclass
class Entry:
    """One field of a directory; `value` is what stands in its last four (eight) bytes."""

    tag: int
    type: int
    count: int
    value: bytes


@dataclass
class Tiff:
    """A file, of which the first directory is kept apart."""

    data: bytes
    order: str
    big: bool
    entries: list[Entry] = field(default_factory=list)
    next: int = 0

    @property
    def word(self) -> str:
        """The struct code of offsets and counts."""
        return self.order + ("Q" if self.big else "I")

    @property
    def width(self) -> int:
        return 8 if self.big else 4

    def store(self, tag: int, kind: int, numbers: list[int]) -> Entry:
        """An entry with these integers, in itself or at the end of the file."""
        size = _SIZES.get(kind, 4)
        code = {1: "B", 2: "H", 4: "I", 8: "Q"}[size]
        content = b"".join(struct.pack(self.order + code, number % 2 ** (8 * size)) for number in numbers)
        if len(content) > self.width:
            content, self.data = struct.pack(self.word, len(self.data)), self.data + content
        return Entry(tag, kind, len(numbers), content.ljust(self.width, b"\x00"))


def parse(data: bytes) -> Tiff | None:
    order = {b"II": "<", b"MM": ">"}.get(data[:2])
    if order is None or len(data) < 16:
        return None
    (version,) = struct.unpack_from(order + "H", data, 2)
    tiff = Tiff(data, order, version == 43)
    try:
        (start,) = struct.unpack_from(tiff.word, data, 8 if tiff.big else 4)
        (count,) = struct.unpack_from(order + ("Q" if tiff.big else "H"), data, start)
        start += 8 if tiff.big else 2
        for _ in range(min(count, 200)):
            tag, kind, number = struct.unpack_from(order + ("HHQ" if tiff.big else "HHI"), data, start)
            start += 4 + tiff.width
            tiff.entries.append(Entry(tag, kind, number, data[start : start + tiff.width]))
            start += tiff.width
        (tiff.next,) = struct.unpack_from(tiff.word, data, start)
    except struct.error:
        return None
    return tiff


def joined(tiff: Tiff) -> bytes:
    data = tiff.data + b"\x00" * (len(tiff.data) % 2)
    place = struct.pack(tiff.word, len(data))
    head = 8 if tiff.big else 4
    count = struct.pack(tiff.order + ("Q" if tiff.big else "H"), len(tiff.entries))
    code = tiff.order + ("HHQ" if tiff.big else "HHI")
    entries = b"".join(
        struct.pack(code, entry.tag, entry.type, entry.count) + entry.value for entry in tiff.entries
    )
    end = struct.pack(tiff.word, tiff.next)
    return data[:head] + place + data[head + len(place) :] + count + entries + end


def _on_tiff(change: Callable[[Tiff, Random], None]) -> Operation:
    def operation(data: bytes, random: Random) -> bytes:
        tiff = parse(data)
        if tiff is None or not tiff.entries:
            return data
        change(tiff, random)
        return joined(tiff)

    return operation


def _entry(tiff: Tiff, random: Random) -> None:
    """Another tag, type, count, value or offset."""
    entry = random.choice(tiff.entries)
    action = random.randrange(4)
    if action == 0:
        entry.tag = random.choice(_TAGS)
    elif action == 1:
        entry.type = random.choice((*_SIZES, 0, 14, 99))
    elif action == 2:
        entry.count = changed(entry.count, random, 32)
    else:
        value = int.from_bytes(entry.value, "little" if tiff.order == "<" else "big")
        entry.value = struct.pack(tiff.word, changed(value, random, 32))


def _value(tiff: Tiff, random: Random) -> None:
    """A value that means something else: another compression, sample format, photometric interpretation."""
    tag = random.choice(sorted(_MEANINGFUL))
    count = random.choice((1, 1, 3, 4))
    numbers = [random.choice(_MEANINGFUL[tag])] * count
    _put(tiff, tiff.store(tag, 3, numbers))


def _sizes(tiff: Tiff, random: Random) -> None:
    """Another width, length, strip or tile size."""
    tag = random.choice((256, 257, 278, 322, 323, 279, 325))
    _put(tiff, tiff.store(tag, random.choice((3, 4)), [integer(random, random.choice((8, 16, 32)))]))


def _arrays(tiff: Tiff, random: Random) -> None:
    """Lists of offsets or sizes that are too long, too short, or point outside the file."""
    tag = random.choice((258, 273, 279, 320, 324, 325, 330, 339, 347))
    numbers = [integer(random, 32) for _ in range(random.choice((0, 1, 2, 3, 100, 1000)))]
    _put(tiff, tiff.store(tag, random.choice((3, 4)), numbers))


def _directory(tiff: Tiff, random: Random) -> None:
    """Remove, repeat or reorder entries."""
    place = random.randrange(len(tiff.entries))
    action = random.randrange(3)
    if action == 0:
        del tiff.entries[place]
    elif action == 1:
        tiff.entries.insert(place, tiff.entries[place])
    else:
        random.shuffle(tiff.entries)


def _pages(tiff: Tiff, random: Random) -> None:
    """The next directory: this one again (a loop), one that is not there, a chain of copies."""
    action = random.randrange(4)
    if action == 0:
        tiff.next = len(tiff.data) + len(tiff.data) % 2
    elif action == 1:
        tiff.next = integer(random, 32)
    elif action == 2:
        tiff.next = random.randrange(len(tiff.data))
    else:
        for _ in range(random.choice((1, 2, 300))):
            copy = parse(joined(tiff))
            assert copy is not None
            start = len(tiff.data) + len(tiff.data) % 2
            tiff.data, tiff.next = copy.data, start


def _pointer(tiff: Tiff, random: Random) -> None:
    """A sub-directory, EXIF or GPS, that is this directory again or none at all."""
    start = random.choice((len(tiff.data), 8, integer(random, 32)))
    _put(tiff, tiff.store(random.choice((330, 34665, 34853, 40965)), random.choice((4, 13)), [start]))


def _put(tiff: Tiff, entry: Entry) -> None:
    tiff.entries = sorted(
        [other for other in tiff.entries if other.tag != entry.tag] + [entry], key=lambda e: e.tag
    )


OPERATIONS: Operations = {
    name: _on_tiff(change)
    for name, change in {
        "entry": _entry,
        "value": _value,
        "sizes": _sizes,
        "arrays": _arrays,
        "directory": _directory,
        "pages": _pages,
        "pointer": _pointer,
    }.items()
}

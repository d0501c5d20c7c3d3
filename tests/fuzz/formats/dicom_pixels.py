"""Operations on the pixel data of a DICOM file: fragments, offset tables (PS3.5 annex A.4), streams."""

import struct
from collections.abc import Callable, Mapping
from functools import cache
from random import Random

from tests.fuzz.formats import Operation, Operations, dicom_elements, jpeg, jpeg2000, raw, rle
from tests.fuzz.formats.dicom_elements import COLUMNS, FRAMES, ROWS, on_file
from tests.fuzz.formats.dicom_file import PIXEL_DATA, DicomFile, parse
from tests.fuzz.formats.values import integer
from tests.fuzz.seeds import SEEDS

_FLOAT, _DOUBLE = 0x7FE00008, 0x7FE00009
_OFFSETS, _LENGTHS = 0x7FE00001, 0x7FE00002


def _fragments(file: DicomFile) -> list[bytes]:
    """Those of the pixel data, after the Basic Offset Table; empty where it is not encapsulated."""
    element = file.get(PIXEL_DATA)
    return list(element.fragments[1:]) if element and element.fragments else []


def _set(file: DicomFile, fragments: list[bytes], table: bytes = b"") -> None:
    element = file.put(PIXEL_DATA, "OB", b"")
    element.fragments = [table, *(part + b"\x00" * (len(part) % 2) for part in fragments)]


def _table(fragments: list[bytes], order: str) -> list[int]:
    offsets = [0]
    for part in fragments[:-1]:
        offsets.append(offsets[-1] + 8 + len(part))
    return offsets


def _offset_table(file: DicomFile, random: Random) -> None:
    """A Basic Offset Table that is absent, right, short, long, or points anywhere."""
    if not (fragments := _fragments(file)):
        return
    offsets = _table(fragments, file.order)
    action = random.randrange(6)
    if action == 0:
        offsets = []
    elif action == 1:
        offsets[random.randrange(len(offsets))] = integer(random, 32)
    elif action == 2:
        offsets = offsets[: random.randrange(len(offsets) + 1)]
    elif action == 3:
        offsets += [integer(random, 32) for _ in range(random.choice((1, 2, 1000)))]
    table = struct.pack(f"{file.order}{len(offsets)}I", *offsets)
    _set(file, fragments, table + b"\x01" * random.choice((0, 0, 0, 2, 3)))


def _extended_offsets(file: DicomFile, random: Random) -> None:
    """An Extended Offset Table (PS3.3 C.7.6.3.1.8), right or not."""
    if not (fragments := _fragments(file)):
        return
    offsets, lengths = _table(fragments, file.order), [len(part) for part in fragments]
    if random.randrange(2):
        random.choice((offsets, lengths))[0] = integer(random, 64)
    for tag, numbers in ((_OFFSETS, offsets), (_LENGTHS, lengths)):
        file.put(
            tag, "OV", struct.pack(f"{file.order}{len(numbers)}Q", *numbers)[: random.choice((None, None, 4))]
        )


def _split(file: DicomFile, random: Random) -> None:
    """Each frame, or each part of one, in several fragments."""
    size = random.choice((2, 16, 64, 500))
    pieces = [part[start : start + size] for part in _fragments(file) for start in range(0, len(part), size)]
    if pieces:
        _set(file, pieces)


def _reorder(file: DicomFile, random: Random) -> None:
    """Fragments merged, dropped, repeated, emptied or in another order."""
    if not (fragments := _fragments(file)):
        return
    place = random.randrange(len(fragments))
    action = random.randrange(6)
    if action == 0:
        fragments = [b"".join(fragments)]
    elif action == 1:
        del fragments[place]
    elif action == 2:
        fragments.insert(place, fragments[place])
    elif action == 3:
        fragments[place] = b""
    elif action == 4:
        fragments.reverse()
    else:
        fragments.insert(place, random.randbytes(random.choice((0, 2, 100))))
    _set(file, fragments)


def _frames(file: DicomFile, random: Random) -> None:
    """More frames, or fewer, than NumberOfFrames says."""
    count = random.choice((0, 1, 2, 3, 5, 100, 2**31 - 1))
    file.put(FRAMES, "IS", str(count).encode() + b" " * (len(str(count)) % 2))
    times = random.choice((1, 2, 3, 5))
    if fragments := _fragments(file):
        table = _table(fragments * times, file.order) if random.randrange(2) else []
        _set(file, fragments * times, struct.pack(f"{file.order}{len(table)}I", *table))
    elif (element := file.get(PIXEL_DATA)) and len(element.value) < 100_000:
        element.value *= times


def _native(file: DicomFile, random: Random) -> None:
    """Pixel data that are too short, too long, odd, or called floating point (C.7.6.24, C.7.6.25)."""
    element = file.get(PIXEL_DATA)
    if element is None or element.fragments:
        return
    action = random.randrange(4)
    if action == 0:
        element.value = raw.cut(element.value, random)
    elif action == 1:
        element.value += random.randbytes(random.choice((1, 2, 100)))
    else:
        element.tag, element.vr = random.choice(((_FLOAT, "OF"), (_DOUBLE, "OD")))
        file.put_number(dicom_elements.ALLOCATED, random.choice((32, 64, 16)))
        times = random.choice((1, 2, 4, 8))
        element.value = (
            (element.value[:100_000] * times) if random.randrange(2) else random.randbytes(480 * 4 * times)
        )


def _size(file: DicomFile, random: Random) -> None:
    """Header and stream agree on another size; their data do not have it."""
    rows, columns = (random.choice((1, 7, 8, 9, 24, 48, 255, 1000, 5000)) for _ in range(2))
    file.put_number(ROWS, rows)
    file.put_number(COLUMNS, columns)
    resized = [_resized(part, rows, columns) for part in _fragments(file)]
    if resized:
        _set(file, resized)


def _resized(stream: bytes, rows: int, columns: int) -> bytes:
    if jpeg2000.START in stream:
        return jpeg2000.resized(stream, rows, columns)
    return jpeg.resized(stream, rows, columns) if stream.startswith(b"\xff\xd8") else stream


def _other_stream(file: DicomFile, random: Random) -> None:
    """The stream of another file, mostly one of the same transfer syntax, under this one's header."""
    alike = _names_by_syntax().get(file.syntax)
    name = random.choice(alike if alike and random.randrange(3) else sorted(SEEDS))
    other = parse(SEEDS[name]()) if name.startswith("dicom/") else None
    fragments = _fragments(other) if other else [SEEDS[name]()]
    if not fragments:
        return
    _set(file, fragments)
    if other and random.randrange(2):
        file.syntax = other.syntax


@cache
def _names_by_syntax() -> Mapping[str, list[str]]:
    names: dict[str, list[str]] = {}
    for name in sorted(SEEDS):
        if name.startswith("dicom/"):
            names.setdefault(parse(SEEDS[name]()).syntax, []).append(name)
    return names


def _on_stream(change: Operation) -> Callable[[DicomFile, Random], None]:
    def operation(file: DicomFile, random: Random) -> None:
        if fragments := _fragments(file):
            place = random.randrange(len(fragments))
            fragments[place] = change(fragments[place], random)
            _set(file, fragments)

    return operation


OPERATIONS: Operations = {
    name: on_file(change)
    for name, change in {
        "offset-table": _offset_table,
        "extended-offsets": _extended_offsets,
        "split": _split,
        "fragments": _reorder,
        "frames": _frames,
        "native": _native,
        "resize": _size,
        "other-stream": _other_stream,
        "stream": _on_stream(lambda data, random: random.choice(list(raw.OPERATIONS.values()))(data, random)),
    }.items()
}


def on_streams(prefix: str, operations: Operations) -> Operations:
    """The operations of a compression, on one fragment of a file."""
    return {f"{prefix}.{name}": on_file(_on_stream(change)) for name, change in operations.items()}


JPEG = on_streams("jpeg", jpeg.OPERATIONS)
JPEG2000 = on_streams("j2k", jpeg2000.OPERATIONS)
RLE = on_streams("rle", rle.OPERATIONS)

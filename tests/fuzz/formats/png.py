"""PNG files: chunks, whose checksums are made right again so that the decoder gets to see the damage."""

import zlib
from collections.abc import Callable
from random import Random

from tests.fuzz.formats import Operations, raw
from tests.fuzz.formats.markers import edit
from tests.fuzz.formats.values import integer

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
Chunks = list[tuple[bytes, bytes]]


def parse(data: bytes) -> Chunks:
    """Type and content of every chunk."""
    chunks: Chunks = []
    position = len(_SIGNATURE)
    while position + 12 <= len(data):
        length = int.from_bytes(data[position : position + 4], "big")
        chunks.append((data[position + 4 : position + 8], data[position + 8 : position + 8 + length]))
        position += 12 + length
    return chunks


def joined(chunks: Chunks) -> bytes:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return len(body).to_bytes(4, "big") + kind + body + zlib.crc32(kind + body).to_bytes(4, "big")

    return _SIGNATURE + b"".join(chunk(*parts) for parts in chunks)


def header(data: bytes, random: Random) -> bytes:
    """Width, height, bit depth, colour type, compression, filter, interlace."""
    start, size = random.choice(((0, 4), (4, 4), (8, 1), (9, 1), (9, 1), (10, 1), (11, 1), (12, 1)))
    return _on_body(data, b"IHDR", lambda body: edit(body, start, size, random))


def kind(data: bytes, random: Random) -> bytes:
    """Every combination of bit depth, colour type and interlacing, allowed or not."""
    depth, colour = random.choice((1, 2, 4, 8, 16)), random.choice((0, 2, 3, 4, 6))
    tail = bytes((depth, colour, 0, 0, random.randrange(2)))
    return _on_body(data, b"IHDR", lambda body: body[:8] + tail)


def chunks(data: bytes, random: Random) -> bytes:
    """Remove, repeat, move, rename or damage one chunk."""
    found = parse(data)
    if not found:
        return data
    place = random.randrange(len(found))
    action = random.randrange(5)
    if action == 0:
        del found[place]
    elif action == 1:
        found.insert(place, found[place])
    elif action == 2:
        found.insert(random.randrange(len(found)), found.pop(place))
    elif action == 3:
        found[place] = (random.choice((b"IDAT", b"PLTE", b"tRNS", b"fdAT", b"IEND")), found[place][1])
    else:
        found[place] = (found[place][0], raw.overwrite(found[place][1], random))
    return joined(found)


def extra(data: bytes, random: Random) -> bytes:
    """A chunk that decoders act on: transparency, profiles, text (also a bomb of it), animation, EXIF."""
    found = parse(data)
    words = [integer(random, 32).to_bytes(4, "big") for _ in range(7)]
    bomb = zlib.compress(bytes(random.choice((100, 3_000_000))))
    body = {
        b"tRNS": random.randbytes(random.choice((0, 1, 2, 6, 300))),
        b"PLTE": random.randbytes(random.choice((0, 1, 3, 48, 768, 900))),
        b"gAMA": words[0],
        b"cHRM": b"".join(words) + words[0],
        b"sBIT": random.randbytes(random.randrange(5)),
        b"pHYs": words[0] + words[1] + b"\x01",
        b"iCCP": b"name\x00\x00" + bomb,
        b"zTXt": b"Comment\x00\x00" + bomb,
        b"iTXt": b"Comment\x00\x01\x00\x00\x00" + bomb,
        b"tEXt": random.randbytes(random.choice((0, 5, 100))),
        b"eXIf": random.choice((b"II*\x00", b"MM\x00*", b"")) + random.randbytes(40),
        b"acTL": words[0] + words[1],
        b"fcTL": b"".join(words[:5]) + b"\x00\x01\x00\x01" + random.randbytes(2),
        b"fdAT": words[0] + zlib.compress(bytes(50)),
    }
    name = random.choice(sorted(body))
    found.insert(random.randrange(1, max(2, len(found))), (name, body[name]))
    return joined(found)


def pixels(data: bytes, random: Random) -> bytes:
    """The compressed rows: more, fewer, other filters, or split over many chunks."""
    found = parse(data)
    rows = b"".join(body for name, body in found if name == b"IDAT")
    action = random.randrange(4)
    if action == 0:
        size = random.choice((1, 3, 50))
        parts = [rows[start : start + size] for start in range(0, len(rows), size)]
    elif action == 1:
        parts = [random.choice(list(raw.OPERATIONS.values()))(rows, random)]
    else:
        try:
            plain = zlib.decompress(rows)
        except zlib.error:
            return data
        parts = [zlib.compress(random.choice(list(raw.OPERATIONS.values()))(plain, random))]
    place = next((place for place, (name, _) in enumerate(found) if name == b"IDAT"), len(found))
    rest = [chunk for chunk in found if chunk[0] != b"IDAT"]
    return joined([*rest[:place], *((b"IDAT", part) for part in parts), *rest[place:]])


def _on_body(data: bytes, name: bytes, change: Callable[[bytes], bytes]) -> bytes:
    return joined([(kind, change(body) if kind == name else body) for kind, body in parse(data)])


OPERATIONS: Operations = {"header": header, "kind": kind, "chunks": chunks, "extra": extra, "pixels": pixels}

"""Small files of the largest images that are accepted: 100 megapixels, all of them black."""

import struct
import zlib
from functools import cache

from chalicelib.imaging.png.chunks import GREY_ALPHA, RGB_ALPHA, SIGNATURE

SIDE = 10_000
_PIECE = 1_000_000
_ROWS_PER_STRIP = 100


@cache
def _piece() -> bytes:
    """A deflate block of zeros that can be repeated, as it does not refer to what was before."""
    stream = zlib.compressobj(wbits=-15)
    return stream.compress(bytes(_PIECE)) + stream.flush(zlib.Z_FULL_FLUSH)


def _zeros(size: int) -> bytes:
    """A zlib stream of zeros, put together rather than compressed (RFC 1950 and 1951)."""
    pieces, rest = divmod(size, _PIECE)
    stream = zlib.compressobj(wbits=-15)
    adler = (size % 65_521) << 16 | 1
    return b"".join(
        [
            b"\x78\x01",
            _piece() * pieces,
            stream.compress(bytes(rest)),
            stream.flush(),
            struct.pack(">I", adler),
        ]
    )


def png(depth: int, colour: int) -> bytes:
    """A PNG file of one IDAT chunk."""
    channels = {GREY_ALPHA: 2, RGB_ALPHA: 4}[colour]
    header = struct.pack(">IIBBBBB", SIDE, SIDE, depth, colour, 0, 0, 0)
    data = _zeros(SIDE * (1 + SIDE * channels * depth // 8))
    return SIGNATURE + _chunk(b"IHDR", header) + _chunk(b"IDAT", data) + _chunk(b"IEND", b"")


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def float_tiff() -> bytes:
    """A TIFF file of 32-bit floating-point samples, whose strips are all the same bytes."""
    strip = _zeros(_ROWS_PER_STRIP * SIDE * 4)
    strips = SIDE // _ROWS_PER_STRIP
    entries = 10
    arrays = 8 + 2 + 12 * entries + 4
    data = arrays + 8 * strips
    tags = [
        (256, 1, SIDE), (257, 1, SIDE), (258, 1, 32), (259, 1, 8), (262, 1, 1), (273, strips, arrays),
        (277, 1, 1), (278, 1, _ROWS_PER_STRIP), (279, strips, arrays + 4 * strips), (339, 1, 3),
    ]  # fmt: skip
    assert len(tags) == entries
    directory = b"".join(struct.pack("<HHII", tag, 4, count, value) for tag, count, value in tags)
    offsets, lengths = struct.pack("<I", data) * strips, struct.pack("<I", len(strip)) * strips
    head = b"II*\0\x08\0\0\0" + struct.pack("<H", entries)
    return head + directory + bytes(4) + offsets + lengths + strip

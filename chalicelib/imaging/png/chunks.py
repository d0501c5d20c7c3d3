"""Reads the chunks of a PNG file (ISO/IEC 15948) and checks them before decoding.

Only chunks that affect the pixels are kept. Text, colour profiles and animations are skipped unread, so their
decompressed size does not matter.
"""

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field

from chalicelib import errors
from chalicelib.imaging.decoded import pixel_aspect

SIGNATURE = b"\x89PNG\r\n\x1a\n"
GREY, RGB, PALETTE, GREY_ALPHA, RGB_ALPHA = 0, 2, 3, 4, 6
"""Colour types, table 11.1."""
_CHANNELS = {GREY: 1, RGB: 3, PALETTE: 1, GREY_ALPHA: 2, RGB_ALPHA: 4}
_DEPTHS = {GREY: (1, 2, 4, 8, 16), PALETTE: (1, 2, 4, 8)}
_SAMPLES = {GREY: 1, RGB: 3}
"""Samples of the transparent colour in a tRNS chunk (11.3.2.1)."""
_DEEPER = (8, 16)
_PASSES = (
    (0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)
)  # fmt: skip
"""First column and row of each pass of an interlaced image, and its steps across and down (8.2)."""
_PART = 1 << 16
"""Bytes decompressed at a time: zlib copies what is left of them after each megabyte that they expand to."""
_MAX_CHUNKS = 100_000
"""Writers put at least 8 kB of image data into a chunk, so a file of 200 MB has 25,000 chunks."""


@dataclass(frozen=True)
class Header:
    """The IHDR chunk (11.2.2)."""

    columns: int
    rows: int
    depth: int
    colour: int
    interlaced: bool

    @property
    def uncompressed_bytes(self) -> int:
        """Bytes of the uncompressed rows, each with its filter byte; interlaced, those of every pass."""
        bits = self.depth * _CHANNELS[self.colour]
        total = 0
        for left, top, across, down in _PASSES if self.interlaced else ((0, 0, 1, 1),):
            columns, rows = -(-(self.columns - left) // across), -(-(self.rows - top) // down)
            if columns > 0:  # a pass without columns has no rows either (8.2)
                total += rows * (1 + -(-columns * bits // 8))
        return total


@dataclass(frozen=True)
class Png:
    """The chunks of a file that affect its pixels."""

    header: Header
    palette: bytes
    """Red, green and blue of each entry, blended with black by its transparency."""
    transparent: tuple[int, ...]
    """The sample or RGB samples of the transparent colour; empty if there is none."""
    data: bytes
    """The zlib stream."""
    exif: bytes
    aspect: float
    """Height of a pixel divided by its width."""

    def file(self) -> bytes:
        """A PNG file with the image alone."""
        header = self.header
        body = struct.pack(
            ">IIBBBBB", header.columns, header.rows, header.depth, header.colour, 0, 0, header.interlaced
        )
        palette = _chunk(b"PLTE", self.palette) if self.palette else b""
        return SIGNATURE + _chunk(b"IHDR", body) + palette + _chunk(b"IDAT", self.data) + _chunk(b"IEND", b"")

    def is_complete(self) -> bool:
        """Whether the stream holds every row."""
        missing = self.header.uncompressed_bytes
        stream = zlib.decompressobj()
        for start in range(0, len(self.data), _PART):
            rest = self.data[start : start + _PART]
            while missing > 0 and rest:
                missing -= len(stream.decompress(rest, 1 << 20))
                rest = stream.unconsumed_tail
        return missing <= 0


@dataclass
class _Kept:
    """Chunks by type, of which only one is allowed, and the image data."""

    single: dict[bytes, bytes] = field(default_factory=dict)
    data: list[memoryview] = field(default_factory=list)
    ended: bool = False


def read(data: bytes) -> Png:
    """The chunks of a PNG file.

    Raises:
        DamagedImage: if it is cut off, or a checksum is wrong.
        InvalidImage: if a chunk is missing, repeated or impossible.
        UnsupportedImage: if it is not a standard PNG file.
    """
    kept = _keep(data)
    single = kept.single
    if b"IHDR" not in single:
        raise damaged("its header is missing")
    header = _header(single[b"IHDR"])
    if not kept.data:
        raise (_invalid if kept.ended else damaged)("it has no image data (IDAT)")
    palette = _palette(single, header) if header.colour == PALETTE else b""
    exif = single.get(b"eXIf", b"")
    return Png(
        header, palette, _transparent(single, header), b"".join(kept.data),
        b"Exif\0\0" + exif if exif else b"", _aspect(single.get(b"pHYs", b"")),
    )  # fmt: skip


_DECISIVE = {b"IHDR", b"PLTE", b"tRNS", b"IDAT"}
"""Chunks that the pixels depend on: if one is damaged, so is the image."""
_OTHERS = {b"eXIf", b"pHYs"}
"""Chunks that are ignored if they are damaged."""


def _keep(data: bytes) -> _Kept:
    kept = _Kept()
    for kind, body, sound in _chunks(data):
        if not kept.single:
            _check_first(kind)
        if kind == b"IEND":
            kept.ended = True
            break
        if kind in _DECISIVE and not sound:
            raise damaged(f"the checksum of its {kind.decode()} chunk is wrong")
        if kind == b"IDAT":
            kept.data.append(body)
        elif kind in _DECISIVE:
            if kind in kept.single:
                raise _invalid(f"it has more than one {kind.decode()} chunk")
            kept.single[kind] = bytes(body)
        elif kind in _OTHERS and sound:
            kept.single.setdefault(kind, bytes(body))
        elif kind[:1].isupper():  # critical: decoders that do not know it must not show the image (5.4)
            raise errors.UnsupportedImage(
                "The PNG file uses an extension of the standard. Export it as an ordinary PNG."
            )
    return kept


def _check_first(kind: bytes) -> None:
    if kind == b"CgBI":
        raise errors.UnsupportedImage(
            "The PNG file is in Apple's own variant for iPhone apps (CgBI). Export it as an ordinary PNG."
        )
    if kind != b"IHDR":
        raise _invalid("it does not begin with its header (IHDR)")


def _chunks(data: bytes) -> Iterator[tuple[bytes, memoryview, bool]]:
    """Type and content of each chunk, and whether its checksum is correct.

    The last chunk may be truncated: if it is image data, decoding shows whether any is missing.
    """
    view = memoryview(data)
    position = len(SIGNATURE)
    for _ in range(_MAX_CHUNKS):
        if position + 8 > len(data):
            return
        (length,) = struct.unpack_from(">I", data, position)
        kind = data[position + 4 : position + 8]
        start, position = position + 8, position + 8 + length
        if position + 4 > len(data):
            if kind == b"IDAT":
                yield kind, view[start:position], True
            return
        (checksum,) = struct.unpack_from(">I", data, position)
        yield kind, view[start:position], zlib.crc32(view[start - 4 : position]) == checksum
        position += 4
    raise errors.UnsupportedImage(
        f"The PNG file has more than {_MAX_CHUNKS:,} chunks. Export it as an ordinary PNG."
    )


def _header(body: bytes) -> Header:
    if len(body) != 13:
        raise _invalid("its header has the wrong length")
    columns, rows, depth, colour, compression, filters, interlace = struct.unpack(">IIBBBBB", body)
    if colour not in _CHANNELS or depth not in _DEPTHS.get(colour, _DEEPER):
        raise _invalid(f"there are no images of {depth} bits a sample with colour type {colour}")
    if compression or filters or interlace > 1:
        raise errors.UnsupportedImage(
            "The PNG file uses a compression, filter or interlace method that is not part of the standard. "
            "Export it as an ordinary PNG."
        )
    return Header(columns, rows, depth, colour, bool(interlace))


def _palette(chunks: dict[bytes, bytes], header: Header) -> bytes:
    """The palette, each entry blended with black by its transparency."""
    palette = bytearray(chunks.get(b"PLTE", b""))
    if not palette:
        raise _invalid("its palette (PLTE) is missing")
    if len(palette) % 3 or len(palette) > 3 * 2**header.depth:
        raise _invalid("its palette (PLTE) has the wrong length")
    for entry, alpha in enumerate(chunks.get(b"tRNS", b"")[: len(palette) // 3]):
        for place in range(3 * entry, 3 * entry + 3):
            palette[place] = (palette[place] * alpha + 127) // 255
    return bytes(palette)


def _transparent(chunks: dict[bytes, bytes], header: Header) -> tuple[int, ...]:
    body = chunks.get(b"tRNS")
    if body is None or header.colour not in _SAMPLES:  # it has no meaning with an alpha channel
        return ()
    if len(body) != 2 * _SAMPLES[header.colour]:
        raise _invalid("its transparent colour (tRNS) has the wrong length")
    return tuple(sample & 2**header.depth - 1 for sample in struct.unpack(f">{len(body) // 2}H", body))


def _aspect(body: bytes) -> float:
    """Height of a pixel divided by its width, from the pHYs chunk (11.3.5.3); the unit does not matter."""
    if len(body) != 9:
        return 1.0
    across, down = struct.unpack(">II", body[:8])
    return pixel_aspect(across, down)


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(body, zlib.crc32(kind)))


def damaged(reason: str) -> errors.DamagedImage:
    """The error for a damaged or truncated file."""
    return errors.DamagedImage(f"The PNG file is damaged or cut off: {reason}. Export or copy it again.")


def _invalid(reason: str) -> errors.InvalidImage:
    return errors.InvalidImage(f"The PNG file breaks the rules of its format: {reason}. Export it again.")

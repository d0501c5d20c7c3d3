"""Reads the headers of a compressed frame, so that they can be checked before a native decoder uses them.

Nothing but headers is read. References are to ITU-T T.81 (JPEG), T.87 (JPEG-LS) and T.800 (JPEG 2000).
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

SOI = b"\xff\xd8"
J2K_START = b"\xff\x4f\xff\x51"
"""The markers SOC and SIZ, with which every JPEG 2000 codestream begins (T.800 A.4.1)."""
JP2_SIGNATURE = b"\x00\x00\x00\x0cjP  "
"""Some writers wrap the codestream in a JP2 file. The standard forbids it; every viewer reads it."""

_APP0, _APP14, _SOS, _COM = 0xE0, 0xEE, 0xDA, 0xFE
_APPLICATION = range(0xE0, 0xF0)
_SOF55 = 0xF7
_LOSSLESS = 3
"""The process of that number; those before it are baseline, extended and progressive."""
_START_OF_FRAME = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC} | {_SOF55}
"""Start-of-frame markers of T.81 table B.1 (without C4, C8 and CC, which are none) and T.87 C.1.1."""
_WITHOUT_LENGTH = {0x01, *range(0xD0, 0xD9)}
_COD, _SOT, _CAP = 0x52, 0x90, 0x50
_MAX_TILES = 65_535
"""Tiles are numbered with 16 bits (T.800 A.4.2)."""


class Family(Enum):
    """A compression standard; the value is its name."""

    JPEG = "JPEG"
    JPEG_LS = "JPEG-LS"
    JPEG_2000 = "JPEG 2000"


class CodestreamError(ValueError):
    """The stream violates its standard. The message says how, and quotes nothing from the stream."""


class UnsupportedCodestream(CodestreamError):
    """The stream is valid but uses an unsupported feature."""


@dataclass(frozen=True)
class Codestream:
    """What the headers of one compressed frame state."""

    family: Family
    rows: int
    columns: int
    components: int
    precision: int
    """Bits per sample."""
    signed: bool = False
    lossless: bool = False
    process: int = 0
    """The number of the start-of-frame marker: 0 is baseline, 1 extended, 2 progressive, 3 lossless."""
    subsampled: bool = False
    """Whether some components have fewer rows or columns than the image."""
    transform: bool | None = None
    """Whether a colour transform was applied before coding: the multiple component transform of JPEG 2000,
    or that of Adobe's APP14 marker; a JFIF marker implies it (T.871, 6.1). None if the stream does not
    say."""
    start: int = 0
    """Offset of the codestream: a JP2 file has boxes before it."""
    tiles: int = 1

    @property
    def is_ordinary_jpeg(self) -> bool:
        """Whether it is lossy JPEG of 8 bits, as in JPEG files."""
        return self.family is Family.JPEG and self.process < _LOSSLESS and self.precision == 8


def read(stream: bytes) -> Codestream:
    """The headers of a JPEG, JPEG-LS or JPEG 2000 codestream.

    Raises:
        UnsupportedCodestream: if it uses an unsupported feature.
        CodestreamError: if it is none of these, or its header is truncated or inconsistent.
    """
    try:
        if stream.startswith(JP2_SIGNATURE):
            start = stream.find(J2K_START)
            if start < 0:
                raise CodestreamError("the JP2 file holds no codestream")
            return _jpeg2000(stream, start)
        if stream.startswith(J2K_START):
            return _jpeg2000(stream, 0)
        if stream.startswith(SOI):
            return _jpeg(stream)
    except (IndexError, struct.error):
        raise CodestreamError("the header is cut off") from None
    raise CodestreamError("neither a JPEG nor a JPEG 2000 codestream")


def begins_frame(fragment: bytes) -> bool:
    """Whether a fragment is the beginning of a codestream rather than its continuation."""
    return fragment.startswith((SOI + b"\xff", J2K_START, JP2_SIGNATURE))


def with_colour_transform(stream: bytes, transform: bool) -> bytes:
    """A JPEG stream in which one APP14 segment replaces all application segments and comments.

    Decoders guess the colour space of three components from application segments. Adobe's APP14 states
    whether to convert from YCbCr (T.872 section 6.5.3).
    """
    kept = [SOI, b"\xff\xee\x00\x0eAdobe\x00\x64\x00\x00\x00\x00" + bytes([transform])]
    end = len(SOI)
    for marker, position, length in _segments(stream):
        end = position + length
        if marker not in _APPLICATION and marker != _COM:
            kept.append(b"\xff" + bytes([marker]) + stream[position:end])
        if marker == _SOS:
            break
    return b"".join([*kept, stream[end:]])


def _segments(stream: bytes) -> Iterator[tuple[int, int, int]]:
    """Marker, position of the length field, and length of each segment up to the first scan's header."""
    position = len(SOI)
    while True:
        if stream[position] != 0xFF:
            raise CodestreamError("no marker where one must be")
        marker = stream[position + 1]
        if marker == 0xFF:  # fill byte
            position += 1
        elif marker in _WITHOUT_LENGTH:
            position += 2
        else:
            (length,) = struct.unpack_from(">H", stream, position + 2)
            if length < 2 or position + 2 + length > len(stream):
                raise CodestreamError("a segment of the header is cut off")
            yield marker, position + 2, length
            position += 2 + length
            if marker == _SOS:
                return


def _jpeg(stream: bytes) -> Codestream:
    frame = None
    transform = None
    is_jfif = False
    for marker, position, length in _segments(stream):
        if marker in _START_OF_FRAME:
            if frame is not None:
                raise CodestreamError("there is more than one frame header")
            frame = (marker, position, length)
        elif marker == _APP14 and length >= 14 and stream[position + 2 : position + 7] == b"Adobe":
            transform = stream[position + 13] != 0
        elif marker == _APP0 and stream[position + 2 : position + 7] == b"JFIF\0":
            is_jfif = True
    if transform is None and is_jfif:
        transform = True
    if frame is None:
        raise CodestreamError("there is no frame header")
    return _jpeg_frame(stream, *frame, transform)


def _jpeg_frame(stream: bytes, marker: int, position: int, length: int, transform: bool | None) -> Codestream:
    """The frame header, T.81 B.2.2."""
    precision, rows, columns, components = struct.unpack_from(">BHHB", stream, position + 2)
    if length != 8 + 3 * components or not components:
        raise CodestreamError("the frame header has the wrong length")
    sampling = {stream[position + 9 + 3 * index] for index in range(components)}
    if rows == 0:
        raise UnsupportedCodestream("the number of rows is given after the image (DNL)")
    if marker == _SOF55:
        return Codestream(
            Family.JPEG_LS, rows, columns, components, precision,
            lossless=not _is_near_lossless(stream, components), subsampled=len(sampling) > 1,
        )  # fmt: skip
    process = marker & 0x0F
    if process > _LOSSLESS:
        raise UnsupportedCodestream("the JPEG process is hierarchical or uses arithmetic coding")
    return Codestream(
        Family.JPEG, rows, columns, components, precision, lossless=process == _LOSSLESS, process=process,
        subsampled=len(sampling) > 1, transform=transform,
    )  # fmt: skip


def _is_near_lossless(stream: bytes, components: int) -> bool:
    """Whether the first scan has a NEAR parameter (T.87 C.2.3)."""
    for marker, position, _ in _segments(stream):
        if marker == _SOS:
            near = position + 3 + 2 * stream[position + 2]
            if components > 1 and stream[near + 1] == 0:  # the interleave mode
                raise UnsupportedCodestream("each of its colours is in a scan of its own")
            return stream[near] > 0
    raise CodestreamError("there is no scan")


def _jpeg2000(stream: bytes, start: int) -> Codestream:
    """The main header: SIZ, and COD of those that follow (T.800 A.5.1 and A.6.1)."""
    width, height, left, top, tile_width, tile_height, tile_left, tile_top = struct.unpack_from(
        ">8I", stream, start + 8
    )
    (components,) = struct.unpack_from(">H", stream, start + 40)
    samples = [struct.unpack_from(">3B", stream, start + 42 + 3 * index) for index in range(components)]
    if not components or left >= width or top >= height or not tile_width or not tile_height:
        raise CodestreamError("the image or its tiles have no size")
    if tile_left > left or tile_top > top:
        raise CodestreamError("the first tile begins after the image")
    tiles = -(-(width - tile_left) // tile_width) * -(-(height - tile_top) // tile_height)
    if tiles > _MAX_TILES:
        raise CodestreamError(f"there are {tiles:,} tiles, more than can be numbered")
    if len({depth for depth, _, _ in samples}) > 1:
        raise UnsupportedCodestream("its components differ in precision or sign")
    transform, lossless = _coding_style(stream, start)
    depth = samples[0][0]
    return Codestream(
        Family.JPEG_2000, height - top, width - left, components, (depth & 0x7F) + 1,
        signed=bool(depth & 0x80), lossless=lossless, transform=transform, start=start, tiles=tiles,
        subsampled=any((across, down) != (1, 1) for _, across, down in samples),
    )  # fmt: skip


def _coding_style(stream: bytes, start: int) -> tuple[bool, bool]:
    """Whether there is a component transform, and whether the wavelet is the reversible one."""
    position = start + 2
    while True:
        prefix, marker, length = struct.unpack_from(">BBH", stream, position)
        if prefix != 0xFF or length < 2:
            raise CodestreamError("no marker where one must be")
        if marker == _CAP:
            raise UnsupportedCodestream("it is High-Throughput JPEG 2000")
        if marker == _SOT:
            raise CodestreamError("the coding style (COD) is missing")
        if marker == _COD:
            return bool(stream[position + 8]), stream[position + 13] == 1
        position += 2 + length

"""Reads the segments of a JPEG stream (ITU-T T.81) up to its last scan, and checks them before decoding.

If scans or parts of them are missing, libjpeg only prints a warning and fills in the rest. Everything that
can be checked without decoding is checked here.
"""

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from chalicelib import errors
from chalicelib.imaging.codestream import CodestreamError, UnsupportedCodestream
from chalicelib.imaging.decoded import pixel_aspect

_SOI, _EOI, _SOS, _DRI, _DNL = 0xD8, 0xD9, 0xDA, 0xDD, 0xDC
_APP0, _APP1, _APP14, _APP15, _COM = 0xE0, 0xE1, 0xEE, 0xEF, 0xFE
_FRAMES = {*range(0xC0, 0xD0), 0xF7} - {0xC4, 0xC8, 0xCC}
"""Start-of-frame markers: T.81 table B.1, and SOF55 of JPEG-LS (T.87)."""
_PROGRESSIVE = 0xC2
_UNSUPPORTED = {
    0xC3: "lossless JPEG",
    **dict.fromkeys((0xC5, 0xC6, 0xC7, 0xCD, 0xCE, 0xCF), "hierarchical JPEG"),
    **dict.fromkeys((0xC9, 0xCA, 0xCB), "JPEG with arithmetic coding"),
    0xF7: "JPEG-LS",
}
_ALONE = {0x01, *range(0xD0, 0xD8)}
"""Markers without a segment: TEM and RST0 to RST7."""
_MAX_SEGMENTS = 10_000
_MAX_SCANS = 100
"""Decoding time grows with each scan. Ordinary progressive files have about ten."""
_LAST_COEFFICIENT = 63
_BLOCK = 8

_ANY_MARKER = re.compile(rb"\xff[\x01-\xfe]")
_NEXT_MARKER = re.compile(rb"\xff[\x01-\xcf\xd8-\xfe]")
"""The marker after a scan's data, in which FF00 stands for FF and FFD0..FFD7 are restarts (B.1.1.5)."""
_RESTARTS = re.compile(rb"\xff([\xd0-\xd7])")


@dataclass(frozen=True)
class Frame:
    """The frame header (B.2.2)."""

    marker: int
    columns: int
    rows: int
    sampling: dict[int, tuple[int, int]]
    """By component number, its horizontal and vertical sampling factors."""

    def units(self, components: list[int]) -> int:
        """MCUs in a scan of these components (A.2)."""
        max_across = max(across for across, _ in self.sampling.values())
        max_down = max(down for _, down in self.sampling.values())
        if len(components) > 1:
            return _ceil_div(self.columns, _BLOCK * max_across) * _ceil_div(self.rows, _BLOCK * max_down)
        across, down = self.sampling[components[0]]
        columns, rows = _ceil_div(self.columns * across, max_across), _ceil_div(self.rows * down, max_down)
        return _ceil_div(columns, _BLOCK) * _ceil_div(rows, _BLOCK)


class _Segment(NamedTuple):
    """A marker with its segment, as positions in the file."""

    marker: int
    start: int
    end: int
    scan_end: int
    """End of the data after the header of a scan."""
    restarts: list[bytes]
    """The second bytes of the restart markers in that data."""


@dataclass
class Jpeg:
    """The parts of a stream that matter."""

    frame: Frame
    parts: list[bytes | memoryview]
    """The stream without comments, metadata and end marker."""
    scans: int
    has_end: bool
    exif: bytes
    xmp: bytes
    aspect: float
    """Height of a pixel divided by its width."""


@dataclass
class _State:
    parts: list[bytes | memoryview] = field(default_factory=lambda: [b"\xff\xd8"])
    frame: Frame | None = None
    progress: dict[int, list[int | None]] = field(default_factory=dict)
    """For each component and coefficient, the number of low bits still missing; None if all are."""
    restart_interval: int = 0
    scans: int = 0
    has_end: bool = False
    exif: bytes = b""
    xmp: bytes = b""
    aspect: float = 1.0


class _Contradiction(CodestreamError):
    """The headers of the stream contradict each other."""


def read(data: bytes) -> Jpeg:
    """The segments of a JPEG file.

    Raises:
        DamagedImage: if scans or parts of them are missing.
        InvalidImage: if headers contradict each other.
        UnsupportedImage: if it is an unsupported kind of JPEG.
    """
    try:
        return read_stream(data)
    except UnsupportedCodestream as error:
        raise errors.UnsupportedImage(
            f"This is a {error}, which is not supported. Export it as an ordinary JPEG or as PNG."
        ) from None
    except _Contradiction as error:
        raise errors.InvalidImage(
            f"The JPEG file breaks the rules of its format: {error}. Export it again."
        ) from None
    except CodestreamError as error:
        raise damaged(str(error)) from None


def read_stream(data: bytes) -> Jpeg:
    """The segments of a JPEG stream. Data after the end marker, such as further pictures, is ignored.

    Raises:
        UnsupportedCodestream: if it is an unsupported kind of JPEG; the message names it.
        CodestreamError: if scans or parts of them are missing, or headers contradict each other.
    """
    found = _State()
    for segment in _segments(data):
        if segment.marker == _EOI:
            found.has_end = True
            break
        body = data[segment.start : segment.end]
        _read_segment(found, segment.marker, body)
        if segment.marker == _SOS:
            _read_scan(found, body, segment)
            found.parts.append(memoryview(data)[segment.end : segment.scan_end])
    if found.frame is None or not found.scans:
        raise CodestreamError("it ends before its image")
    if any(missing != 0 for component in found.progress.values() for missing in component):
        raise CodestreamError("the last scans of its image are missing")
    return Jpeg(found.frame, found.parts, found.scans, found.has_end, found.exif, found.xmp, found.aspect)


def _segments(data: bytes) -> Iterator[_Segment]:
    position = 2
    for _ in range(_MAX_SEGMENTS):
        # Some writers leave bytes between segments, which every viewer skips.
        match = _NEXT_MARKER.search(data, position)
        if match is None:
            return
        marker, position = data[match.end() - 1], match.end()
        if marker == _EOI:
            yield _Segment(marker, position, position, position, [])
            return
        if marker in _ALONE:
            continue
        length = int.from_bytes(data[position : position + 2], "big")
        if length < 2 or position + length > len(data):
            raise CodestreamError("a segment of its header is cut off")
        start, position = position + 2, position + length
        end = position
        restarts = []
        if marker == _SOS:
            first = _at(_ANY_MARKER.search(data, position), data)
            position = _at(_NEXT_MARKER.search(data, first), data)
            restarts = _RESTARTS.findall(data, first, position)
        yield _Segment(marker, start, end, position, restarts)
    raise UnsupportedCodestream(f"JPEG with more than {_MAX_SEGMENTS:,} segments")


def _at(match: re.Match[bytes] | None, data: bytes) -> int:
    return match.start() if match else len(data)


def _read_segment(found: _State, marker: int, body: bytes) -> None:
    if marker == _APP1:
        _read_metadata(found, body)
        return
    if _APP0 <= marker <= _APP15 or marker == _COM:
        if marker == _APP0 and body.startswith(b"JFIF\0") and len(body) >= 14:
            found.aspect = pixel_aspect(*struct.unpack_from(">HH", body, 8))
        elif not (marker == _APP14 and body.startswith(b"Adobe") and len(body) >= 12):
            return
    elif marker == _SOI:
        raise CodestreamError("another picture begins within its image")
    elif marker == _DNL:
        return
    elif marker in _FRAMES:
        if found.frame:
            raise _Contradiction("it has more than one frame header")
        found.frame = _frame(marker, body)
        found.progress = {number: [None] * 64 for number in found.frame.sampling}
    elif marker == _DRI and len(body) == 2:
        found.restart_interval = int.from_bytes(body, "big")
    found.parts.append(_segment(marker, body))


def _segment(marker: int, body: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(body) + 2) + body


def _read_metadata(found: _State, body: bytes) -> None:
    exif, xmp = b"Exif\0\0", b"http://ns.adobe.com/xap/1.0/\0"
    if body.startswith(exif):
        found.exif = found.exif or body
    elif body.startswith(xmp):
        found.xmp = found.xmp or body.removeprefix(xmp)


def _frame(marker: int, body: bytes) -> Frame:
    if marker in _UNSUPPORTED:
        raise UnsupportedCodestream(_UNSUPPORTED[marker])
    if len(body) < 6 or len(body) != 6 + 3 * body[5]:
        raise _Contradiction("its frame header has the wrong length")
    precision, rows, columns, components = struct.unpack_from(">BHHB", body)
    if precision != 8:
        raise UnsupportedCodestream(f"{precision}-bit JPEG")
    if components not in (1, 3, 4):
        raise UnsupportedCodestream(f"JPEG with {components} components")
    if rows == 0:
        raise UnsupportedCodestream("JPEG that states its height after the image (DNL)")
    numbers, sampling = body[6::3], body[7::3]
    if len(set(numbers)) != components:
        raise _Contradiction("two of its components have the same number")
    factors = [(factor >> 4, factor & 15) for factor in sampling]
    if not all(1 <= across <= 4 and 1 <= down <= 4 for across, down in factors):
        raise _Contradiction("its components are sampled in an impossible way")
    return Frame(marker, columns, rows, dict(zip(numbers, factors, strict=True)))


def _read_scan(found: _State, body: bytes, segment: _Segment) -> None:
    """Check the header of a scan (B.2.3)."""
    if found.frame is None:
        raise _Contradiction("a scan comes before the frame header")
    found.scans += 1
    if found.scans > _MAX_SCANS:
        raise UnsupportedCodestream(f"JPEG with more than {_MAX_SCANS} scans")
    if not body or len(body) != 4 + 2 * body[0]:
        raise _Contradiction("the header of a scan has the wrong length")
    components = list(body[1:-3:2])
    if not components or not found.progress.keys() >= set(components):
        raise _Contradiction("a scan is of components that its frame does not have")
    first, last, approximation = body[-3:]
    before, after = approximation >> 4, approximation & 15
    if found.frame.marker != _PROGRESSIVE:
        first, last, before, after = 0, _LAST_COEFFICIENT, 0, 0
    if first > last or last > _LAST_COEFFICIENT:
        raise _Contradiction("a scan is of coefficients that do not exist")
    for component in components:
        progress = found.progress[component]
        for coefficient in range(first, last + 1):
            if progress[coefficient] != (before or None):
                raise CodestreamError("a scan of its image is missing or repeated")
            progress[coefficient] = after
    _check_restarts(segment.restarts, found.frame.units(components), found.restart_interval)


def _check_restarts(found: list[bytes], units: int, interval: int) -> None:
    """Compare the restart markers with the interval (B.2.4.4); one more at the very end is harmless."""
    markers = [marker[0] - 0xD0 for marker in found]
    needed = (units - 1) // interval if interval else 0
    in_order = all(marker == number % 8 for number, marker in enumerate(markers))
    if not needed <= len(markers) <= needed + bool(interval) or not in_order:
        raise CodestreamError("parts of its image are missing or out of order")


def _ceil_div(dividend: int, divisor: int) -> int:
    return -(-dividend // divisor)


def damaged(reason: str) -> errors.DamagedImage:
    """The error for a damaged or truncated file."""
    return errors.DamagedImage(f"The JPEG file is damaged or cut off: {reason}. Export or copy it again.")

"""Checks that a compressed frame is complete, and gives it the end marker that some writers omit.

JPEG decoders fill in missing data, so they accept a truncated picture, which is then partly grey.
References are to ITU-T T.81 (JPEG) and T.800 (JPEG 2000).
"""

from io import BytesIO
from struct import error, unpack_from

import numpy as np
from PIL import Image

from chalicelib.imaging.codestream import Codestream, CodestreamError, Family
from chalicelib.imaging.decoded import Pixels

_END = b"\xff\xd9"
"""EOI of JPEG and JPEG-LS (T.81 table B.1), EOC of JPEG 2000 (T.800 A.4.4)."""
_SOT = b"\xff\x90"
_MIN_TILE_PART = 14
"""Bytes from the marker SOT to the marker SOD (T.800 A.4.2)."""
_MAX_TILE_PARTS = 1_000_000
_RESTARTS = [bytes([0xFF, number]) for number in range(0xD0, 0xD8)]
_STRIP = 256
"""Rows compared at a time."""
_JUNK = bytes(range(1, 255, 2))
"""Meaningless entropy-coded data."""


def completed(stream: bytes, claims: Codestream) -> bytes:
    """The stream with its end marker, added if it is missing.

    Raises:
        UnsupportedCodestream: if it is a kind of JPEG that is not supported in JPEG files either.
        CodestreamError: if its headers or markers show that data are missing.
    """
    if claims.is_ordinary_jpeg:
        # Most TIFF files need no code for JPEG.
        from chalicelib.imaging.jpeg.segments import read_stream

        return b"".join([*read_stream(stream).parts, _END])
    if claims.family is Family.JPEG_2000:
        try:
            return stream[: _end_of_tiles(stream, claims)] + _END
        except (error, IndexError):
            raise CodestreamError("it ends within the header of a tile-part") from None
    # Writers put a little padding after the marker.
    if _END in stream.rstrip(b"\x00")[-16:]:
        return stream
    if claims.family is Family.JPEG_LS:  # its decoder wants the marker right after the data
        stream = stream.rstrip(b"\x00").removesuffix(b"\xff")
    return stream + _END


def _with_junk(stream: bytes) -> bytes:
    """A JPEG stream with meaningless entropy-coded data before its end marker.

    A decoder reads them only if the stream's own data do not suffice, and then the picture changes. The next
    restart marker lets a decoder read them that expects another restart interval (T.81 B.2.1).
    """
    end = stream.rindex(_END)
    last = max(_RESTARTS, key=stream.rfind)
    after = _RESTARTS[(_RESTARTS.index(last) + 1) % 8] if last in stream else _RESTARTS[0]
    return stream[:end] + _JUNK + after + _JUNK + stream[end:]


def is_whole(stream: bytes, values: Pixels) -> bool:
    """Whether a JPEG stream, decoded to `values`, has the data of all its pixels.

    Pillow shows missing pixels as grey without an error. It can only be detected by decoding twice.
    """
    picture = Image.open(BytesIO(_with_junk(stream)), formats=["JPEG"])
    columns, rows = picture.size
    return all(
        np.array_equal(
            values[row : row + _STRIP], np.asarray(picture.crop((0, row, columns, min(rows, row + _STRIP))))
        )
        for row in range(0, rows, _STRIP)
    )


def _end_of_tiles(stream: bytes, claims: Codestream) -> int:
    """The end of the last tile-part of a JPEG 2000 codestream."""
    position = claims.start + 2
    while stream[position : position + 2] != _SOT:
        position += 2 + int(unpack_from(">H", stream, position + 2)[0])
    tiles = set()
    for _ in range(_MAX_TILE_PARTS):
        tile, length = unpack_from(">HI", stream, position + 4)
        tiles.add(tile)
        if length == 0:  # the last one, which extends to the end marker
            position = _end_without_marker(stream)
            break
        if length < _MIN_TILE_PART:
            raise CodestreamError("a tile-part is shorter than its header")
        if position + length > len(stream):
            raise CodestreamError(
                f"a tile-part of {length:,} bytes is cut off, {len(stream) - position:,} of them are there"
            )
        position += length
        if stream[position : position + 2] != _SOT:
            break
    if not _is_end(stream[position:]):
        raise CodestreamError("no marker after a tile-part")
    if len(tiles) < claims.tiles:
        raise CodestreamError(f"{claims.tiles - len(tiles):,} of its {claims.tiles:,} tiles are missing")
    return position


def _end_without_marker(stream: bytes) -> int:
    found = stream.rfind(_END, len(stream.rstrip(b"\x00")) - 16)
    return len(stream) if found < 0 else found


def _is_end(rest: bytes) -> bool:
    """Whether only the end marker, complete or not, and padding are left."""
    return rest.startswith(_END) or not rest.removeprefix(b"\xff").strip(b"\x00")

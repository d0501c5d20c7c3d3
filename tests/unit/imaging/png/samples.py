"""PNG files that several of these tests use."""

import struct
import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chalicelib import imaging
from chalicelib.imaging.png import chunks
from chalicelib.tasks import InputSpec
from tests import images

GREY = InputSpec(width=32, height=32, channels=1, fit="stretch")


PADDED = InputSpec(width=32, height=32, channels=1, fit="pad")


LEVELS = [0, 80, 160, 255]


EIGHT = images.quadrants(LEVELS, "u1")


TWELVE_LEVELS = [0, 62, 125, 249]


ADAM7 = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]
"""First column and row of each pass, and its steps across and down."""


def chunk(kind: bytes, body: bytes = b"") -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def scanlines(samples: NDArray[Any], depth: int) -> bytes:
    """Scanlines without a filter, of samples with the shape (rows, columns) or (rows, columns, channels)."""
    flat = samples.reshape(len(samples), -1)
    if depth < 8:
        bits = np.unpackbits(flat.astype(np.uint8)[..., np.newaxis], axis=2)[..., 8 - depth :]
        packed = np.packbits(bits.reshape(len(flat), -1), axis=1)
    else:
        packed = flat.astype(f">u{depth // 8}").view(np.uint8)
    return b"".join(b"\0" + row.tobytes() for row in packed)


def header(columns: int, scanlines: int, depth: int, colour: int, *methods: int) -> bytes:
    return chunk(b"IHDR", struct.pack(">IIBBBBB", columns, scanlines, depth, colour, *(methods or (0, 0, 0))))


def png(
    samples: NDArray[Any],
    depth: int,
    colour: int,
    *before: bytes,
    interlaced: bool = False,
    after: bytes = b"",
) -> bytes:
    """A file with chunks before and after the image data."""
    passes = ADAM7 if interlaced else [(0, 0, 1, 1)]
    data = b"".join(scanlines(samples[y::down, x::across], depth) for x, y, across, down in passes)
    return b"".join([
        chunks.SIGNATURE,
        header(samples.shape[1], samples.shape[0], depth, colour, 0, 0, int(interlaced)),
        *before,
        chunk(b"IDAT", zlib.compress(data)),
        after,
        chunk(b"IEND"),
    ])  # fmt: skip


def levels(data: bytes, spec: InputSpec = GREY) -> Any:
    """The level in the middle of each square, of each channel if there are three."""
    found = imaging.prepare(data, spec).pixels[:, 8::16, 8::16].reshape(spec.channels, 4)
    return found[0].tolist() if spec.channels == 1 else found.T.tolist()


def grey_rgb(samples: NDArray[Any], *alpha: NDArray[Any]) -> NDArray[Any]:
    return np.stack([samples, samples, samples, *alpha], axis=-1)


SOUND = png(EIGHT, 8, 0)


STREAM = zlib.compress(scanlines(EIGHT, 8))


START = chunks.SIGNATURE + header(32, 32, 8, 0)

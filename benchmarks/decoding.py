"""Compares compressed DICOM frames decoded in a child process with the same decoder in this process."""

import mmap
from collections.abc import Iterator

import numpy as np
from PIL import Image

from benchmarks.timing import Comparison, compare
from chalicelib.imaging import codestream
from chalicelib.imaging.dicom import decoder, decoder_process
from chalicelib.imaging.dicom.minimal_file import minimal_file
from tests import images

SIDES = (64, 640, 1760)
"""Of square frames of 16 bits: 8 kB, 0.8 MB and 6 MB of samples."""


def comparisons() -> Iterator[Comparison]:
    """One comparison per size, and one with a child process that has to be started first."""
    for side in SIDES:
        stream = _jpeg_2000(side)
        yield compare(
            f"JPEG 2000 {side} x {side}, child process",
            lambda stream=stream: decoder.decode(stream, codestream.read(stream)),  # type: ignore[misc]
            lambda stream=stream: _decode_here(stream),  # type: ignore[misc]
        )
    small = _jpeg_2000(SIDES[0])
    yield compare(
        f"JPEG 2000 {SIDES[0]} x {SIDES[0]}, new child process",
        lambda: _decode_in_new_process(small),
        lambda: _decode_here(small),
    )


def _jpeg_2000(side: int) -> bytes:
    """A codestream of a film with noise, without loss."""
    down, right = np.indices((side, side), dtype=np.uint16)
    noise = np.random.default_rng(0).integers(0, 16, (side, side), np.uint16)
    return images.encode(Image.fromarray((down + right) % 4096 + noise), "JPEG2000", no_jp2=True)


def _decode_here(stream: bytes) -> None:
    claims = codestream.read(stream)
    content = b"".join(minimal_file(stream, claims))
    samples = np.zeros((claims.rows, claims.columns), np.uint16)
    with mmap.mmap(-1, len(content)) as file:
        file.write(content)
        decoder_process._decode(file, samples)


def _decode_in_new_process(stream: bytes) -> None:
    process = decoder.DecoderProcess()
    process.decode(stream, codestream.read(stream))
    process.stop()

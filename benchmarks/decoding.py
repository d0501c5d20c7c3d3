"""Compares compressed DICOM frames decoded in a child process with the same decoder in this process."""

import mmap
from functools import partial

import numpy as np
from PIL import Image

from benchmarks.plan import Plan
from benchmarks.section import Section
from benchmarks.timing import Comparison, compare
from chalicelib.imaging import codestream
from chalicelib.imaging.dicom import decoder, decoder_process
from chalicelib.imaging.dicom.minimal_file import minimal_file
from tests import images

SIDES = (64, 640, 1760)
"""Of square frames of 16 bits: 8 kB, 0.8 MB and 6 MB of samples."""


COLUMNS = ("", "child process / ms", "here / ms", "more / ms", "rounds")
TEXT = """\
Compressed DICOM frames are decoded in a child process, so that a crash of the decoder costs one image
only. This is what that costs, for square frames of 16 bits, compared with the same decoder in the same
process."""


def measure(plan: Plan) -> Section:
    """One row per size, and one with a child process that has to be started first."""
    section = Section("The process that decodes compressed DICOM", TEXT, COLUMNS)
    rounds = plan.choose(9, 2)
    for side in plan.choose(SIDES, SIDES[:2]):
        plan.say(f"Decoding process: {side} x {side}")
        stream = _jpeg_2000(side)
        in_child = partial(_decode_in_child, stream)
        _add(
            section,
            compare(f"JPEG 2000, {side} x {side}", in_child, partial(_decode_here, stream), 1, rounds),
        )
    small = _jpeg_2000(SIDES[0])
    name = f"JPEG 2000, {SIDES[0]} x {SIDES[0]}, new child process"
    in_new = partial(_decode_in_new_process, small)
    _add(section, compare(name, in_new, partial(_decode_here, small), 1, rounds))
    return section


def _add(section: Section, found: Comparison) -> None:
    section.add(found.name, found.ours, found.other, found.ours - found.other, str(found.rounds))


def _jpeg_2000(side: int) -> bytes:
    """A codestream of a film with noise, without loss."""
    down, right = np.indices((side, side), dtype=np.uint16)
    noise = np.random.default_rng(0).integers(0, 16, (side, side), np.uint16)
    return images.encode(Image.fromarray((down + right) % 4096 + noise), "JPEG2000", no_jp2=True)


def _decode_in_child(stream: bytes) -> None:
    decoder.decode(stream, codestream.read(stream))


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

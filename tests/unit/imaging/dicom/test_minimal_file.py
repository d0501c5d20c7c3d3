"""The DICOM header that decoders get is made from the stream."""

from dataclasses import replace
from io import BytesIO

import numpy as np
import pytest
from PIL import Image
from pydicom import dcmread
from pydicom.encaps import generate_frames

from chalicelib.imaging.codestream import Codestream, read
from chalicelib.imaging.dicom.minimal_file import minimal_file
from tests import images

DEEP = Image.fromarray(images.gradient(9, 11, high=65_535).astype(np.uint16))
JPEG_2000 = images.encode(DEEP, "JPEG2000", no_jp2=True)
JPEG = images.encode(Image.fromarray(images.colours(9, 11)), "JPEG")


@pytest.mark.parametrize(
    ("stream", "syntax", "facts"),
    [
        (JPEG_2000, "1.2.840.10008.1.2.4.90", (9, 11, 1, "MONOCHROME2", 16, 16)),
        (JPEG, "1.2.840.10008.1.2.4.51", (9, 11, 3, "RGB", 8, 8)),
    ],
    ids=["JPEG 2000", "JPEG"],
)
def test_header_repeats_that_of_the_stream(stream: bytes, syntax: str, facts: tuple[object, ...]) -> None:
    dataset = dcmread(BytesIO(b"".join(minimal_file(stream, read(stream)))), force=True)
    assert dataset.file_meta.TransferSyntaxUID == syntax
    assert facts == (
        dataset.Rows,
        dataset.Columns,
        dataset.SamplesPerPixel,
        dataset.PhotometricInterpretation,
        dataset.BitsAllocated,
        dataset.BitsStored,
    )
    (frame,) = generate_frames(dataset.PixelData, number_of_frames=1)
    assert len(frame) % 2 == 0


def test_bytes_before_the_stream_are_left_out() -> None:
    claims: Codestream = replace(read(JPEG_2000), start=12)
    _, stream, _ = minimal_file(bytes(12) + JPEG_2000, claims)
    assert stream.removesuffix(b"\0") == JPEG_2000.removesuffix(b"\0")

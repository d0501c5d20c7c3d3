"""Streams for the tests of the decoder."""

import numpy as np
from PIL import Image

from chalicelib.imaging import codestream
from chalicelib.imaging.dicom import decoder
from tests import images


def grey_stream(level: int = 100, side: int = 64) -> bytes:
    """A JPEG 2000 codestream of one grey level with 8 bits."""
    return images.encode(Image.new("L", (side, side), level), "JPEG2000", no_jp2=True)


def decode(data: bytes) -> np.ndarray:
    return decoder.decode(data, codestream.read(data))

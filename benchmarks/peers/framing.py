"""The plain way from a file to the array that a network takes, with Pillow and numpy."""

from io import BytesIO

import numpy as np
from PIL import Image


def framed(data: bytes, width: int, height: int) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    """Decode an image and fit it into a black frame: uint8 (1, 1, height, width)."""
    image = Image.open(BytesIO(data)).convert("L")
    scale = min(width / image.width, height / image.height)
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    left, top = (width - size[0]) // 2, (height - size[1]) // 2
    frame = np.zeros((1, 1, height, width), np.uint8)
    small = image.resize(size, Image.Resampling.BILINEAR)
    frame[0, 0, top : top + size[1], left : left + size[0]] = np.asarray(small)
    return frame

"""Plain decoding and resizing, as scripts do it. Arguments: library, width, height."""

import importlib
import sys
from collections.abc import Callable
from io import BytesIO
from typing import Any

import numpy as np
from PIL import Image

from benchmarks.peers.protocol import Answer, serve

Size = tuple[int, int]
DEEP = 255 / 4095
"""From 12 to 8 bits."""


def with_pillow(data: bytes, size: Size) -> Any:
    """Pillow: decode, convert, resize."""
    image: Image.Image = Image.open(BytesIO(data))
    if image.mode.startswith("I"):
        image = Image.fromarray(np.asarray(image).astype(np.float32) * DEEP)
        return np.asarray(image.resize(size, Image.Resampling.BILINEAR)).astype(np.uint8)
    return np.asarray(image.convert("L").resize(size, Image.Resampling.BILINEAR))


def with_pydicom(data: bytes, size: Size) -> Any:
    """Read with pydicom, apply the window, and resize with Pillow."""
    from pydicom import dcmread
    from pydicom.pixels.processing import apply_voi_lut

    dataset = dcmread(BytesIO(data))
    values = apply_voi_lut(dataset.pixel_array, dataset).astype(np.float32) * DEEP
    return np.asarray(Image.fromarray(values).resize(size, Image.Resampling.BILINEAR)).astype(np.uint8)


def with_opencv(data: bytes, size: Size) -> Any:
    """OpenCV: decode, resize to the mean of areas, convert."""
    import cv2

    cv2.setNumThreads(1)
    image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_ANYDEPTH | cv2.IMREAD_GRAYSCALE)
    small = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    return small if small.dtype == np.uint8 else (small * DEEP).astype(np.uint8)


LIBRARIES: dict[str, tuple[str, Callable[[bytes, Size], Any]]] = {
    "Pillow": ("PIL", with_pillow),
    "pydicom": ("pydicom", with_pydicom),
    "OpenCV": ("cv2", with_opencv),
}
"""Modules that are imported at the start, and what decodes."""


def load(library: str, width: str, height: str) -> Answer:
    """Take the library's name."""
    _, decode = LIBRARIES[library]
    return lambda data: f"{decode(data, (int(width), int(height))).mean():.0f}"


if __name__ == "__main__":
    importlib.import_module(LIBRARIES[sys.argv[1]][0])
    serve(lambda: load(*sys.argv[1:]))

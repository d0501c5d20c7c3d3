"""Prepared images from the bytes of files."""

from io import BytesIO
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from chalicelib.errors import DamagedImage
from chalicelib.imaging import prepare
from chalicelib.tasks import InputSpec

ARRAY = b"\x93NUMPY"
"""First bytes of a file that numpy saved."""
_LOADING = Lock()
"""numpy reads headers with `ast.literal_eval`, which may fail if two threads call it ("SystemError: AST
constructor recursion depth mismatch", seen with Python 3.11.2)."""


class OutdatedArray(DamagedImage):
    """The array was prepared for another input than the task has now."""


def decode(data: bytes, spec: InputSpec) -> NDArray[np.uint8]:
    """The prepared image (channels, height, width) of an image file, or of an array of the application.

    Raises:
        ImageError: if it cannot be read.
    """
    return unpack(data, spec) if data.startswith(ARRAY) else prepare(data, spec).pixels


def unpack(data: bytes, spec: InputSpec) -> NDArray[np.uint8]:
    """The array in a .npy file.

    Raises:
        DamagedImage: if it is damaged.
        OutdatedArray: if it was prepared for another input.
    """
    try:
        with _LOADING:
            array = np.load(BytesIO(data), allow_pickle=False)
    except Exception:  # numpy raises many kinds of exceptions on damaged files
        raise DamagedImage("The array is damaged.") from None
    if array.dtype != np.uint8 or array.shape != spec.shape:
        raise OutdatedArray(
            "The array was prepared for an input that differs from the current one of the task."
        )
    pixels: NDArray[np.uint8] = array
    return pixels

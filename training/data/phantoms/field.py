"""The grid of a frame, and smooth noise on it."""

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

Field = NDArray[np.float64]
"""A value for each pixel, shape (SIDE, SIDE).

Echoes are logarithms of intensities until speckle has been added, as a scanner compresses them.
"""

SIDE = 128
"""Pixels; all lengths are in pixels of frames of this size."""
ROWS, COLUMNS = np.mgrid[0:SIDE, 0:SIDE].astype(np.float64)


def texture(rng: np.random.Generator, height: float, width: float) -> Field:
    """Smooth noise of mean 0 and deviation 1 with blobs of about `height` x `width` pixels."""
    field = gaussian_filter(rng.standard_normal((SIDE, SIDE)), (height, width), mode="reflect")
    centred: Field = (field - field.mean()) / field.std()
    return centred

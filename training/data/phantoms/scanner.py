"""The image that a scanner makes of an echo: speckle, display settings, burnt-in marks."""

import numpy as np
from scipy.ndimage import gaussian_filter

from training.data.phantoms.field import SIDE, Field
from training.data.phantoms.lesion import Lesion


def display(rng: np.random.Generator, echo: Field) -> Field:
    """The image of an echo, from 0 to 1, with speckle and the scanner's window, gamma and sharpness."""
    size = rng.uniform(0.35, 0.8)
    real, imaginary = (gaussian_filter(rng.standard_normal((SIDE, SIDE)), (size, 2 * size)) for _ in range(2))
    # The echoes of many scatterers add up to a random walk in the complex plane (Goodman 1975).
    speckle = np.hypot(real, imaginary)
    image = echo + np.log(speckle / speckle.mean() + 0.3) * rng.uniform(0.1, 0.5)
    darkest, brightest = np.quantile(image, [rng.uniform(0, 0.15), rng.uniform(0.97, 0.999)])
    image = np.clip((image - darkest) / (brightest - darkest), 0, 1) ** rng.uniform(1.2, 2.4)
    shown: Field = gaussian_filter(image * rng.uniform(0.7, 1), rng.uniform(0.2, 0.9))
    return shown


def burn_in(rng: np.random.Generator, image: Field, lesion: Lesion | None) -> None:
    """Draw callipers at the ends of a lesion, and the dark borders of some frames, into `image`."""
    if lesion and rng.random() < 0.35:
        ends = (
            (lesion.row, lesion.column - lesion.wide),
            (lesion.row, lesion.column + lesion.wide),
            (lesion.row - lesion.tall, lesion.column),
            (lesion.row + lesion.tall, lesion.column),
        )
        for end in ends:
            row, column = (int(np.clip(place, 2, SIDE - 3)) for place in end)
            cross = rng.uniform(0.8, 1)
            image[row - 2 : row + 3, column] = cross
            image[row, column - 2 : column + 3] = cross
    if rng.random() < 0.3:
        image[: rng.integers(2, 8)] *= rng.uniform(0, 0.5)
    if rng.random() < 0.2:
        image[-rng.integers(2, 14) :] *= rng.uniform(0, 0.3)

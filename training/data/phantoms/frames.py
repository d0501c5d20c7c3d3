"""Frames with their classes."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from training.data.phantoms.field import ROWS, SIDE
from training.data.phantoms.lesion import add_lesion, place_lesion
from training.data.phantoms.scanner import burn_in, display
from training.data.phantoms.tissue import draw_tissue

TASK = "breast-ultrasound"
CLASSES = ("normal", "benign", "malignant")
"""The classes of that task, in its order."""
DECEPTIVE = 0.12
"""Share of the lesions that look like the other kind."""


def draw_frames(count: int, seed: int) -> Iterator[tuple[NDArray[np.uint8], int]]:
    """Frames, shape (SIDE, SIDE), each with the index of its class; the classes alternate."""
    for number in range(count):
        label = number % len(CLASSES)
        yield draw_frame(np.random.default_rng((seed, number)), CLASSES[label]), label


def draw_frame(rng: np.random.Generator, kind: str) -> NDArray[np.uint8]:
    """One frame of a class, shape (SIDE, SIDE)."""
    echo = draw_tissue(rng)
    lesion = None
    if kind != "normal":
        deceptive = rng.random() < DECEPTIVE
        lesion = place_lesion(rng, malignant=(kind == "malignant") != deceptive)
        echo = add_lesion(rng, echo, lesion)
    echo -= (ROWS / SIDE) ** rng.uniform(0.7, 2) * rng.uniform(0, 2)
    image = display(rng, echo)
    burn_in(rng, image, lesion)
    return np.rint(255 * image).astype(np.uint8)

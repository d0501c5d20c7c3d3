"""What every way of running a model has in common."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from chalicelib.film import Pixels

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class ModelIdentity:
    """Which model answered."""

    version: str
    sha256: str
    backend: str
    """"embedded" or "endpoint"."""


@dataclass(frozen=True)
class Outputs:
    """What a model says of N images with K classes."""

    probabilities: Floats
    """Shape (N, K); each row sums to 1."""
    activation: Floats
    """Shape (N, K, h, w), 0..1: where the evidence for each class lies, on a coarse grid over the input."""
    distance: Floats
    """Shape (N,): how far each image lies from anything seen in training; larger is stranger."""
    distance_threshold: float
    model: ModelIdentity


class Backend(Protocol):
    """Runs one task's model, wherever it is."""

    def run(self, images: Pixels) -> Outputs:
        """Classify `images`, uint8 of shape (N, channels, height, width).

        Raises:
            EndpointNotReady: if trying again later can help.
            ModelFailed: if it cannot.
        """

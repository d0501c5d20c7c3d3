"""What every way of running a model has in common."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from chalicelib.imaging.decoded import Pixels

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class ModelIdentity:
    """Which model answered."""

    version: str
    sha256: str | None
    """Of the package's graph; None for a model that came in no package."""
    backend: str
    """"embedded" or "endpoint"."""


@dataclass(frozen=True)
class ModelOutputs:
    """What a model says of N images with K classes."""

    probabilities: Floats
    """Shape (N, K); each row sums to 1."""
    activation: Floats | None
    """Shape (N, K, h, w), 0..1: where the evidence for each class lies, on a coarse grid over the input; None
    from a model that does not tell."""
    distance: Floats | None
    """Shape (N,): how far each image lies from anything seen in training, larger is stranger; None from a
    model that does not tell."""
    distance_threshold: float
    """The distance beyond which the model does not know what it looks at; infinite without distances."""
    model: ModelIdentity

    def is_out_of_distribution(self, index: int) -> bool:
        """Whether an image is unlike anything the model was trained on; False where the model cannot tell."""
        return self.distance is not None and bool(self.distance[index] > self.distance_threshold)


class Backend(Protocol):
    """Runs one task's model, wherever it is."""

    def run(self, images: Pixels) -> ModelOutputs:
        """Classify `images`, uint8 of shape (N, channels, height, width).

        Raises:
            EndpointNotReady: if trying again later can help.
            ModelFailed: if it cannot.
        """

"""The interface of everything that runs a model."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

from chalicelib.models.thresholds import Thresholds

if TYPE_CHECKING:  # a request that needs no model does not wait for numpy
    import numpy as np
    from numpy.typing import NDArray

    from chalicelib.imaging.decoded import Pixels

    Floats = NDArray[np.float32]

BackendKind = Literal["embedded", "endpoint", "transform"]
"""Where a model runs: in the process that asks, on a SageMaker endpoint, or in a transform job of one."""


@dataclass(frozen=True)
class ModelIdentity:
    """The model that answered."""

    version: str
    sha256: str | None
    """Digest of the package's graph; None for a model without a package."""
    backend: BackendKind


@dataclass(frozen=True)
class ModelOutputs:
    """A model's outputs for N images and K classes."""

    probabilities: "Floats"
    """Shape (N, K); each row sums to 1."""
    activation: "Floats | None"
    """Activation maps, shape (N, K, h, w), 0..1: the evidence for each class on a coarse grid over the input;
    None from a model without them."""
    distance: "Floats | None"
    """Shape (N,): distance of each image from the training images; None from a model without distances."""
    thresholds: Thresholds
    model: ModelIdentity

    def is_out_of_distribution(self, index: int) -> bool:
        """Whether an image is out of distribution; False if the model has no distances."""
        return self.distance is not None and bool(self.distance[index] > self.thresholds.distance)


class Backend(Protocol):
    """Runs the model of one task, in this process or on an endpoint."""

    def run(self, images: "Pixels") -> ModelOutputs:
        """Classify `images`, uint8 of shape (N, channels, height, width).

        Raises:
            EndpointNotReady: if trying again later can help.
            ModelFailed: if it cannot.
        """

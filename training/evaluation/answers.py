"""What a model that serves said of some images, wherever it runs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chalicelib.models.review_rule import reasons_for_review
from chalicelib.tasks import Task
from training.core.arrays import Floats

OUTPUTS = ("probabilities", "distance")
"""What of a graph's outputs is judged; maps of where it looked would fill the memory."""
UNFAMILIAR = "unfamiliar"
"""Code of the reason for review that an image gets if it is unlike anything seen in training."""


@dataclass(frozen=True)
class Answers:
    """The answers for N images, in their order."""

    probabilities: Floats
    """Shape (N, classes)."""
    distances: Floats | None
    """Shape (N,): from anything seen in training; None where the model does not tell, as behind the API."""
    reasons: Sequence[Sequence[str]]
    """For each image the codes of the reasons why a person should look as well."""

    @property
    def needs_review(self) -> NDArray[np.bool_]:
        """Whether a person should look, shape (N,)."""
        return np.array([bool(codes) for codes in self.reasons])

    @property
    def unfamiliar(self) -> NDArray[np.bool_]:
        """Whether the image is beyond the distance threshold, shape (N,)."""
        return np.array([UNFAMILIAR in codes for codes in self.reasons])


def read_outputs(outputs: Mapping[str, NDArray[Any]], task: Task, distance_threshold: float) -> Answers:
    """The answers in a graph's outputs `probabilities` and `distance`, by the task's rule for review."""
    probabilities, distances = outputs["probabilities"], outputs["distance"]
    reasons = [
        [reason.code for reason in reasons_for_review(task, row, bool(distance > distance_threshold))]
        for row, distance in zip(probabilities, distances, strict=True)
    ]
    return Answers(probabilities.astype(np.float64), distances.astype(np.float64), reasons)

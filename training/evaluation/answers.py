"""The answers of a model for images, wherever it runs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chalicelib.models.review_rule import reasons_for_review
from chalicelib.models.thresholds import Thresholds
from chalicelib.tasks import Task
from training.core.arrays import Floats

OUTPUTS = ("probabilities", "distance")
"""The outputs of a graph that are evaluated; the activation maps would fill the memory."""
UNFAMILIAR = "unfamiliar"
"""Code of the reason for review of out-of-distribution images."""


@dataclass(frozen=True)
class Answers:
    """The answers for N images, in their order."""

    probabilities: Floats
    """Shape (N, classes)."""
    distances: Floats | None
    """Distances from the training images, shape (N,); None if unknown, as behind the API."""
    reasons: Sequence[Sequence[str]]
    """For each image, the codes of the reasons for review."""

    @property
    def needs_review(self) -> NDArray[np.bool_]:
        """Whether an image is marked for review, shape (N,)."""
        return np.array([bool(codes) for codes in self.reasons])

    @property
    def out_of_distribution(self) -> NDArray[np.bool_]:
        """Whether the distance of an image is above the threshold, shape (N,)."""
        return np.array([UNFAMILIAR in codes for codes in self.reasons])


def read_outputs(outputs: Mapping[str, NDArray[Any]], task: Task, thresholds: Thresholds) -> Answers:
    """The answers in a graph's outputs `probabilities` and `distance`, with the review rule."""
    probabilities, distances = outputs["probabilities"], outputs["distance"]
    reasons = [
        [
            reason.code
            for reason in reasons_for_review(
                task,
                row,
                out_of_distribution=bool(distance > thresholds.distance),
                min_probability=thresholds.probability,
            )
        ]
        for row, distance in zip(probabilities, distances, strict=True)
    ]
    return Answers(probabilities.astype(np.float64), distances.astype(np.float64), reasons)

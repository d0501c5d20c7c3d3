"""Selective prediction: how often answers are right if the least certain ones are left to a person."""

import math

import numpy as np
from numpy.typing import NDArray

from training.core.arrays import Floats, Ints


def choose_min_probability(
    probabilities: Floats, labels: Ints, eligible: NDArray[np.bool_], min_accuracy: float
) -> float | None:
    """The lowest threshold of the predicted class's probability with which enough answers are right.

    Args:
        probabilities: for validation images, shape (N, classes).
        labels: their true classes, shape (N,).
        eligible: whether an image passes every other review rule, shape (N,).
        min_accuracy: of the answers that are left.

    Returns:
        The threshold, rounded down to six digits. None if there is none, or if it would leave so few answers
        that they could not show the accuracy: with fewer than 34, one error is too many for 0.97.
    """
    confidence = probabilities[eligible].max(1)
    right = probabilities[eligible].argmax(1) == labels[eligible]
    order = np.argsort(-confidence, kind="stable")
    confidence, right = confidence[order], right[order]
    count = np.arange(1, len(right) + 1)
    # Among equal probabilities, a threshold keeps all or none.
    ends = np.append(confidence[1:] < confidence[:-1], True)[: len(right)]
    least = 1 / (1 - min_accuracy) if min_accuracy < 1 else 1
    reached = np.flatnonzero(ends & (count >= least) & (right.cumsum() >= min_accuracy * count))
    return math.floor(confidence[reached[-1]] * 1e6) / 1e6 if len(reached) else None


def accuracy_by_coverage(probabilities: Floats, labels: Ints) -> tuple[Floats, Floats]:
    """The selective-prediction curve: shares (N,) of the most certain images, and the accuracy of each share.

    Between images of equal probability it takes their mean accuracy, so that their order does not matter.
    """
    confidence, right = probabilities.max(1), probabilities.argmax(1) == labels
    levels, level, images = np.unique(-confidence, return_inverse=True, return_counts=True)
    covered = images.cumsum()
    correct = np.bincount(level, right, len(levels)).cumsum()
    return covered / len(labels), correct / covered

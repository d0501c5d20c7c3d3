"""Comparison of two models on the same images, with its uncertainty."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from training.core.arrays import Floats, Ints
from training.evaluation import confusion
from training.evaluation.bootstrap import GroupBootstrap, Interval, interval
from training.evaluation.confusion import Confusions

MIN_PROBABILITY = 1e-6
"""Lower limit of probabilities in logarithms: a single confident error must not decide alone."""


@dataclass(frozen=True)
class Comparison:
    """A candidate compared with the current model; differences are candidate minus current."""

    accuracy: Interval
    balanced_accuracy: Interval
    log_score: Interval
    """Mean logarithm of the probability of the true class: a proper scoring rule, and a sensitive one."""
    probability_better: float
    """Share of the resamples in which the candidate's log score is higher; ties count half."""
    sensitivity: dict[str, Interval]
    """By class."""
    images: int
    """Number of images that both were measured on."""
    balanced_accuracies: tuple[float, float]
    """That of the candidate and that of the current model."""

    def to_dict(self) -> dict[str, Any]:
        """As JSON types."""
        return dict(vars(self))


def compare(
    class_names: Sequence[str],
    labels: Ints,
    groups: Sequence[str],
    candidate: Floats,
    current: Floats,
    resamples: int,
    seed: int,
) -> Comparison:
    """Compare by a paired bootstrap: both models are measured on the same resamples of groups.

    Args:
        class_names: K names.
        labels: true classes, shape (N,).
        groups: the patient of each image.
        candidate: its probabilities, shape (N, K).
        current: likewise.
        resamples: of the bootstrap.
        seed: of the bootstrap.
    """
    bootstrap = GroupBootstrap(groups, resamples, seed)
    ours, theirs = (
        Confusions(labels, answers.argmax(1), len(class_names), bootstrap) for answers in (candidate, current)
    )
    gain = _log_scores(candidate, labels) - _log_scores(current, labels)
    gains = bootstrap.resample_images(lambda weights: (weights @ gain / weights.sum(1))[:, np.newaxis])[:, 0]
    return Comparison(
        accuracy=ours.difference(theirs, confusion.accuracy),
        balanced_accuracy=ours.difference(theirs, confusion.balanced_accuracy),
        log_score=interval(float(gain.mean()), gains),
        probability_better=float(((gains > 0) + 0.5 * (gains == 0)).mean()),
        sensitivity={
            name: ours.difference(theirs, lambda matrices, k=k: confusion.sensitivity(matrices)[:, k])  # type: ignore[misc]  # mypy cannot infer lambdas with defaults
            for k, name in enumerate(class_names)
        },
        images=len(labels),
        balanced_accuracies=(_balanced_accuracy(ours), _balanced_accuracy(theirs)),
    )


def _balanced_accuracy(model: Confusions) -> float:
    with np.errstate(invalid="ignore"):  # classes without images
        return float(confusion.balanced_accuracy(model.whole[np.newaxis])[0])


def _log_scores(probabilities: Floats, labels: Ints) -> Floats:
    of_truth = probabilities[np.arange(len(labels)), labels]
    scores: Floats = np.log(np.maximum(of_truth, MIN_PROBABILITY))
    return scores

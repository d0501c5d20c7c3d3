"""All measurements of a model on one set of images, and the curves."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chalicelib.tasks import Task
from training.core.arrays import Ints
from training.core.calibration import (
    calibration_error_by_chance,
    change_temperature,
    expected_calibration_error,
)
from training.core.selective import accuracy_by_coverage
from training.evaluation.answers import Answers
from training.evaluation.bootstrap import GroupBootstrap, interval
from training.evaluation.confusion import Confusions, accuracy
from training.evaluation.curves import draw_curves
from training.evaluation.metrics import Predictions, evaluate

COVERAGES = (0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
"""Shares of the images for which the accuracy of the most certain answers is stated."""


@dataclass(frozen=True)
class Assessment:
    """The measurements of an assessment."""

    answers: Answers
    """The measured answers."""
    metrics: dict[str, Any]
    """As `model.json` holds them."""
    curves: dict[str, Any]
    """As `model.json` holds them; see curves.draw_curves."""


def assess(
    task: Task,
    answers: Answers,
    labels: Ints,
    groups: Sequence[str],
    subgroups: Mapping[str, Sequence[str]],
    temperature: float | None,
    resamples: int,
    seed: int,
) -> Assessment:
    """Measure the answers of a model for N images.

    Args:
        task: whose classes and review rule apply.
        answers: of the model.
        labels: the true classes, shape (N,).
        groups: the patient of each image.
        subgroups: by attribute, its value for each image ("" if unknown).
        temperature: by which the model divides its logits; None if unknown.
        resamples: of the bootstrap behind each interval.
        seed: of the bootstrap.
    """
    predictions = Predictions(labels, answers.probabilities, groups, subgroups)
    uncalibrated = None if temperature is None else change_temperature(answers.probabilities, 1 / temperature)
    by_chance, limit = calibration_error_by_chance(answers.probabilities, seed)
    metrics = {
        **evaluate(predictions, task.class_names, resamples, seed, task.negative),
        "ece_before": None if uncalibrated is None else expected_calibration_error(uncalibrated, labels),
        "ece_after": expected_calibration_error(answers.probabilities, labels),
        "ece_by_chance": {"mean": by_chance, "limit": limit},
        "unfamiliar": float(answers.out_of_distribution.mean()),
        "accuracy_at_coverage": _accuracy_at_coverage(predictions),
        "review": _review(predictions, answers.needs_review, resamples, seed),
        "profile": _profile(task, answers),
    }
    curves = draw_curves(predictions, uncalibrated, task.class_names, task.negative)
    return Assessment(answers, metrics, curves)


def _accuracy_at_coverage(predictions: Predictions) -> list[tuple[float, float]]:
    """Shares of the images, the most certain ones, and the accuracy of their answers."""
    shares, accuracies = accuracy_by_coverage(predictions.probabilities, predictions.labels)
    ends = np.searchsorted(shares, np.array(COVERAGES) - 1e-9)
    return list(zip(COVERAGES, accuracies[ends].tolist(), strict=True))


def _profile(task: Task, answers: Answers) -> dict[str, Any]:
    """The distributions of the answers, for drift detection; no true class is needed."""
    best = answers.probabilities.argmax(1)
    deciles = np.linspace(0.1, 0.9, 9)

    def of(values: NDArray[np.float64]) -> list[float]:
        return [round(float(value), 6) for value in np.quantile(values, deciles)]

    return {
        "images": len(best),
        "labels": {name: float((best == index).mean()) for index, name in enumerate(task.class_names)},
        "confidence_deciles": of(answers.probabilities.max(1)),
        "distance_deciles": None if answers.distances is None else of(answers.distances),
    }


def _review(
    predictions: Predictions, needs_review: NDArray[np.bool_], resamples: int, seed: int
) -> dict[str, Any]:
    """The share of images marked for review, and the accuracy of the others."""
    rest = ~needs_review
    if not rest.any():
        return {"share": 1.0, "accuracy_of_rest": interval(np.nan, np.empty(0))}
    confusions = Confusions(
        predictions.labels[rest],
        predictions.predicted[rest],
        predictions.probabilities.shape[1],
        GroupBootstrap(np.asarray(predictions.groups)[rest].tolist(), resamples, seed),
    )
    return {"share": float(needs_review.mean()), "accuracy_of_rest": confusions.interval(accuracy)}

"""How good a classifier is, with intervals that respect that images of one patient resemble each other."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

TAIL = 0.025
"""Share of the resamples below, and above, a 95 % interval."""


@dataclass(frozen=True)
class Predictions:
    """What a model said of some images, and what is true."""

    labels: Ints
    """Shape (N,)."""
    probabilities: Floats
    """Shape (N, classes)."""
    groups: Sequence[str]
    """The patient of each image."""

    @property
    def predicted(self) -> Ints:
        """The most probable class of each image."""
        best: Ints = self.probabilities.argmax(1)
        return best


def confusion_matrix(labels: Ints, predicted: Ints, classes: int) -> Ints:
    """Counts, shape (classes, classes); rows are the true class, columns the predicted one."""
    return np.bincount(labels * classes + predicted, minlength=classes * classes).reshape(classes, classes)


def balanced_accuracy(labels: Ints, predicted: Ints) -> float:
    """Mean sensitivity over the classes that occur."""
    return float(np.mean([(predicted[labels == label] == label).mean() for label in np.unique(labels)]))


def evaluate(
    predictions: Predictions, class_names: Sequence[str], resamples: int, seed: int
) -> dict[str, Any]:
    """All metrics of a test, as `model.json` holds them.

    Every value comes with a 95 % interval: percentiles of a bootstrap that draws whole groups (patients).
    Where no error was seen the bootstrap would claim certainty; there the lower end is the exact binomial
    one (Clopper-Pearson) for as many trials as there are groups.
    """
    groups, members = np.unique(np.asarray(predictions.groups), return_inverse=True)
    draws = np.random.default_rng(seed).multinomial(len(groups), [1 / len(groups)] * len(groups), resamples)
    counts = _confusion_by_group(predictions, members, len(groups))
    whole = counts.sum(0, keepdims=True)
    resampled = np.einsum("rg,gij->rij", draws, counts)

    def interval(metric: Callable[[Ints], Floats]) -> dict[str, float]:
        with np.errstate(invalid="ignore"):
            return _interval(metric(whole)[0], metric(resampled), int(np.isfinite(metric(counts)).sum()))

    def of_class(rate: Callable[[Ints], Floats], index: int) -> dict[str, float]:
        return interval(lambda matrices: rate(matrices)[:, index])

    return {
        "accuracy": interval(_accuracy),
        "balanced_accuracy": interval(lambda matrices: np.nanmean(_sensitivity(matrices), 1)),
        "macro_f1": interval(lambda matrices: np.nanmean(_f1(matrices), 1)),
        "auc": _auc_interval(predictions, draws[:, members]),
        "confusion_matrix": whole[0].tolist(),
        "per_class": {
            name: {"sensitivity": of_class(_sensitivity, index), "specificity": of_class(_specificity, index)}
            for index, name in enumerate(class_names)
        },
    }


def area_under_curve(positive: NDArray[np.bool_], scores: Floats, weights: Floats) -> Floats:
    """Area under the ROC curve for each row of `weights`, shape (R, N); ties count half.

    NaN where a row leaves no positive or no negative image.
    """
    order = np.argsort(scores, kind="stable")
    starts = np.flatnonzero(np.diff(scores[order], prepend=-np.inf))
    weights, positive = weights[:, order], positive[order]
    above = np.add.reduceat(np.where(positive, weights, 0.0), starts, axis=1)
    below = np.add.reduceat(np.where(positive, 0.0, weights), starts, axis=1)
    pairs = (above * (below.cumsum(1) - below / 2)).sum(1)
    with np.errstate(invalid="ignore"):
        area: Floats = pairs / (above.sum(1) * below.sum(1))
    return area


def _confusion_by_group(predictions: Predictions, members: Ints, groups: int) -> Ints:
    classes = predictions.probabilities.shape[1]
    counts = np.zeros((groups, classes, classes), np.int64)
    np.add.at(counts, (members, predictions.labels, predictions.predicted), 1)
    return counts


def _accuracy(matrices: Ints) -> Floats:
    accuracy: Floats = matrices.trace(axis1=1, axis2=2) / matrices.sum((1, 2))
    return accuracy


def _sensitivity(matrices: Ints) -> Floats:
    hits = matrices.diagonal(axis1=1, axis2=2)
    sensitivity: Floats = hits / matrices.sum(2)
    return sensitivity


def _specificity(matrices: Ints) -> Floats:
    hits = matrices.diagonal(axis1=1, axis2=2)
    negatives = matrices.sum((1, 2))[:, np.newaxis] - matrices.sum(2)
    false_alarms = matrices.sum(1) - hits
    specificity: Floats = 1 - false_alarms / negatives
    return specificity


def _f1(matrices: Ints) -> Floats:
    hits = matrices.diagonal(axis1=1, axis2=2)
    f1: Floats = 2 * hits / (matrices.sum(1) + matrices.sum(2))
    return f1


def _auc_interval(predictions: Predictions, weights: Ints) -> dict[str, float]:
    """Macro average over the classes, each against the rest."""

    def macro(rows: Floats) -> Floats:
        areas = [
            area_under_curve(predictions.labels == label, predictions.probabilities[:, label], rows)
            for label in np.unique(predictions.labels)
        ]
        mean: Floats = np.mean(areas, axis=0)
        return mean

    value = macro(np.ones((1, len(predictions.labels))))[0]
    low, high = np.nanquantile(macro(weights.astype(float)), [TAIL, 1 - TAIL])
    return {"value": float(value), "low": float(low), "high": float(high)}


def _interval(value: float, resampled: Floats, groups: int) -> dict[str, float]:
    low, high = np.nanquantile(resampled, [TAIL, 1 - TAIL])
    if value == 1.0:
        low = min(low, TAIL ** (1 / groups))
    return {"value": float(value), "low": float(low), "high": float(high)}

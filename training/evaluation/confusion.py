"""Confusion matrices and rates."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.core.arrays import Floats, Ints
from training.evaluation.bootstrap import GroupBootstrap, Interval, interval

Matrices = NDArray[Any]
"""Shape (M, classes, classes): weights or counts of images; rows: true class, columns: predicted class."""


class Confusions:
    """The confusion matrix of a test, and those of its groups and resamples."""

    def __init__(self, labels: Ints, predicted: Ints, classes: int, bootstrap: GroupBootstrap):
        """Take the true and the predicted class of each image, both of shape (N,)."""
        by_group = np.zeros((bootstrap.groups, classes, classes), np.int64)
        np.add.at(by_group, (bootstrap.members, labels, predicted), 1)
        self.whole: Ints = by_group.sum(0)
        self._by_group = by_group
        self._resampled = bootstrap.resample_totals(by_group)

    def interval(self, metric: Callable[[Matrices], Floats]) -> Interval:
        """The interval of a metric, a function from M matrices to M values."""
        with np.errstate(invalid="ignore"):
            trials = int(np.isfinite(metric(self._by_group)).sum())
            return interval(float(metric(self.whole[np.newaxis])[0]), metric(self._resampled), trials)

    def difference(self, other: "Confusions", metric: Callable[[Matrices], Floats]) -> Interval:
        """The interval of a metric minus that of another model, with the same resamples."""
        with np.errstate(invalid="ignore"):
            value, others = (float(metric(one.whole[np.newaxis])[0]) for one in (self, other))
            return interval(value - others, metric(self._resampled) - metric(other._resampled))

    def interval_of(self, label: int, rate: Callable[[Matrices], Floats]) -> Interval:
        """The interval of a rate of one class; `rate` is a function from M matrices to (M, classes)."""
        return self.interval(lambda matrices: rate(matrices)[:, label])


def accuracy(matrices: Matrices) -> Floats:
    """Share of the images whose predicted class is the true one, shape (M,)."""
    share: Floats = matrices.trace(axis1=1, axis2=2) / matrices.sum((1, 2))
    return share


def balanced_accuracy(matrices: Matrices) -> Floats:
    """Mean sensitivity over the classes that occur, shape (M,)."""
    mean: Floats = np.nanmean(sensitivity(matrices), 1)
    return mean


def macro_f1(matrices: Matrices) -> Floats:
    """Mean F1 over the classes that occur or are predicted, shape (M,)."""
    mean: Floats = np.nanmean(f1(matrices), 1)
    return mean


def sensitivity(matrices: Matrices) -> Floats:
    """Share of the images of each class that are predicted so (recall), shape (M, classes)."""
    share: Floats = _hits(matrices) / matrices.sum(2)
    return share


def specificity(matrices: Matrices) -> Floats:
    """Share of the images of other classes that are not predicted so, shape (M, classes)."""
    others = matrices.sum((1, 2))[:, np.newaxis] - matrices.sum(2)
    false_alarms = matrices.sum(1) - _hits(matrices)
    share: Floats = 1 - false_alarms / others
    return share


def precision(matrices: Matrices) -> Floats:
    """Share of the images predicted as each class that belong to it, shape (M, classes)."""
    share: Floats = _hits(matrices) / matrices.sum(1)
    return share


def f1(matrices: Matrices) -> Floats:
    """Harmonic mean of sensitivity and precision, shape (M, classes)."""
    mean: Floats = 2 * _hits(matrices) / (matrices.sum(1) + matrices.sum(2))
    return mean


def _hits(matrices: Matrices) -> Matrices:
    return matrices.diagonal(axis1=1, axis2=2)

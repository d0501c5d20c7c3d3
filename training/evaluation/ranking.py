"""Ranking metrics: how well a score ranks positive images before negative ones."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.core.arrays import Floats


@dataclass(frozen=True)
class Ranking:
    """True and false positives at every threshold.

    Each of R rows is the same test with other image weights (how often a resample drew an image); the T
    columns are the distinct scores, the highest first. Areas are NaN in rows without positive or without
    negative images.
    """

    hits: Floats
    """Shape (R, T): weight of the positive images with at least this score."""
    alarms: Floats
    """Shape (R, T): weight of the negative images with at least this score."""

    @classmethod
    def of(cls, positive: NDArray[np.bool_], scores: Floats, weights: Floats) -> "Ranking":
        """Rank N images by `scores`, shape (N,), with `weights` of shape (R, N)."""
        order = np.argsort(-scores, kind="stable")
        starts = np.flatnonzero(np.diff(scores[order], prepend=np.inf))
        weights, positive = weights[:, order], positive[order]
        hits = np.add.reduceat(np.where(positive, weights, 0.0), starts, axis=1).cumsum(1)
        alarms = np.add.reduceat(np.where(positive, 0.0, weights), starts, axis=1).cumsum(1)
        return cls(hits, alarms)

    def recall(self) -> Floats:
        """Share of the positive images that are found, shape (R, T)."""
        return _share(self.hits, self.hits[:, -1:])

    def false_alarm_rate(self) -> Floats:
        """Share of the negative images that are found, shape (R, T)."""
        return _share(self.alarms, self.alarms[:, -1:])

    def precision(self) -> Floats:
        """Share of the found images that are positive, shape (R, T)."""
        return _share(self.hits, self.hits + self.alarms)

    def area_under_curve(self) -> Floats:
        """Area under the ROC curve, shape (R,); ties count half."""
        new_hits, new_alarms = np.diff(self.hits, prepend=0), np.diff(self.alarms, prepend=0)
        pairs = (new_alarms * (self.hits - new_hits / 2)).sum(1)
        return _share(pairs, self.hits[:, -1] * self.alarms[:, -1])

    def average_precision(self) -> Floats:
        """Mean precision over thresholds, weighted by the recall each adds, shape (R,); no interpolation."""
        new_hits = np.diff(self.hits, prepend=0)
        # Before the first image in a resample, precision is undefined, and nothing is added.
        gained = np.multiply(new_hits, self.precision(), out=np.zeros_like(new_hits), where=new_hits > 0)
        return self._where_both_kinds(_share(gained.sum(1), self.hits[:, -1]))

    def precision_at_recall(self, least: float) -> Floats:
        """Highest precision of the thresholds with at least this recall, shape (R,)."""
        # A recall that equals `least` may miss it by rounding.
        enough = self.recall() >= least - 1e-12
        best: Floats = np.where(enough, self.precision(), -np.inf).max(1)
        return self._where_both_kinds(best)

    def _where_both_kinds(self, values: Floats) -> Floats:
        return np.where((self.hits[:, -1] > 0) & (self.alarms[:, -1] > 0), values, np.nan)


def _share(part: Floats, whole: Floats) -> Floats:
    with np.errstate(invalid="ignore"):
        share: Floats = part / whole
    return share

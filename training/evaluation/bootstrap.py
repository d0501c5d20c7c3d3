"""95 % intervals by a bootstrap over groups (patients), because images of one patient are similar."""

from collections.abc import Callable, Sequence

import numpy as np

from training.core.arrays import Floats, Ints

Interval = dict[str, float | None]
"""`value`, `low` and `high`; None if they are undefined for the images."""

TAIL = 0.025
"""Share of the resamples below a 95 % interval, and above it."""
BLOCK = 4_000_000
"""Weights (resamples x images) that are processed at once, so that large tests fit into memory."""


class GroupBootstrap:
    """Resamples of a test part: whole groups (patients), drawn with replacement."""

    def __init__(self, groups: Sequence[str], resamples: int, seed: int):
        names, self.members = np.unique(np.asarray(groups), return_inverse=True)
        self.groups = len(names)
        self._draws = np.random.default_rng(seed).multinomial(
            self.groups, [1 / self.groups] * self.groups, resamples
        )

    def resample_totals(self, totals: Ints) -> Floats:
        """The totals of each resample, (resamples, ...), from those of each group, (groups, ...)."""
        resampled: Floats = np.tensordot(self._draws.astype(float), totals.astype(float), 1)
        return resampled

    def resample_images(self, metrics: Callable[[Floats], Floats]) -> Floats:
        """The values, (resamples, M), of `metrics`, a function of image weights, (R, images)."""
        rows = max(1, BLOCK // len(self.members))
        blocks = (self._draws[start : start + rows] for start in range(0, len(self._draws), rows))
        return np.concatenate([metrics(block[:, self.members].astype(float)) for block in blocks])


def interval(value: float, resampled: Floats, trials: int | None = None) -> Interval:
    """A value with the percentiles of its resamples, shape (resamples,); NaN means "undefined".

    If there was no error (or no success), all resamples have the same value, although it is not certain. The
    open end of a proportion is then the exact binomial limit (Clopper and Pearson 1934) for `trials`, the
    number of groups.
    """
    defined = resampled[np.isfinite(resampled)]
    if not np.isfinite(value) or not len(defined):
        return {"value": None, "low": None, "high": None}
    low, high = map(float, np.quantile(defined, [TAIL, 1 - TAIL]))
    if trials and value == 1:
        low = min(low, TAIL ** (1 / trials))
    if trials and value == 0:
        high = max(high, 1 - TAIL ** (1 / trials))
    return {"value": float(value), "low": low, "high": high}

"""95 % intervals that respect that images of one patient resemble each other."""

from collections.abc import Callable, Sequence

import numpy as np

from training.core.arrays import Floats, Ints

Interval = dict[str, float | None]
"""`value`, `low` and `high`; None where the images do not define them."""

TAIL = 0.025
"""Share of the resamples below, and above, a 95 % interval."""
BLOCK = 4_000_000
"""Weights (resamples x images) that are worked on at a time, so that large tests fit into memory."""


class GroupBootstrap:
    """Resamples of a test in which whole groups (patients) are drawn, with replacement."""

    def __init__(self, groups: Sequence[str], resamples: int, seed: int):
        names, self.members = np.unique(np.asarray(groups), return_inverse=True)
        self.groups = len(names)
        self._draws = np.random.default_rng(seed).multinomial(
            self.groups, [1 / self.groups] * self.groups, resamples
        )

    def resample_totals(self, totals: Ints) -> Floats:
        """From totals of each group, shape (groups, ...), to those of each resample, (resamples, ...)."""
        resampled: Floats = np.tensordot(self._draws.astype(float), totals.astype(float), 1)
        return resampled

    def resample_images(self, metrics: Callable[[Floats], Floats]) -> Floats:
        """What `metrics` makes of image weights, shape (R, images), for all resamples: (resamples, M)."""
        rows = max(1, BLOCK // len(self.members))
        blocks = (self._draws[start : start + rows] for start in range(0, len(self._draws), rows))
        return np.concatenate([metrics(block[:, self.members].astype(float)) for block in blocks])


def interval(value: float, resampled: Floats, trials: int | None = None) -> Interval:
    """A value with the percentiles of its resamples, shape (resamples,); NaN means "not defined".

    Where no error was seen (or no success) every resample says the same, which is not certainty. For a
    proportion the open end is then the exact binomial one (Clopper and Pearson 1934) for as many `trials` as
    there are groups.
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

"""Resampling of whole groups."""

import numpy as np
import pytest

from training.evaluation.bootstrap import GroupBootstrap, interval


def test_resamples_draw_whole_groups() -> None:
    bootstrap = GroupBootstrap(["x", "y", "x", "z"], 20, 0)
    weights = bootstrap.resample_images(lambda rows: rows)

    assert weights.shape == (20, 4)
    assert (weights[:, 0] == weights[:, 2]).all()
    assert (weights[:, [0, 1, 3]].sum(1) == 3).all()
    totals = np.array([[2, 0], [1, 1], [0, 5]])
    assert bootstrap.resample_totals(totals) == pytest.approx(weights[:, [0, 1, 3]] @ totals)


def test_interval_of_undefined_resamples_is_undefined() -> None:
    assert interval(0.5, np.full(10, np.nan)) == {"value": None, "low": None, "high": None}
    assert interval(np.nan, np.ones(10)) == {"value": None, "low": None, "high": None}

"""Curves of a test in a few points: reliability, ROC, and precision over recall."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.core.arrays import Floats
from training.core.calibration import reliability_table
from training.core.selective import accuracy_by_coverage
from training.evaluation.metrics import Predictions
from training.evaluation.ranking import Ranking

MAX_POINTS = 60
"""Of a curve; more are not visible in a plot."""
DIGITS = 4


def draw_curves(
    predictions: Predictions,
    uncalibrated: Floats | None,
    class_names: Sequence[str],
    negative: str | None = None,
) -> dict[str, Any]:
    """The curves of a test, as `model.json` holds them.

    `reliability` has the table `before` and `after` temperature scaling (before is None if `uncalibrated`, of
    shape (N, classes), is unknown). `selective` has the accuracy of the most certain answers over their share
    of the images, `coverage`. `classes` has each class against the rest, and `finding` the images of
    all other classes against those of the class `negative`. Each has `roc` with `false_alarm_rate` and
    `sensitivity`, and `precision_recall` with `recall` and `precision`, or is None if all images are on one
    side.
    """
    labels, probabilities = predictions.labels, predictions.probabilities
    curves: dict[str, Any] = {
        "reliability": {
            "before": None if uncalibrated is None else _rounded_bins(uncalibrated, predictions),
            "after": _rounded_bins(probabilities, predictions),
        },
        "selective": dict(
            zip(("coverage", "accuracy"), _thin(*accuracy_by_coverage(probabilities, labels)), strict=True)
        ),
        "classes": {
            name: _ranking_curves(labels == label, probabilities[:, label])
            for label, name in enumerate(class_names)
        },
    }
    if negative is not None:
        label = class_names.index(negative)
        curves["finding"] = _ranking_curves(labels != label, 1 - probabilities[:, label])
    return curves


def _rounded_bins(probabilities: Floats, predictions: Predictions) -> dict[str, Any]:
    table = reliability_table(probabilities, predictions.labels)
    return {name: np.round(values, DIGITS).tolist() for name, values in table.items()}


def _ranking_curves(positive: NDArray[np.bool_], scores: Floats) -> dict[str, Any] | None:
    if positive.all() or not positive.any():
        return None
    ranking = Ranking.of(positive, scores, np.ones((1, len(scores))))
    false_alarms, found = ranking.false_alarm_rate()[0], ranking.recall()[0]
    roc = _thin(np.append(0, false_alarms), np.append(0, found))
    # Thresholds below the one with full recall only add false alarms.
    until = int(found.argmax()) + 1
    precision_recall = _thin(found[:until], ranking.precision()[0, :until])
    return {
        "roc": {"false_alarm_rate": roc[0], "sensitivity": roc[1]},
        "precision_recall": {"recall": precision_recall[0], "precision": precision_recall[1]},
    }


def _thin(x: Floats, y: Floats) -> tuple[list[float], list[float]]:
    """Both ends and the corners of a curve, at most `MAX_POINTS`, spaced evenly along its length."""
    turns = np.abs(np.diff(x)[1:] * np.diff(y)[:-1] - np.diff(x)[:-1] * np.diff(y)[1:]) > 1e-12
    corners = np.flatnonzero(np.concatenate([[True], turns, [True]])) if len(x) > 1 else np.arange(len(x))
    x, y = x[corners], y[corners]
    if len(x) > MAX_POINTS:
        length = np.append(0, np.hypot(np.diff(x), np.diff(y)).cumsum())
        kept = np.searchsorted(length, np.linspace(0, length[-1], MAX_POINTS)).clip(max=len(x) - 1)
        kept = np.unique(kept)
        x, y = x[kept], y[kept]
    return x.round(DIGITS).tolist(), y.round(DIGITS).tolist()

"""Metrics of a classifier, each with an interval from a bootstrap over groups (patients)."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.core.arrays import Floats, Ints
from training.evaluation import confusion
from training.evaluation.bootstrap import GroupBootstrap, Interval, interval
from training.evaluation.confusion import Confusions
from training.evaluation.ranking import Ranking

HIGH_RECALL = 0.99
"""Recall at which precision is reported, as in screening: one finding in a hundred may be missed."""
MIN_SUBGROUP = 20
"""Number of images; smaller subgroups are not reported."""


@dataclass(frozen=True)
class Predictions:
    """The predictions of a model for N images, with their true classes."""

    labels: Ints
    """Shape (N,)."""
    probabilities: Floats
    """Shape (N, classes)."""
    groups: Sequence[str]
    """The patient of each image."""
    subgroups: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """By attribute of patient or image (sex, scanner, ...), its value for each image; "" if unknown."""

    @property
    def predicted(self) -> Ints:
        """The most probable class of each image."""
        best: Ints = self.probabilities.argmax(1)
        return best


def evaluate(
    predictions: Predictions,
    class_names: Sequence[str],
    resamples: int,
    seed: int,
    negative: str | None = None,
) -> dict[str, Any]:
    """All metrics of labels and probabilities, as `model.json` holds them.

    Every value comes with a 95 % interval: percentiles of a bootstrap that draws whole groups (patients).
    Metrics that are undefined for the images, such as the sensitivity for a class without images, are None.

    Args:
        predictions: of at least one image.
        class_names: in the order of the probabilities.
        resamples: of the bootstrap.
        seed: of the bootstrap.
        negative: the class that means "nothing found"; with it there is a `finding` block.
    """
    bootstrap = GroupBootstrap(predictions.groups, resamples, seed)
    confusions = Confusions(predictions.labels, predictions.predicted, len(class_names), bootstrap)
    ranks = [
        _rank(predictions.labels == label, predictions.probabilities[:, label], bootstrap)
        for label in range(len(class_names))
    ]
    metrics: dict[str, Any] = {
        "accuracy": confusions.interval(confusion.accuracy),
        "balanced_accuracy": confusions.interval(confusion.balanced_accuracy),
        "macro_f1": confusions.interval(confusion.macro_f1),
        "auc": _macro_auc(ranks),
        "confusion_matrix": confusions.whole.tolist(),
        "per_class": {
            name: {
                **_rates(confusions, label),
                "f1": confusions.interval_of(label, confusion.f1),
                **_areas(ranks[label]),
            }
            for label, name in enumerate(class_names)
        },
    }
    if negative is not None:
        metrics["finding"] = {
            "negative": negative,
            **_finding(predictions, class_names.index(negative), bootstrap),
        }
    if predictions.subgroups:
        metrics["subgroups"] = {
            attribute: dict(_of_subgroups(predictions, values, resamples, seed))
            for attribute, values in predictions.subgroups.items()
        }
    return metrics


def _finding(predictions: Predictions, negative: int, bootstrap: GroupBootstrap) -> dict[str, Any]:
    """The test as a binary one: finding or no finding.

    `precision_at_high_recall` is the highest precision among the thresholds with a recall of at least
    `HIGH_RECALL` on these images. The model does not use that threshold.
    """
    present, found = predictions.labels != negative, predictions.predicted != negative
    confusions = Confusions(present.astype(np.int64), found.astype(np.int64), 2, bootstrap)
    rank = _rank(present, 1 - predictions.probabilities[:, negative], bootstrap)
    return {
        "accuracy": confusions.interval(confusion.accuracy),
        **_rates(confusions, 1),
        **_areas(rank),
        "precision_at_high_recall": interval(rank.whole[2], rank.resampled[:, 2]),
    }


def _of_subgroups(
    predictions: Predictions, values: Sequence[str], resamples: int, seed: int
) -> Iterator[tuple[str, dict[str, Any]]]:
    of_image = np.asarray(values)
    names, sizes = np.unique(of_image, return_counts=True)
    for name in names[sizes >= MIN_SUBGROUP].tolist():
        chosen = of_image == name
        bootstrap = GroupBootstrap(np.asarray(predictions.groups)[chosen].tolist(), resamples, seed)
        confusions = Confusions(
            predictions.labels[chosen],
            predictions.predicted[chosen],
            predictions.probabilities.shape[1],
            bootstrap,
        )
        yield (
            name,
            {
                "images": int(chosen.sum()),
                "groups": bootstrap.groups,
                "accuracy": confusions.interval(confusion.accuracy),
                "balanced_accuracy": confusions.interval(confusion.balanced_accuracy),
            },
        )


@dataclass(frozen=True)
class _Rank:
    """AUC, average precision and precision at high recall of one class against the rest."""

    whole: Floats
    """Shape (3,)."""
    resampled: Floats
    """Shape (resamples, 3)."""


def _rank(positive: NDArray[np.bool_], scores: Floats, bootstrap: GroupBootstrap) -> _Rank:
    def measure(weights: Floats) -> Floats:
        ranking = Ranking.of(positive, scores, weights)
        values = (
            ranking.area_under_curve(),
            ranking.average_precision(),
            ranking.precision_at_recall(HIGH_RECALL),
        )
        return np.stack(values, axis=1)

    return _Rank(measure(np.ones((1, len(scores))))[0], bootstrap.resample_images(measure))


def _rates(confusions: Confusions, label: int) -> dict[str, Any]:
    return {
        "images": int(confusions.whole[label].sum()),
        "sensitivity": confusions.interval_of(label, confusion.sensitivity),
        "specificity": confusions.interval_of(label, confusion.specificity),
        "precision": confusions.interval_of(label, confusion.precision),
    }


def _areas(rank: _Rank) -> dict[str, Any]:
    return {
        "auc": interval(rank.whole[0], rank.resampled[:, 0]),
        "average_precision": interval(rank.whole[1], rank.resampled[:, 1]),
    }


def _macro_auc(ranks: Sequence[_Rank]) -> Interval:
    """Mean over the classes for which it is defined."""
    defined = [rank for rank in ranks if np.isfinite(rank.whole[0])]
    if not defined:
        return interval(np.nan, np.empty(0))
    value = np.mean([rank.whole[0] for rank in defined])
    return interval(float(value), np.mean([rank.resampled[:, 0] for rank in defined], axis=0))

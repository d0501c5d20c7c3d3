"""Rankings: areas under curves, with weights and ties."""

import numpy as np
import pytest
from sklearn import metrics as sklearn_metrics

from training.evaluation.ranking import Ranking


def test_tied_scores_count_half() -> None:
    positive, scores = np.array([True, True, False, False]), np.array([0.9, 0.5, 0.5, 0.1])

    assert Ranking.of(positive, scores, np.ones((1, 4))).area_under_curve() == pytest.approx([3.5 / 4])


def test_weights_act_as_repetitions() -> None:
    rng = np.random.default_rng(0)
    positive, scores, weights = rng.random(30) < 0.5, rng.random(30).round(1), rng.integers(0, 4, (5, 30))

    ranking = Ranking.of(positive, scores, weights.astype(float))

    for row, area, average, best in zip(
        weights,
        ranking.area_under_curve(),
        ranking.average_precision(),
        ranking.precision_at_recall(0.8),
        strict=True,
    ):
        true, score = np.repeat(positive, row), np.repeat(scores, row)
        precision, recall, _ = sklearn_metrics.precision_recall_curve(true, score)
        assert area == pytest.approx(sklearn_metrics.roc_auc_score(true, score))
        assert average == pytest.approx(sklearn_metrics.average_precision_score(true, score))
        assert best == pytest.approx(precision[recall >= 0.8].max())


def test_perfect_ranking_has_an_area_of_exactly_one() -> None:
    rng = np.random.default_rng(0)
    positive = np.arange(97) < 31
    ranking = Ranking.of(positive, np.where(positive, 0.9, 0.1), rng.integers(0, 4, (50, 97)).astype(float))

    assert set(ranking.area_under_curve()) == {1.0}
    assert set(ranking.average_precision()) == {1.0}

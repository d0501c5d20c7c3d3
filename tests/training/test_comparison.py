"""Comparison of two models on the same images."""

import numpy as np
import pytest

from training.core.arrays import Floats, Ints
from training.evaluation.comparison import Comparison, compare

CLASSES = ("a", "b", "c")
COUNT = 300
LABELS: Ints = np.arange(COUNT) % 3
GROUPS = [f"patient-{number // 4}" for number in range(COUNT)]


def answers(share_right: float, sureness: float, seed: int) -> Floats:
    """Probabilities of a model with about this accuracy and the same confidence for each image."""
    random = np.random.default_rng(seed)
    wrong = (LABELS + random.integers(1, 3, COUNT)) % 3
    said = np.where(random.random(COUNT) < share_right, LABELS, wrong)
    probabilities = np.full((COUNT, 3), (1 - sureness) / 2)
    probabilities[np.arange(COUNT), said] = sureness
    return probabilities


def compare_models(candidate: Floats, current: Floats) -> Comparison:
    return compare(CLASSES, LABELS, GROUPS, candidate, current, 500, 0)


def test_much_better_model_is_better_with_certainty() -> None:
    comparison = compare_models(answers(0.9, 0.85, 0), answers(0.7, 0.7, 1))

    assert comparison.probability_better > 0.99
    low, value = comparison.accuracy["low"], comparison.accuracy["value"]
    assert low is not None
    assert value is not None
    assert 0 < low < value == pytest.approx(0.2, abs=0.07)


def test_swapped_models_reverse_all_signs() -> None:
    one, other = answers(0.9, 0.85, 0), answers(0.8, 0.7, 1)
    forth, back = compare_models(one, other), compare_models(other, one)

    assert forth.probability_better == pytest.approx(1 - back.probability_better)
    for there, again in ((forth.log_score, back.log_score), (forth.sensitivity["b"], back.sensitivity["b"])):
        assert None not in (*there.values(), *again.values())
        assert there["value"] == pytest.approx(-float(again["value"] or 0))
        assert there["low"] == pytest.approx(-float(again["high"] or 0))


def test_model_is_not_better_than_itself() -> None:
    same = answers(0.8, 0.7, 0)

    comparison = compare_models(same, same)

    assert comparison.probability_better == 0.5
    assert comparison.accuracy == comparison.balanced_accuracy == {"value": 0.0, "low": 0.0, "high": 0.0}


def test_log_score_favours_the_less_overconfident_of_equally_accurate_models() -> None:
    current = answers(0.8, 0.98, 0)
    honest = np.where(current > 0.5, 0.8, 0.1)

    comparison = compare_models(honest, current)

    assert comparison.accuracy["value"] == 0
    assert comparison.probability_better > 0.95


def test_intervals_resample_whole_patients() -> None:
    """A difference in the images of one patient is not significant, however many there are."""
    groups = ["one"] * 100 + [f"patient-{number}" for number in range(COUNT - 100)]
    current = answers(0.8, 0.7, 0)
    candidate = current.copy()
    candidate[:100] = answers(1.0, 0.9, 0)[:100]

    by_patient = compare(CLASSES, LABELS, groups, candidate, current, 2000, 0)
    by_image = compare(CLASSES, LABELS, list(map(str, range(COUNT))), candidate, current, 2000, 0)

    assert by_patient.probability_better == pytest.approx(1 - np.exp(-1) / 2, abs=0.04)
    assert by_image.probability_better > 0.99

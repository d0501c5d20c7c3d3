"""Selective prediction: the threshold of the probability, and the curve."""

import numpy as np
import pytest

from training.core.selective import accuracy_by_coverage, choose_min_probability


def answers(confidence: list[float], right: list[bool]) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities (N, 2) and labels (N,) with these confidences in class 1."""
    sure = np.array(confidence)
    return np.stack([1 - sure, sure], 1), np.array(right, np.int64)


def test_threshold_leaves_as_many_answers_as_reach_the_accuracy() -> None:
    # The 50 most certain answers are right, of the 50 others every second one.
    confidence = np.linspace(0.99, 0.6, 100).tolist()
    probabilities, labels = answers(confidence, [True] * 50 + [False, True] * 25)
    everything = np.ones(100, bool)

    threshold = choose_min_probability(probabilities, labels, everything, 0.97)

    assert threshold is not None
    kept = probabilities.max(1) >= threshold
    assert (probabilities.argmax(1) == labels)[kept].mean() >= 0.97
    assert kept.sum() == 52  # 51 of 52 are right; with the next one it is 51 of 53
    assert choose_min_probability(probabilities, labels, everything, 0.5) == pytest.approx(0.6, abs=1e-5)


def test_threshold_counts_only_eligible_images() -> None:
    confidence = np.linspace(0.99, 0.6, 100).tolist()
    wrong_first = [False] * 10 + [True] * 90
    probabilities, labels = answers(confidence, wrong_first)

    assert choose_min_probability(probabilities, labels, np.ones(100, bool), 0.97) is None
    eligible = np.arange(100) >= 10
    assert choose_min_probability(probabilities, labels, eligible, 0.97) == pytest.approx(0.6, abs=1e-5)


def test_equal_probabilities_are_kept_or_left_together() -> None:
    probabilities, labels = answers([0.9] * 40 + [0.8] * 40, [True] * 77 + [False] * 3)
    everything = np.ones(80, bool)
    assert choose_min_probability(probabilities, labels, everything, 0.97) == pytest.approx(0.9, abs=1e-5)


@pytest.mark.parametrize("count", [0, 1, 33])
def test_few_answers_show_no_accuracy(count: int) -> None:
    probabilities, labels = answers([0.99] * count, [True] * count)
    assert choose_min_probability(probabilities.reshape(-1, 2), labels, np.ones(count, bool), 0.97) is None


def test_certain_answers_are_enough_for_full_accuracy() -> None:
    probabilities, labels = answers([0.99, 0.9, 0.8], [True, True, False])
    assert choose_min_probability(probabilities, labels, np.ones(3, bool), 1.0) == pytest.approx(
        0.9, abs=1e-5
    )


def test_curve_ends_at_the_accuracy_of_all_images() -> None:
    probabilities, labels = answers([0.9, 0.9, 0.8, 0.7], [True, False, True, False])

    coverage, accuracy = accuracy_by_coverage(probabilities, labels)

    assert coverage.tolist() == [0.5, 0.75, 1.0]
    assert accuracy == pytest.approx([1 / 2, 2 / 3, 1 / 2])

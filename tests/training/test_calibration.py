"""Temperature scaling and calibration error."""

import numpy as np
import pytest
from scipy.special import softmax
from sklearn.metrics import log_loss

from training.core.calibration import (
    calibration_error_by_chance,
    change_temperature,
    expected_calibration_error,
    fit_temperature,
    reliability_table,
)


def overconfident_logits(count: int = 2000) -> tuple[np.ndarray, np.ndarray]:
    """Logits that are three times too large, and labels drawn from the correct probabilities."""
    rng = np.random.default_rng(0)
    honest = rng.normal(0, 1.5, (count, 4))
    labels = np.array([rng.choice(4, p=row) for row in softmax(honest, axis=1)])
    return 3 * honest, labels


def test_temperature_is_the_factor_by_which_logits_are_too_large() -> None:
    logits, labels = overconfident_logits()

    assert fit_temperature(logits, labels)[0] == pytest.approx(3, rel=0.1)


def test_temperature_scaling_lowers_loss_and_calibration_error() -> None:
    logits, labels = overconfident_logits()
    temperature, loss = fit_temperature(logits, labels)
    before, after = softmax(logits, axis=1), softmax(logits / temperature, axis=1)

    assert log_loss(labels, after) < 0.8 * log_loss(labels, before)
    assert loss == pytest.approx(log_loss(labels, after), rel=0.01)
    assert expected_calibration_error(after, labels) < 0.25 * expected_calibration_error(before, labels)


def test_temperature_of_an_error_free_validation_part_avoids_certainty() -> None:
    labels = np.arange(200) % 4
    logits = 2.0 * np.eye(4)[labels]

    probabilities = softmax(logits / fit_temperature(logits, labels)[0], axis=1)

    assert probabilities.max(1) == pytest.approx(201 / 202, abs=1e-4)


def test_expected_calibration_error_matches_manual_calculation() -> None:
    # Two of three answers at 0.9 are right, and one at 0.6 is wrong: (|2 - 2.7| + |0 - 0.6|) / 4.
    probabilities = np.array([[0.9, 0.1], [0.9, 0.1], [0.1, 0.9], [0.6, 0.4]])
    labels = np.array([0, 0, 0, 1])

    assert expected_calibration_error(probabilities, labels) == pytest.approx((0.7 + 0.6) / 4)


def test_reliability_table_matches_manual_calculation() -> None:
    probabilities = np.array([[0.9, 0.1], [0.92, 0.08], [0.1, 0.9], [0.6, 0.4], [0.0, 1.0]])
    labels = np.array([0, 0, 0, 1, 1])

    assert reliability_table(probabilities, labels) == {
        "confidence": pytest.approx([0.6, (0.9 + 0.92 + 0.9) / 3, 1.0]),
        "accuracy": pytest.approx([0, 2 / 3, 1]),
        "images": [1, 3, 1],
    }


def test_expected_calibration_error_agrees_with_its_definition() -> None:
    rng = np.random.default_rng(0)
    probabilities, labels = rng.dirichlet((0.5, 0.5, 0.5), 300), rng.integers(0, 3, 300)

    total = 0.0
    for low in np.arange(15) / 15:
        inside = [p for p in range(300) if low <= probabilities[p].max() < low + 1 / 15]
        right = sum(probabilities[p].argmax() == labels[p] for p in inside)
        total += abs(right - sum(probabilities[p].max() for p in inside))

    assert expected_calibration_error(probabilities, labels) == pytest.approx(total / 300)


def test_calibration_error_by_chance_is_that_of_calibrated_answers() -> None:
    """Labels are drawn from the probabilities themselves, and their errors measured as those of a test."""
    rng = np.random.default_rng(0)
    probabilities = rng.dirichlet((0.5, 0.5, 0.5), 130)
    errors = [
        expected_calibration_error(probabilities, (probabilities.cumsum(1) > rng.random((130, 1))).argmax(1))
        for _ in range(500)
    ]

    mean, limit = calibration_error_by_chance(probabilities, seed=1)

    assert mean == pytest.approx(np.mean(errors), rel=0.05)
    assert limit == pytest.approx(np.quantile(errors, 0.95), rel=0.08)


def test_more_images_have_less_calibration_error_by_chance() -> None:
    probabilities = np.random.default_rng(0).dirichlet((0.5, 0.5, 0.5), 3000)

    assert calibration_error_by_chance(probabilities, 0)[0] < 0.02
    assert calibration_error_by_chance(probabilities[:100], 0)[0] > 0.05


def test_change_temperature_of_probabilities_equals_scaling_the_logits() -> None:
    logits, _ = overconfident_logits(20)

    assert change_temperature(softmax(logits / 2, axis=1), 1.5) == pytest.approx(softmax(logits / 3, axis=1))


def test_correction_is_added_after_the_division() -> None:
    """After training with class weights, logits favour one class; here they are also too large."""
    logits, labels = overconfident_logits()
    favour = np.log([4.0, 1.0, 1.0, 1.0])

    temperature, loss = fit_temperature(logits + 3 * favour, labels, -favour)

    assert temperature == pytest.approx(3, rel=0.1)
    assert loss == pytest.approx(fit_temperature(logits, labels)[1], rel=1e-3)
    assert loss < fit_temperature(logits + 3 * favour, labels)[1] - 0.05

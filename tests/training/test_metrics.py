"""Metrics against values worked out by hand and against scikit-learn."""

import numpy as np
import pytest
from sklearn.metrics import balanced_accuracy_score, f1_score, roc_auc_score

from training.metrics import Predictions, area_under_curve, balanced_accuracy, confusion_matrix, evaluate

NAMES = ("a", "b", "c")
# Ten images: a is right 3 of 4 times, b 2 of 3, c 3 of 3; one a is taken for b, one b for c.
LABELS = np.array([0, 0, 0, 0, 1, 1, 1, 2, 2, 2])
PREDICTED = np.array([0, 0, 0, 1, 1, 1, 2, 2, 2, 2])


def predictions(groups: list[str] | None = None) -> Predictions:
    probabilities = np.full((10, 3), 0.1)
    probabilities[np.arange(10), PREDICTED] = 0.8
    return Predictions(LABELS, probabilities, groups or [str(index) for index in range(10)])


def test_values_worked_out_by_hand() -> None:
    metrics = evaluate(predictions(), NAMES, resamples=200, seed=0)

    assert metrics["confusion_matrix"] == [[3, 1, 0], [0, 2, 1], [0, 0, 3]]
    assert metrics["accuracy"]["value"] == pytest.approx(0.8)
    assert metrics["balanced_accuracy"]["value"] == pytest.approx((3 / 4 + 2 / 3 + 1) / 3)
    assert metrics["macro_f1"]["value"] == pytest.approx((6 / 7 + 4 / 6 + 6 / 7) / 3)
    assert metrics["per_class"]["a"]["sensitivity"]["value"] == pytest.approx(3 / 4)
    assert metrics["per_class"]["a"]["specificity"]["value"] == pytest.approx(1)
    assert metrics["per_class"]["b"]["specificity"]["value"] == pytest.approx(6 / 7)
    assert metrics["per_class"]["c"]["specificity"]["value"] == pytest.approx(6 / 7)


def test_agrees_with_scikit_learn_on_random_answers() -> None:
    rng = np.random.default_rng(0)
    labels, probabilities = rng.integers(0, 3, 200), rng.dirichlet((1, 1, 1), 200)
    metrics = evaluate(Predictions(labels, probabilities, [*map(str, range(200))]), NAMES, 50, 0)
    predicted = probabilities.argmax(1)

    assert metrics["auc"]["value"] == pytest.approx(roc_auc_score(labels, probabilities, multi_class="ovr"))
    assert metrics["macro_f1"]["value"] == pytest.approx(f1_score(labels, predicted, average="macro"))
    assert metrics["balanced_accuracy"]["value"] == pytest.approx(balanced_accuracy_score(labels, predicted))
    assert balanced_accuracy(labels, predicted) == pytest.approx(balanced_accuracy_score(labels, predicted))


def test_tied_scores_count_half() -> None:
    positive, scores = np.array([True, True, False, False]), np.array([0.9, 0.5, 0.5, 0.1])

    assert area_under_curve(positive, scores, np.ones((1, 4))) == pytest.approx([3.5 / 4])


def test_weights_act_as_repetitions() -> None:
    rng = np.random.default_rng(0)
    positive, scores, weights = rng.random(30) < 0.5, rng.random(30).round(1), rng.integers(0, 4, 30)
    repeated = roc_auc_score(np.repeat(positive, weights), np.repeat(scores, weights))

    assert area_under_curve(positive, scores, weights[np.newaxis].astype(float)) == pytest.approx([repeated])


def test_confusion_matrix_has_true_classes_as_rows() -> None:
    assert confusion_matrix(np.array([0, 0, 1]), np.array([0, 1, 1]), 2).tolist() == [[1, 1], [0, 1]]


def test_intervals_contain_the_value_and_are_reproducible() -> None:
    first, again = (evaluate(predictions(), NAMES, 500, seed=3) for _ in range(2))

    assert first == again
    for name in ("accuracy", "balanced_accuracy", "macro_f1", "auc"):
        assert first[name]["low"] <= first[name]["value"] <= first[name]["high"]


def test_images_of_one_patient_count_as_one_observation() -> None:
    """Ten copies of each image, said to be of the same patient, must not make the interval narrower."""
    single = predictions()
    copies = Predictions(
        np.repeat(LABELS, 10),
        np.repeat(single.probabilities, 10, axis=0),
        np.repeat(single.groups, 10).tolist(),
    )
    width = {
        key: metrics["accuracy"]["high"] - metrics["accuracy"]["low"]
        for key, metrics in (
            ("one", evaluate(single, NAMES, 1000, 0)),
            ("ten", evaluate(copies, NAMES, 1000, 0)),
        )
    }

    assert width["ten"] == pytest.approx(width["one"])


def test_no_error_seen_is_not_certainty() -> None:
    flawless = Predictions(LABELS, np.eye(3)[LABELS], [str(index) for index in range(10)])

    accuracy = evaluate(flawless, NAMES, 200, 0)["accuracy"]

    # Clopper-Pearson: with a true rate of 0.025 ** (1 / 10), ten of ten happen 2.5 % of the time.
    assert accuracy == {"value": 1.0, "low": pytest.approx(0.6915, abs=1e-4), "high": 1.0}

"""Metrics, compared with manual calculations and with scikit-learn."""

import time
from typing import Any

import numpy as np
import pytest
from sklearn import metrics as sklearn_metrics

from training.core.accuracy import balanced_accuracy
from training.evaluation.metrics import (
    HIGH_RECALL,
    MIN_SUBGROUP,
    Predictions,
    evaluate,
)

NAMES = ("a", "b", "c")
# Ten images: a is right 3 of 4 times, b 2 of 3, c 3 of 3; one a is predicted as b, one b as c.
LABELS = np.array([0, 0, 0, 0, 1, 1, 1, 2, 2, 2])
PREDICTED = np.array([0, 0, 0, 1, 1, 1, 2, 2, 2, 2])
NOT_DEFINED = {"value": None, "low": None, "high": None}


def predictions(groups: list[str] | None = None) -> Predictions:
    probabilities = np.full((10, 3), 0.1)
    probabilities[np.arange(10), PREDICTED] = 0.8
    return Predictions(LABELS, probabilities, groups or [str(index) for index in range(10)])


def random_predictions(count: int, seed: int = 0, images_per_group: int = 1) -> Predictions:
    """Better than chance, with many tied scores."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 3, count)
    scores = rng.gamma(1, size=(count, 3)) + 0.7 * np.eye(3)[labels]
    groups = [str(index // images_per_group) for index in range(count)]
    return Predictions(labels, (scores / scores.sum(1, keepdims=True)).round(2), groups)


def leaves(tree: Any) -> list[Any]:
    """Every value in nested dictionaries and lists."""
    if isinstance(tree, dict | list):
        return [
            leaf for branch in (tree.values() if isinstance(tree, dict) else tree) for leaf in leaves(branch)
        ]
    return [tree]


def intervals(tree: Any) -> list[dict[str, float]]:
    """Every interval in nested dictionaries."""
    if not isinstance(tree, dict):
        return []
    return [tree] if "low" in tree else [found for branch in tree.values() for found in intervals(branch)]


def test_metrics_match_manual_calculation() -> None:
    metrics = evaluate(predictions(), NAMES, resamples=200, seed=0, negative="c")

    assert metrics["confusion_matrix"] == [[3, 1, 0], [0, 2, 1], [0, 0, 3]]
    assert metrics["accuracy"]["value"] == pytest.approx(0.8)
    assert metrics["balanced_accuracy"]["value"] == pytest.approx((3 / 4 + 2 / 3 + 1) / 3)
    assert metrics["macro_f1"]["value"] == pytest.approx((6 / 7 + 4 / 6 + 6 / 7) / 3)
    assert metrics["per_class"]["a"]["images"] == 4
    assert metrics["per_class"]["a"]["sensitivity"]["value"] == pytest.approx(3 / 4)
    assert metrics["per_class"]["a"]["specificity"]["value"] == pytest.approx(1)
    assert metrics["per_class"]["b"]["specificity"]["value"] == pytest.approx(6 / 7)
    assert metrics["per_class"]["c"]["specificity"]["value"] == pytest.approx(6 / 7)
    # Seven images are a or b; one of them is predicted as c, "nothing found". No c is predicted as a or b.
    finding = metrics["finding"]
    assert finding["negative"] == "c"
    assert finding["images"] == 7
    assert finding["accuracy"]["value"] == pytest.approx(9 / 10)
    assert finding["sensitivity"]["value"] == pytest.approx(6 / 7)
    assert finding["specificity"]["value"] == pytest.approx(1)
    assert finding["precision"]["value"] == pytest.approx(1)
    assert finding["precision_at_high_recall"]["value"] == pytest.approx(7 / 10)


@pytest.mark.parametrize("seed", range(4))
def test_metrics_agree_with_scikit_learn(seed: int) -> None:
    answers = random_predictions(200, seed)
    labels, probabilities, predicted = answers.labels, answers.probabilities, answers.predicted

    metrics = evaluate(answers, NAMES, 20, 0, negative="b")

    assert metrics["accuracy"]["value"] == pytest.approx(sklearn_metrics.accuracy_score(labels, predicted))
    assert metrics["balanced_accuracy"]["value"] == pytest.approx(
        sklearn_metrics.balanced_accuracy_score(labels, predicted)
    )
    assert balanced_accuracy(labels, predicted) == pytest.approx(metrics["balanced_accuracy"]["value"])
    assert metrics["macro_f1"]["value"] == pytest.approx(
        sklearn_metrics.f1_score(labels, predicted, average="macro")
    )
    for label, name in enumerate(NAMES):
        true, found, scores = labels == label, predicted == label, probabilities[:, label]
        expected = {
            "sensitivity": sklearn_metrics.recall_score(true, found),
            "specificity": sklearn_metrics.recall_score(~true, ~found),
            "precision": sklearn_metrics.precision_score(true, found),
            "f1": sklearn_metrics.f1_score(true, found),
            "auc": sklearn_metrics.roc_auc_score(true, scores),
            "average_precision": sklearn_metrics.average_precision_score(true, scores),
        }
        assert {key: metrics["per_class"][name][key]["value"] for key in expected} == pytest.approx(expected)
    assert metrics["auc"]["value"] == pytest.approx(
        np.mean([metrics["per_class"][name]["auc"]["value"] for name in NAMES])
    )
    true, found, scores = labels != 1, predicted != 1, 1 - probabilities[:, 1]
    precision, recall, _ = sklearn_metrics.precision_recall_curve(true, scores)
    expected = {
        "accuracy": sklearn_metrics.accuracy_score(true, found),
        "sensitivity": sklearn_metrics.recall_score(true, found),
        "specificity": sklearn_metrics.recall_score(~true, ~found),
        "precision": sklearn_metrics.precision_score(true, found),
        "auc": sklearn_metrics.roc_auc_score(true, scores),
        "average_precision": sklearn_metrics.average_precision_score(true, scores),
        "precision_at_high_recall": precision[recall >= HIGH_RECALL].max(),
    }
    assert {key: metrics["finding"][key]["value"] for key in expected} == pytest.approx(expected)


def test_intervals_contain_the_value_and_are_reproducible() -> None:
    first, again = (evaluate(random_predictions(150), NAMES, 500, seed=3, negative="a") for _ in range(2))

    assert first == again
    assert len(intervals(first)) == 4 + 3 * 6 + 7
    for found in intervals(first):
        assert found["low"] <= found["value"] <= found["high"]
        assert 0 <= found["low"] < found["high"] <= 1


def test_intervals_have_about_their_nominal_coverage() -> None:
    """A classifier with an accuracy of 75 % is tested 100 times on 60 patients with two images each."""
    rng = np.random.default_rng(0)
    covered = 0
    for _ in range(100):
        # Both images of a patient are equally difficult.
        rate = np.repeat(rng.choice([0.5, 1.0], 60), 2)
        labels = rng.integers(0, 2, 120)
        predicted = np.where(rng.random(120) < rate, labels, 1 - labels)
        answers = Predictions(labels, np.eye(2)[predicted], [str(index // 2) for index in range(120)])
        found = evaluate(answers, ("a", "b"), 200, 0)["accuracy"]
        covered += found["low"] <= 0.75 <= found["high"]

    assert 88 <= covered <= 100


def test_images_of_one_patient_count_as_one_observation() -> None:
    """Ten copies of each image in the same group must not make the intervals narrower."""
    single = random_predictions(40)
    copies = Predictions(
        np.repeat(single.labels, 10),
        np.repeat(single.probabilities, 10, axis=0),
        np.repeat(single.groups, 10).tolist(),
    )
    by_image = Predictions(copies.labels, copies.probabilities, [str(index) for index in range(400)])

    one, ten, wrong = (
        np.array([found["high"] - found["low"] for found in intervals(evaluate(answers, NAMES, 400, 0))])
        for answers in (single, copies, by_image)
    )

    assert ten == pytest.approx(one)
    assert np.median(wrong / ten) == pytest.approx(10**-0.5, rel=0.2)


def test_interval_without_errors_has_the_binomial_lower_limit() -> None:
    flawless = Predictions(LABELS, np.eye(3)[LABELS], [str(index) for index in range(10)])

    accuracy = evaluate(flawless, NAMES, 200, 0)["accuracy"]

    # Clopper-Pearson: with a true rate of 0.025 ** (1 / 10), ten of ten happen 2.5 % of the time.
    assert accuracy == {"value": 1.0, "low": pytest.approx(0.6915, abs=1e-4), "high": 1.0}


def test_interval_without_successes_has_the_binomial_upper_limit() -> None:
    hopeless = Predictions(LABELS, np.eye(3)[(LABELS + 1) % 3], [str(index) for index in range(10)])

    accuracy = evaluate(hopeless, NAMES, 200, 0)["accuracy"]

    assert accuracy == {"value": 0.0, "low": 0.0, "high": pytest.approx(0.3085, abs=1e-4)}


def test_metrics_of_a_single_class_are_undefined_but_never_nan() -> None:
    alone = Predictions(np.zeros(6, int), np.eye(3)[[0, 0, 0, 0, 1, 1]], list("abcdef"))

    metrics = evaluate(alone, NAMES, 100, 0, negative="a")

    assert metrics["accuracy"]["value"] == metrics["balanced_accuracy"]["value"] == pytest.approx(4 / 6)
    assert metrics["auc"] == NOT_DEFINED
    assert metrics["per_class"]["a"]["specificity"] == NOT_DEFINED
    assert metrics["per_class"]["b"]["sensitivity"] == NOT_DEFINED
    assert metrics["per_class"]["c"]["precision"] == NOT_DEFINED
    assert metrics["per_class"]["b"]["auc"] == metrics["per_class"]["b"]["average_precision"] == NOT_DEFINED
    assert metrics["finding"]["sensitivity"] == metrics["finding"]["precision_at_high_recall"] == NOT_DEFINED
    assert not [leaf for leaf in leaves(metrics) if isinstance(leaf, float) and not np.isfinite(leaf)]


def test_missing_class_is_left_out_of_the_means() -> None:
    full = random_predictions(120)
    kept = full.labels != 2
    part = Predictions(full.labels[kept], full.probabilities[kept], [str(i) for i in range(kept.sum())])

    metrics = evaluate(part, NAMES, 50, 0)

    areas = [metrics["per_class"][name]["auc"]["value"] for name in ("a", "b")]
    assert metrics["per_class"]["c"]["auc"] == NOT_DEFINED
    assert metrics["auc"]["value"] == pytest.approx(np.mean(areas))
    assert metrics["macro_f1"]["value"] == pytest.approx(
        sklearn_metrics.f1_score(part.labels, part.predicted, average="macro")
    )


def test_subgroups_are_measured_separately() -> None:
    answers = random_predictions(100)
    few = MIN_SUBGROUP - 1
    sexes = ["F"] * 50 + ["M"] * (50 - few) + [""] * few
    grouped = Predictions(answers.labels, answers.probabilities, answers.groups, {"sex": sexes})

    found = evaluate(grouped, NAMES, 100, 0)["subgroups"]["sex"]

    assert list(found) == ["F", "M"]
    chosen = np.array(sexes) == "M"
    assert found["M"]["images"] == found["M"]["groups"] == chosen.sum()
    assert found["M"]["accuracy"]["value"] == pytest.approx(
        np.mean(answers.predicted[chosen] == answers.labels[chosen])
    )
    assert found["M"]["balanced_accuracy"]["value"] == pytest.approx(
        balanced_accuracy(answers.labels[chosen], answers.predicted[chosen])
    )
    assert "subgroups" not in evaluate(answers, NAMES, 10, 0)


def test_resampling_in_blocks_changes_no_result(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = random_predictions(90)
    whole = evaluate(answers, NAMES, 50, 0)

    monkeypatch.setattr("training.evaluation.bootstrap.BLOCK", 7 * 90)

    assert evaluate(answers, NAMES, 50, 0) == whole


def test_evaluation_with_a_thousand_resamples_takes_seconds() -> None:
    answers = random_predictions(2000, images_per_group=3)
    # Processor time, because other tests run at the same time.
    start = time.process_time()

    evaluate(answers, NAMES, 1000, 0, negative="a")

    assert time.process_time() - start < 20

"""Curves with few points that keep the shape and area of the whole curve."""

import json

import numpy as np
import pytest
from sklearn import metrics as sklearn_metrics

from training.evaluation.curves import MAX_POINTS, draw_curves
from training.evaluation.metrics import Predictions

NAMES = ("a", "b", "c")


def predictions(count: int = 1500) -> Predictions:
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 3, count)
    scores = rng.gamma(1, size=(count, 3)) + np.eye(3)[labels]
    return Predictions(labels, scores / scores.sum(1, keepdims=True), [str(index) for index in range(count)])


def test_thinned_curve_keeps_the_area_of_the_whole_curve() -> None:
    answers = predictions()

    curves = draw_curves(answers, None, NAMES, negative="c")

    for label, name in enumerate(NAMES):
        roc, precision_recall = curves["classes"][name]["roc"], curves["classes"][name]["precision_recall"]
        true, scores = answers.labels == label, answers.probabilities[:, label]
        assert 10 < len(roc["sensitivity"]) == len(roc["false_alarm_rate"]) <= MAX_POINTS
        assert 10 < len(precision_recall["recall"]) == len(precision_recall["precision"]) <= MAX_POINTS
        area = sklearn_metrics.auc(roc["false_alarm_rate"], roc["sensitivity"])
        assert area == pytest.approx(sklearn_metrics.roc_auc_score(true, scores), abs=0.01)
        average = sklearn_metrics.auc(precision_recall["recall"], precision_recall["precision"])
        assert average == pytest.approx(sklearn_metrics.average_precision_score(true, scores), abs=0.03)
    found = curves["finding"]["roc"]
    area = sklearn_metrics.auc(found["false_alarm_rate"], found["sensitivity"])
    true, scores = answers.labels != 2, 1 - answers.probabilities[:, 2]
    assert area == pytest.approx(sklearn_metrics.roc_auc_score(true, scores), abs=0.01)


def test_curves_have_both_ends_and_are_monotonic() -> None:
    for curve in draw_curves(predictions(), None, NAMES)["classes"].values():
        roc, precision_recall = curve["roc"], curve["precision_recall"]
        assert (roc["false_alarm_rate"][0], roc["sensitivity"][0]) == (0, 0)
        assert (roc["false_alarm_rate"][-1], roc["sensitivity"][-1]) == (1, 1)
        assert precision_recall["recall"][-1] == 1
        for coordinates in (roc["false_alarm_rate"], roc["sensitivity"], precision_recall["recall"]):
            assert (np.diff(coordinates) >= 0).all()


def test_short_curve_keeps_every_corner() -> None:
    answers = Predictions(
        np.array([0, 1, 0, 1]), np.array([[0.9, 0.1], [0.8, 0.2], [0.7, 0.3], [0.4, 0.6]]), list("abcd")
    )

    curve = draw_curves(answers, None, ("a", "b"))["classes"]["a"]

    assert curve["roc"] == {"false_alarm_rate": [0, 0, 0.5, 0.5, 1], "sensitivity": [0, 0.5, 0.5, 1, 1]}
    assert curve["precision_recall"] == {"recall": [0.5, 0.5, 1], "precision": [1, 0.5, 0.6667]}


def test_reliability_is_given_before_and_after_scaling() -> None:
    answers = predictions(60)
    surer = np.eye(3)[answers.predicted] * 0.94 + 0.02

    reliability = draw_curves(answers, surer, NAMES)["reliability"]

    assert reliability["before"]["confidence"] == [0.96]
    assert sum(reliability["after"]["images"]) == sum(reliability["before"]["images"]) == 60
    assert draw_curves(answers, None, NAMES)["reliability"]["before"] is None


def test_curve_is_none_if_all_images_are_on_one_side() -> None:
    alone = Predictions(np.zeros(3, int), np.full((3, 3), 1 / 3), list("abc"))

    curves = draw_curves(alone, None, NAMES, negative="b")

    assert curves["classes"] == {"a": None, "b": None, "c": None}
    assert curves["finding"] is None


def test_curves_are_small() -> None:
    text = json.dumps(draw_curves(predictions(), None, NAMES, negative="a"), allow_nan=False)

    assert len(text) < 4 * 2 * 2 * MAX_POINTS * 8 + 1500

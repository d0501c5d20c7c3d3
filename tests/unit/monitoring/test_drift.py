"""The population stability index and drift."""

import math
from typing import Any, cast

import numpy as np
import pytest
from numpy.typing import NDArray

from chalicelib.monitoring.drift import chi_square_tail, compare
from chalicelib.monitoring.drift_document import LARGE_PSI
from chalicelib.results.result_document import ListedResult

CLASSES = ("normal", "benign", "malignant")
MIX = (0.6, 0.3, 0.1)
DECILES = [round(0.1 * level, 1) for level in range(1, 10)]

Answers = list[ListedResult]


def answers(labels: list[str], confidence: Any = None, distance: Any = None) -> Answers:
    confidence = [0.05] * len(labels) if confidence is None else confidence
    distance = [None] * len(labels) if distance is None else distance
    found = [
        {"label": label, "probability": float(p), "distance": None if d is None else float(d)}
        for label, p, d in zip(labels, confidence, distance, strict=True)
    ]
    return cast(Answers, found)


def profile(**changes: Any) -> dict[str, Any]:
    return {
        "images": 200,
        "labels": dict(zip(CLASSES, MIX, strict=True)),
        "confidence_deciles": DECILES,
        "distance_deciles": None,
    } | changes


@pytest.mark.parametrize(
    ("value", "degrees", "tail"),
    [
        # Quantiles from printed tables of the chi-square distribution.
        (3.841, 1, 0.05),
        (10.828, 1, 0.001),
        (5.991, 2, 0.05),
        (7.815, 3, 0.05),
        (18.467, 4, 0.001),
        (16.919, 9, 0.05),
        (27.877, 9, 0.001),
        (8.343, 9, 0.5),
        (0.0, 5, 1.0),
        (7.0, 0, 1.0),
    ],
)
def test_chi_square_tail_has_known_values(value: float, degrees: int, tail: float) -> None:
    assert chi_square_tail(value, degrees) == pytest.approx(tail, rel=1e-3)


def test_labels_match_a_calculation_by_hand() -> None:
    now = answers(["normal"] * 40 + ["benign"] * 40 + ["malignant"] * 20)

    (labels,) = [aspect for aspect in compare(profile(), now) if aspect.name == "labels"]

    # -0.2 ln(0.4 / 0.6) + 0.1 ln(0.4 / 0.3) + 0.1 ln(0.2 / 0.1)
    assert labels.psi == pytest.approx(0.081093 + 0.028768 + 0.069315, abs=1e-6)
    # Two degrees of freedom: exp(-x / 2) with x = 0.179176 / (1 / 100 + 1 / 200).
    assert labels.p_value == pytest.approx(math.exp(-0.179176 * 200 / 3 / 2), rel=1e-4)
    assert labels.bins == CLASSES
    assert labels.observed == (0.4, 0.4, 0.2)
    assert not labels.has_drifted
    assert labels.verdict == "Like the validation images."


def test_confidence_intervals_match_a_calculation_by_hand() -> None:
    values = [level / 10 + 0.05 for level in range(10) for _ in range(10)]
    (confidence,) = compare(profile(), answers(["normal"] * 100, values))[1:]
    assert (confidence.name, confidence.answers) == ("confidence", 100)
    assert confidence.psi == pytest.approx(0)
    assert confidence.bins[:2] == ("below 0.1", "0.1 to 0.2")
    assert confidence.bins[-1] == "above 0.9"

    values[:50] = [0.95] * 50  # the five lowest tenths are now in the highest
    (confidence,) = compare(profile(), answers(["normal"] * 100, values))[1:]
    assert confidence.observed == pytest.approx([0, 0, 0, 0, 0, 0.1, 0.1, 0.1, 0.1, 0.6])
    # 0.5 ln(0.6 / 0.1), and five times (0.1 - 0.005) ln(0.1 / 0.005): half an image stands for none
    by_hand = 0.5 * math.log(6) - 5 * 0.1 * math.log(0.005 / 0.1) + 5 * 0.005 * math.log(0.005 / 0.1)
    assert confidence.psi == pytest.approx(by_hand)
    assert confidence.has_drifted


def test_value_on_a_border_counts_half_for_either_side() -> None:
    (confidence,) = compare(profile(), answers(["normal"] * 100, [0.3] * 100))[1:]
    assert confidence.observed == pytest.approx([0, 0, 0.5, 0.5, 0, 0, 0, 0, 0, 0])


def test_equal_deciles_give_no_drift() -> None:
    """A third of all images have a confidence of 1: no value is above, and the share below is unknown."""
    deciles = [0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 1.0, 1.0, 1.0]
    before = np.interp(np.linspace(0.005, 0.995, 100), [0, *DECILES, 1], [0.4, *deciles, 1.0])

    (confidence,) = compare(profile(confidence_deciles=deciles), answers(["normal"] * 100, before))[1:]

    assert confidence.expected == pytest.approx([0.1] * 6 + [0.4])
    assert confidence.psi < 0.001


def test_aspects_that_cannot_be_compared_are_missing() -> None:
    now = answers(["normal"] * 100, distance=[None] * 50 + [1.0] * 50)
    same = profile(confidence_deciles=[1.0] * 9, distance_deciles=DECILES)
    assert [aspect.name for aspect in compare(same, now)] == ["labels"]
    assert [aspect.name for aspect in compare(profile(), now)] == ["labels", "confidence"]


def test_class_absent_from_validation_counts() -> None:
    mix = {"normal": 0.9, "benign": 0.1, "malignant": 0.0}
    now = answers(["normal"] * 50 + ["malignant"] * 50)
    labels, _ = compare(profile(labels=mix), now)
    assert labels.has_drifted
    never = {"normal": 1.0, "benign": 0.0, "malignant": 0.0}
    labels, _ = compare(profile(labels=never), answers(["normal"] * 100))
    assert (labels.psi, labels.p_value) == (0, 1)


def draw(random: np.random.Generator, images: int) -> tuple[list[str], NDArray[Any], NDArray[Any]]:
    """Labels, confidences and distances of a good model: many confidences are nearly 1."""
    labels = random.choice(CLASSES, images, p=MIX).tolist()
    confidence = 1 - np.exp(-random.gamma(6, 2, images))
    return labels, confidence.round(6), random.gamma(4, 3, images).round(6)


def profile_of(labels: list[str], confidence: NDArray[Any], distance: NDArray[Any]) -> dict[str, Any]:
    """The profile, as training writes it."""
    tenths = np.linspace(0.1, 0.9, 9)
    return {
        "images": len(labels),
        "labels": {name: labels.count(name) / len(labels) for name in CLASSES},
        "confidence_deciles": np.quantile(confidence, tenths).round(6).tolist(),
        "distance_deciles": np.quantile(distance, tenths).round(6).tolist(),
    }


@pytest.mark.parametrize(("latest", "validation"), [(100, 60), (100, 1000), (500, 200), (500, 1000)])
def test_same_distribution_has_no_drift(latest: int, validation: int) -> None:
    alarms, below = 0, []
    for seed in range(200):
        random = np.random.default_rng(seed)
        known = profile_of(*draw(random, validation))
        aspects = compare(known, answers(*draw(random, latest)))
        assert len(aspects) == 3
        alarms += any(aspect.has_drifted for aspect in aspects)
        below += [aspect.p_value < 0.05 for aspect in aspects]
    assert alarms <= 0.05 * 200
    # The approximation holds: about 5 % of p-values are below 0.05, for any number of images.
    assert 0.03 < np.mean(below) < 0.1


@pytest.mark.parametrize("aspect", ["labels", "confidence", "distance"])
@pytest.mark.parametrize("latest", [200, 500])
def test_shift_is_found_in_its_aspect(aspect: str, latest: int) -> None:
    found, elsewhere = 0, 0
    for seed in range(50):
        random = np.random.default_rng(seed)
        known = profile_of(*draw(random, 300))
        labels, confidence, distance = draw(random, latest)
        match aspect:
            case "labels":
                labels = random.choice(CLASSES, latest, p=[0.2, 0.3, 0.5]).tolist()
            case "confidence":
                confidence = confidence * 0.9
            case "distance":
                distance = distance * 1.6
        drifted = {
            one.name for one in compare(known, answers(labels, confidence, distance)) if one.has_drifted
        }
        found += aspect in drifted
        elsewhere += bool(drifted - {aspect})
    assert found == 50
    assert elsewhere <= 2


def test_large_difference_of_few_images_is_not_drift() -> None:
    values = np.repeat(np.arange(10) / 10 + 0.05, [3, 3, 3, 17, 17, 17, 16, 8, 8, 8])
    (confidence,) = compare(profile(images=30), answers(["normal"] * 100, values))[1:]
    assert confidence.psi > LARGE_PSI
    assert not confidence.has_drifted
    assert "may be chance" in confidence.verdict
    (confidence,) = compare(profile(images=1000), answers(["normal"] * 100, values))[1:]
    assert confidence.has_drifted
    assert "more than chance" in confidence.verdict


def test_report_has_expected_and_observed_shares() -> None:
    now = answers(["normal"] * 55 + ["benign"] * 45)
    report = compare(profile(), now)[0].to_dict()
    assert report["bins"][0] == {"name": "normal", "expected": 0.6, "observed": 0.55}
    assert report["answers"] == 100
    assert report["verdict"].endswith(".")

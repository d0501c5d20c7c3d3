"""The reasons for which a person should review an answer."""

import numpy as np
import pytest

from chalicelib.models.review_rule import Reason, reasons_for_review
from chalicelib.tasks import load_task
from tests.models import TASK

TASK_ = load_task(TASK)


@pytest.mark.parametrize(
    ("probabilities", "out_of_distribution", "codes"),
    [
        ([0.97, 0.01, 0.01, 0.005, 0.005], False, []),
        ([0.85, 0.05, 0.05, 0.03, 0.02], False, ["low-confidence"]),
        ([0.5, 0.45, 0.03, 0.01, 0.01], False, ["low-confidence", "close-second"]),
        ([0.97, 0.01, 0.01, 0.005, 0.005], True, ["unfamiliar"]),
        ([0.4, 0.3, 0.1, 0.1, 0.1], True, ["unfamiliar", "low-confidence", "close-second"]),
    ],
)
def test_review_rule_gives_reasons(
    probabilities: list[float], out_of_distribution: bool, codes: list[str]
) -> None:
    reasons = reasons_for_review(
        TASK_, np.array(probabilities, np.float32), out_of_distribution=out_of_distribution
    )
    assert [reason.code for reason in reasons] == codes
    if "close-second" in codes:
        assert TASK_.classes[1].title in reasons[-1].message


@pytest.mark.parametrize(("probability", "codes"), [(0.899, ["low-confidence"]), (0.901, [])])
def test_review_rule_has_the_threshold_of_the_task(probability: float, codes: list[str]) -> None:
    assert TASK_.review.min_probability == 0.9
    rest = (1 - probability) / 4
    reasons = reasons_for_review(
        TASK_, np.array([probability, *[rest] * 4], np.float32), out_of_distribution=False
    )

    assert [reason.code for reason in reasons] == codes


def test_weak_model_needs_review_of_a_sure_answer() -> None:
    probabilities = np.array([0.97, 0.01, 0.01, 0.005, 0.005], np.float32)

    (reason,) = reasons_for_review(TASK_, probabilities, out_of_distribution=False, weak=True)

    assert reason.code == "weak-model"
    assert "did not reach the required performance" in reason.message


@pytest.mark.parametrize(("own", "codes"), [(0.5, []), (0.95, []), (0.98, ["low-confidence"])])
def test_model_can_only_raise_the_threshold_of_the_task(own: float, codes: list[str]) -> None:
    probabilities = np.array([0.97, 0.01, 0.01, 0.005, 0.005], np.float32)

    reasons = reasons_for_review(TASK_, probabilities, out_of_distribution=False, min_probability=own)

    assert [reason.code for reason in reasons] == codes
    assert [reason.message for reason in reasons] == [
        "The probability is 97.0%; results below 98.0% need review." for _ in codes
    ]
    low = reasons_for_review(
        TASK_, np.array([0.85, *[0.0375] * 4]), out_of_distribution=False, min_probability=own
    )
    assert [reason.code for reason in low] == ["low-confidence"]


def test_model_without_a_threshold_needs_review_of_every_answer() -> None:
    probabilities = np.array([0.999, 0.001, 0, 0, 0], np.float32)

    (reason,) = reasons_for_review(TASK_, probabilities, out_of_distribution=False, min_probability=None)

    assert reason.code == "weak-model"
    assert "do not tell which answers are right" in reason.message


def test_reason_is_json() -> None:
    assert Reason("code", "Message.").to_dict() == {"code": "code", "message": "Message."}

"""The gate for candidates."""

from dataclasses import replace

import pytest

from chalicelib.tasks import Task
from training.evaluation.bootstrap import Interval
from training.evaluation.comparison import Comparison
from training.evaluation.gate import MIN_PROBABILITY_BETTER, decide


@pytest.fixture
def gated(task: Task) -> Task:
    return replace(task, gate={"accuracy": 0.8, "auc": 0.9}, max_sensitivity_drop=0.02)


def metrics(accuracy: float | None = 0.85, auc: float = 0.95) -> dict[str, dict[str, float | None]]:
    return {"accuracy": {"value": accuracy}, "auc": {"value": auc}}


def comparison(better: float = 0.95, drop: float | None = 0.0) -> Comparison:
    none: Interval = {"value": 0.01, "low": 0.0, "high": 0.02}
    by_class = {"a": none, "b": {**none, "value": drop and -drop}}
    return Comparison(none, none, none, better, by_class, 1, (0.5, 0.5))


def test_good_and_better_candidate_is_accepted(gated: Task) -> None:
    decision = decide(gated, metrics(), comparison())

    assert decision.accepted
    assert "better than the current one (probability 95 %, accuracy +1.0 points)" in decision.reasons[0]


def test_first_model_of_a_task_needs_only_the_minimum(gated: Task) -> None:
    assert decide(gated, metrics(), None).accepted
    assert not decide(gated, metrics(accuracy=0.79), None).accepted


@pytest.mark.parametrize(
    ("measured", "compared", "reason"),
    [
        (metrics(accuracy=0.799), comparison(), "Its accuracy is 0.799; the task demands at least 0.800."),
        (metrics(auc=0.5), comparison(), "Its auc is 0.500"),
        (
            metrics(accuracy=None),
            comparison(),
            "Its accuracy is not defined; the task demands",
        ),
        (
            metrics(),
            comparison(better=MIN_PROBABILITY_BETTER - 0.01),
            "than the current model is 89 %; 90 % are needed.",
        ),
        (metrics(), comparison(drop=0.021), "Sensitivity for 'b' falls by 2.1 points; 2.0 are allowed."),
    ],
)
def test_candidate_is_rejected_with_the_reason(
    gated: Task, measured: dict[str, dict[str, float | None]], compared: Comparison, reason: str
) -> None:
    decision = decide(gated, measured, compared)

    assert not decision.accepted
    assert reason in decision.reasons[0]


def test_rejection_lists_all_reasons(gated: Task) -> None:
    assert len(decide(gated, metrics(0.1, 0.1), comparison(0.1, 0.5)).reasons) == 4


def test_class_without_test_images_does_not_block_acceptance(gated: Task) -> None:
    assert decide(gated, metrics(), comparison(drop=None)).accepted

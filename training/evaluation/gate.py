"""Whether a candidate may be deployed: the task's least metrics, and better than what runs now."""

from dataclasses import dataclass
from typing import Any

from chalicelib.tasks import Task
from training.evaluation.comparison import Comparison

MIN_PROBABILITY_BETTER = 0.9
"""Probability of being better than the current model that a candidate needs."""


@dataclass(frozen=True)
class Decision:
    """What is to become of a candidate."""

    accepted: bool
    reasons: tuple[str, ...]
    """In words: why it is rejected or, if it is not, why it is accepted."""

    def to_dict(self) -> dict[str, Any]:
        """As JSON types."""
        return {"accepted": self.accepted, "reasons": list(self.reasons)}


def decide(task: Task, metrics: dict[str, Any], comparison: Comparison | None) -> Decision:
    """Let a candidate pass or not.

    Args:
        task: whose gate it is.
        metrics: of the candidate on the test part, as `model.json` has them.
        comparison: with the current model on the same images; None if there is none.
    """
    against = [*_too_low(task, metrics), *(_not_better(task, comparison) if comparison else ())]
    if against:
        return Decision(False, tuple(against))
    reached = "It reaches every minimum of its task"
    if comparison is None:
        return Decision(True, (f"{reached}, and there is no model to compare it with.",))
    sure, gain = 100 * comparison.probability_better, _points(comparison.accuracy["value"])
    return Decision(
        True,
        (f"{reached}, and is better than the current one (probability {sure:.0f} %, accuracy {gain}).",),
    )


def describe_shortfall(task: Task, metrics: dict[str, Any]) -> str:
    """The metrics that are lower than the task asks for, in words; "" if none is."""
    return ", ".join(
        f"{name.replace('_', ' ')} {_value(value)} (at least {task.gate[name]:.3f})"
        for name, value in task.shortfall(metrics).items()
    )


def _too_low(task: Task, metrics: dict[str, Any]) -> list[str]:
    return [
        f"Its {name.replace('_', ' ')} is {_value(value)}; the task asks for {task.gate[name]:.3f} at least."
        for name, value in task.shortfall(metrics).items()
    ]


def _not_better(task: Task, comparison: Comparison) -> list[str]:
    against = [
        f"Sensitivity for '{name}' falls by {-100 * value:.1f} points; "
        f"{100 * task.max_sensitivity_drop:.1f} are allowed."
        for name, difference in comparison.sensitivity.items()
        if (value := difference["value"]) is not None and value < -task.max_sensitivity_drop
    ]
    sure = comparison.probability_better
    if sure < MIN_PROBABILITY_BETTER:
        against.append(
            f"The probability that it is better than the current model is {100 * sure:.0f} %; "
            f"{100 * MIN_PROBABILITY_BETTER:.0f} % are needed."
        )
    return against


def _value(value: float | None) -> str:
    return "not defined" if value is None else f"{value:.3f}"


def _points(difference: float | None) -> str:
    return "not defined" if difference is None else f"{100 * difference:+.1f} points"

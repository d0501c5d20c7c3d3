"""The gate: a candidate must reach the metrics of its task, and be better than the current model."""

from dataclasses import dataclass
from typing import Any

from chalicelib.tasks import Task
from training.evaluation.comparison import Comparison

MIN_PROBABILITY_BETTER = 0.9
"""Lowest probability that a candidate is better than the current model."""


@dataclass(frozen=True)
class Decision:
    """The decision on a candidate."""

    accepted: bool
    reasons: tuple[str, ...]
    """The reasons in words."""

    def to_dict(self) -> dict[str, Any]:
        """As JSON types."""
        return {"accepted": self.accepted, "reasons": list(self.reasons)}


def decide(task: Task, metrics: dict[str, Any], comparison: Comparison | None) -> Decision:
    """Decide whether a candidate may be deployed.

    Args:
        task: with the gate.
        metrics: of the candidate on the test part, as `model.json` has them.
        comparison: with the current model on the same images; None if there is no current model.
    """
    against = [*_too_low(task, metrics), *(_not_better(task, comparison) if comparison else ())]
    if against:
        return Decision(False, tuple(against))
    if comparison is None:
        return Decision(
            True, ("It reaches every minimum of its task, and there is no model to compare it with.",)
        )
    sure, gain = 100 * comparison.probability_better, _points(comparison.accuracy["value"])
    return Decision(
        True,
        (
            "It reaches every minimum of its task, and is better than the current one "
            f"(probability {sure:.0f} %, accuracy {gain}).",
        ),
    )


def describe_shortfall(task: Task, metrics: dict[str, Any]) -> str:
    """The metrics that are below those the task demands, in words; "" if there are none."""
    return ", ".join(
        f"{name.replace('_', ' ')} {_value(value)} (at least {task.gate[name]:.3f})"
        for name, value in task.shortfall(metrics).items()
    )


def _too_low(task: Task, metrics: dict[str, Any]) -> list[str]:
    return [
        f"Its {name.replace('_', ' ')} is {_value(value)}; the task demands at least {task.gate[name]:.3f}."
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

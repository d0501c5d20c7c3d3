"""Decides whether a person should review an image, and why."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from chalicelib.tasks import Task

if TYPE_CHECKING:
    from chalicelib.models.backend import Floats


@dataclass(frozen=True)
class Reason:
    """Why an image needs review, or why it was quarantined."""

    code: str
    message: str

    def to_dict(self) -> dict[str, str]:
        """JSON form."""
        return {"code": self.code, "message": self.message}


def required_probability(task: Task, own: float | None, chosen: float | None = None) -> float:
    """The lowest probability of an answer that needs no review.

    Args:
        task: the task.
        own: of the model; see `Thresholds.probability`.
        chosen: what an administrator has chosen for this version of the model, instead of the larger one of
            the task's and the model's.
    """
    return max(task.review.min_probability, own or 0.0) if chosen is None else chosen


def reasons_for_review(
    task: Task,
    probabilities: "Floats",
    *,
    out_of_distribution: bool,
    min_probability: float | None = 0.0,
    chosen: float | None = None,
    weak: bool = False,
) -> list[Reason]:
    """The reasons for a review; empty if the answer needs none.

    Args:
        task: the task with the review rule.
        probabilities: shape (K,), in the order of the task's classes.
        out_of_distribution: whether the image is out of distribution.
        min_probability: of the model; see `Thresholds.probability`.
        chosen: see `required_probability`.
        weak: whether the model missed the task's gate in its test.
    """
    second, first = probabilities.argsort()[-2:]
    top, runner_up = float(probabilities[first]), float(probabilities[second])
    reasons = []
    if out_of_distribution:
        reasons.append(
            Reason(
                "unfamiliar",
                "Out of distribution: the image differs from the training images and may not suit this task.",
            )
        )
    if weak:
        reasons.append(
            Reason(
                "weak-model",
                "This model did not reach the required performance in its test; every image needs review.",
            )
        )
    elif min_probability is None:
        reasons.append(
            Reason(
                "weak-model",
                "This model's probabilities do not tell which answers are right; every image needs review.",
            )
        )
    required = required_probability(task, min_probability, chosen)
    if top < required:
        reasons.append(
            Reason(
                "low-confidence",
                f"The probability is {top:.1%}; results below {required:.1%} need review.",
            )
        )
    if top - runner_up < task.review.min_margin:
        reasons.append(
            Reason(
                "close-second",
                f"Another class is almost as likely: {task.classes[second].title}, {runner_up:.0%}.",
            )
        )
    return reasons

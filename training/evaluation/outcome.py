"""What an evaluation finds out, and what it leaves behind: a report with all that belongs to it."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from chalicelib import DISCLAIMER
from chalicelib.tasks import Task
from training.data.preparation import EvaluationData
from training.evaluation.api import NotAnswered
from training.evaluation.assessment import assess
from training.evaluation.scoring import Scored

SEED = 0
"""Of the bootstrap."""


def measure(
    task: Task,
    data: EvaluationData,
    rows: Sequence[int],
    scored: Scored,
    resamples: int,
    temperature: float | None,
) -> dict[str, Any]:
    """Everything that can be said of a model's answers, for metrics.json.

    Args:
        task: that the model is for.
        data: labelled images.
        rows: which of them were put to the model.
        scored: what became of those.
        resamples: of the bootstrap behind each interval.
        temperature: of the model's probabilities, if it is known.
    """
    answered = [rows[position] for position in scored.answered]
    groups = [data.groups[row] for row in answered]
    subgroups = {name: [values[row] for row in answered] for name, values in data.subgroups.items()}
    labels = data.labelled.labels[answered]
    test = assess(task, scored.answers, labels, groups, subgroups, temperature, resamples, SEED)
    return {
        "task": task.name,
        "title": task.title,
        "classes": list(task.class_names),
        "disclaimer": DISCLAIMER,
        "created_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "versions": list(scored.models),
        "findings": data.findings,
        "images": len(answered),
        "groups": len(set(groups)),
        "not_answered": _count(scored.failures.values()),
        "metrics": test.metrics,
        "curves": test.curves,
    }


def _count(failures: Iterable[NotAnswered]) -> list[dict[str, Any]]:
    """How many images got no answer, by reason, the most frequent first."""
    by_code: dict[str, list[str]] = defaultdict(list)
    for failure in failures:
        by_code[failure.code].append(failure.message)
    reasons = sorted(by_code.items(), key=lambda reason: -len(reason[1]))
    return [{"code": code, "images": len(messages), "example": messages[0]} for code, messages in reasons]

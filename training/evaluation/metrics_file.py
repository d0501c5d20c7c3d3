"""The outcome of an evaluation: the content of its metrics.json."""

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
"""Seed of the bootstrap."""


def measure(
    task: Task,
    data: EvaluationData,
    rows: Sequence[int],
    scored: Scored,
    resamples: int,
    temperature: float | None,
) -> dict[str, Any]:
    """Measure the answers of a model, for metrics.json.

    Args:
        task: of the model.
        data: labelled images.
        rows: indices of the images that were sent to the model.
        scored: the answers for these.
        resamples: of the bootstrap behind each interval.
        temperature: of the model's probabilities; None if unknown.
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
    """Numbers of images without an answer, by reason, the most frequent first."""
    by_code: dict[str, list[str]] = defaultdict(list)
    for failure in failures:
        by_code[failure.code].append(failure.message)
    reasons = sorted(by_code.items(), key=lambda reason: -len(reason[1]))
    return [{"code": code, "images": len(messages), "example": messages[0]} for code, messages in reasons]

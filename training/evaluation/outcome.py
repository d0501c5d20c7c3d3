"""What an evaluation finds out, and what it leaves behind: a report with all that belongs to it."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from chalicelib import DISCLAIMER
from chalicelib.tasks import Task
from training.data.dataset import Record
from training.data.findings import describe_findings
from training.data.preparation import EvaluationData
from training.evaluation.answers import write_answers
from training.evaluation.api import NotAnswered
from training.evaluation.assessment import assess
from training.evaluation.scoring import Scored
from training.reports.card import PLOTS
from training.reports.facts import Facts, write_json
from training.reports.markdown import bullets, table
from training.reports.plots import save_plots
from training.reports.report import render_results

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


def write_evaluation(folder: Path, facts: Facts, records: Sequence[Record], scored: Scored) -> None:
    """Write the report and all that belongs to it into `folder`.

    Args:
        folder: made if it does not exist.
        facts: what `measure` found out, with `model`, `data`, `part` and `seen`: what was scored on which
            images, and whether it had seen them before.
        records: of the images that were put to the model.
        scored: what became of them.
    """
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / "metrics.json", facts)
    (folder / "report.md").write_text(render_evaluation(facts), encoding="utf-8")
    answered = [records[index] for index in scored.answered]
    failures = [
        (records[index], f"{failure.code}: {failure.message}") for index, failure in scored.failures.items()
    ]
    write_answers(folder / "predictions.csv", answered, scored.answers, facts["classes"], failures)
    part = f", {facts['part']} part" if facts["part"] else ""
    heading = f"{facts['title']}{part}: {facts['images']} images of {facts['groups']} groups (patients)"
    for kind in ("svg", "png"):
        save_plots(folder / PLOTS, kind, heading, facts["classes"], facts["metrics"], facts["curves"])


def render_evaluation(facts: Facts) -> str:
    """Markdown for the content of a `metrics.json`."""
    sections = (
        f"# {facts['title']}: an evaluation",
        f"**{facts['disclaimer']}**",
        bullets(_circumstances(facts)),
        *_not_answered(facts),
        "## Results",
        f"{facts['images']} images of {facts['groups']} groups (patients) were answered.",
        render_results(facts["metrics"], facts["classes"], PLOTS),
    )
    return "\n\n".join(sections) + "\n"


def _count(failures: Iterable[NotAnswered]) -> list[dict[str, Any]]:
    """How many images got no answer, by reason, the most frequent first."""
    by_code: dict[str, list[str]] = defaultdict(list)
    for failure in failures:
        by_code[failure.code].append(failure.message)
    reasons = sorted(by_code.items(), key=lambda reason: -len(reason[1]))
    return [{"code": code, "images": len(messages), "example": messages[0]} for code, messages in reasons]


def _circumstances(facts: Facts) -> Iterator[str]:
    yield f"Model: {facts['model']}; version: {', '.join(facts['versions'])}"
    part = f", only the {facts['part']} part of the model's training data" if facts["part"] else ""
    yield f"Images: {facts['data']}{part}"
    yield f"Found there: {describe_findings(facts['findings'])}"
    classes = ", ".join(f"{rate['images']} {name}" for name, rate in facts["metrics"]["per_class"].items())
    yield f"True classes of those answered: {classes}"
    yield f"Seen in training: {facts['seen']}"
    yield f"Made {facts['created_at']}"


def _not_answered(facts: Facts) -> Iterator[str]:
    if not facts["not_answered"]:
        return
    count = sum(reason["images"] for reason in facts["not_answered"])
    yield "## Not answered"
    yield (
        f"{count} images got no answer. They are in none of the results below, so if they are difficult "
        "ones, the results are too good. predictions.csv names them."
    )
    yield table(
        ("Reason", "Images", "For example"),
        [(reason["code"], reason["images"], reason["example"]) for reason in facts["not_answered"]],
    )

"""The report of an evaluation: report.md, metrics.json, predictions.csv and plots."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from training.core.facts import Facts, write_json
from training.core.markdown import bullets, table
from training.data.dataset import Record
from training.data.findings import describe_findings
from training.evaluation.scoring import Scored
from training.reports.card import PLOTS
from training.reports.plots import save_plots
from training.reports.predictions import write_predictions
from training.reports.report import render_results


def write_evaluation(folder: Path, facts: Facts, records: Sequence[Record], scored: Scored) -> None:
    """Write the report of an evaluation into `folder`.

    Args:
        folder: created if it does not exist.
        facts: the outcome, with `model`, `data`, `part` and `seen`: what was scored on which images, and
            whether the model was trained on them.
        records: of the images that were sent to the model.
        scored: the answers for them.
    """
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / "metrics.json", facts)
    (folder / "report.md").write_text(render_evaluation(facts), encoding="utf-8")
    answered = [records[index] for index in scored.answered]
    failures = [
        (records[index], f"{failure.code}: {failure.message}") for index, failure in scored.failures.items()
    ]
    write_predictions(folder / "predictions.csv", answered, scored.answers, facts["classes"], failures)
    part = f", {facts['part']} part" if facts["part"] else ""
    heading = f"{facts['title']}{part}: {facts['images']} images of {facts['groups']} groups (patients)"
    for kind in ("svg", "png"):
        save_plots(folder / PLOTS, kind, heading, facts["classes"], facts["metrics"], facts["curves"])


def render_evaluation(facts: Facts) -> str:
    """Markdown for the content of a metrics.json."""
    sections = (
        f"# {facts['title']}: an evaluation",
        f"**{facts['disclaimer']}**",
        bullets(_circumstances(facts)),
        *_not_answered(facts),
        "## Results",
        f"{facts['images']} images of {facts['groups']} groups (patients) got an answer.",
        render_results(facts["metrics"], facts["classes"], PLOTS),
    )
    return "\n\n".join(sections) + "\n"


def _circumstances(facts: Facts) -> Iterator[str]:
    yield f"Model: {facts['model']}; version: {', '.join(facts['versions'])}"
    part = f", only the {facts['part']} part of the model's training data" if facts["part"] else ""
    yield f"Images: {facts['data']}{part}"
    yield f"Findings in the data: {describe_findings(facts['findings'])}"
    classes = ", ".join(f"{rate['images']} {name}" for name, rate in facts["metrics"]["per_class"].items())
    yield f"True classes of the images with an answer: {classes}"
    yield f"Seen in training: {facts['seen']}"
    yield f"Created {facts['created_at']}"


def _not_answered(facts: Facts) -> Iterator[str]:
    if not facts["not_answered"]:
        return
    count = sum(reason["images"] for reason in facts["not_answered"])
    yield "## Not answered"
    yield (
        f"{count} images got no answer and are not in the results below. If they are difficult ones, the "
        "results are too good. predictions.csv lists them."
    )
    yield table(
        ("Reason", "Images", "Example"),
        [(reason["code"], reason["images"], reason["example"]) for reason in facts["not_answered"]],
    )

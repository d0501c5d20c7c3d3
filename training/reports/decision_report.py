"""The report on a candidate: decision.json, report.md, metrics.json, predictions.csv and plots."""

from collections.abc import Iterator
from pathlib import Path

from training.core.facts import Facts, write_json
from training.core.markdown import bullets, points, table
from training.evaluation.assessment import Assessment
from training.evaluation.transform import HeldOut
from training.reports.card import PLOTS
from training.reports.plots import save_plots
from training.reports.predictions import write_predictions
from training.reports.report import render_results


def write_decision(folder: Path, facts: Facts, test: Assessment, part: HeldOut) -> None:
    """Write the decision and the report on it into `folder`.

    Args:
        folder: created if it does not exist.
        facts: the content of decision.json.
        test: of the candidate.
        part: the test images.
    """
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / "decision.json", facts)
    write_json(folder / "metrics.json", test.metrics)
    (folder / "report.md").write_text(render_decision(facts, test.metrics), encoding="utf-8")
    write_predictions(folder / "predictions.csv", part.records, test.answers, facts["classes"])
    heading = f"{facts['title']}: {facts['images']} test images of {facts['groups']} groups (patients)"
    save_plots(folder / PLOTS, "svg", heading, facts["classes"], test.metrics, test.curves)


def render_decision(facts: Facts, metrics: Facts) -> str:
    """Markdown for the contents of a decision.json and its metrics.json."""
    verdict = "accepted" if facts["accepted"] else "rejected"
    sections = (
        f"# {facts['title']}: candidate {facts['candidate']} is {verdict}",
        f"**{facts['disclaimer']}**",
        bullets(facts["reasons"]),
        *_comparison(facts),
        "## Results of the candidate",
        f"{facts['images']} test images of {facts['groups']} groups (patients).",
        render_results(metrics, facts["classes"], PLOTS),
    )
    return "\n\n".join(sections) + "\n"


def _comparison(facts: Facts) -> Iterator[str]:
    comparison = facts["comparison"]
    if not comparison:
        return
    yield f"## Against the current model, {facts['current']}"
    yield (
        "Differences in points on the same images, with 95 % intervals from a paired bootstrap over groups "
        "(patients). The log score is the mean logarithm of the probability given to the true class."
    )
    rows = [
        ("Accuracy", points(comparison["accuracy"])),
        ("Balanced accuracy", points(comparison["balanced_accuracy"])),
        ("Log score (times 100)", points(comparison["log_score"])),
        *(
            (f"Sensitivity for {name}", points(difference))
            for name, difference in comparison["sensitivity"].items()
        ),
        ("Probability of being better", f"{100 * comparison['probability_better']:.0f} %"),
    ]
    yield table(("What", "Candidate minus current"), rows)

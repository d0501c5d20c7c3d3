"""Decide whether a candidate may be deployed.

`python -m training.evaluate_candidate --task TASK --data FOLDER --answers FOLDER --candidate FILE`

Measures a batch transform job's answers for the test part of a preparation, runs the deployed model on the
same images, and compares both. `--output` gets decision.json, metrics.json, report.md, predictions.csv and
plots/. The exit status is 0 whatever the decision.
"""

import argparse
import sys
import tempfile
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

from chalicelib import DISCLAIMER
from chalicelib.models.package import ModelPackage
from chalicelib.tasks import Task
from training.arguments import Parser, find_task
from training.data.dataset import attributes, subgroups
from training.errors import TrainingError
from training.evaluation.answers import write_answers
from training.evaluation.assessment import Assessment, assess
from training.evaluation.comparison import Comparison, compare
from training.evaluation.gate import decide
from training.evaluation.opening import open_package
from training.evaluation.scoring import score_package
from training.evaluation.transform import HeldOut, read_answers, read_test_part
from training.evaluation.unseen import RETRAINING, find_evidence
from training.reports.card import PLOTS
from training.reports.facts import Facts, write_json
from training.reports.markdown import bullets, points, table
from training.reports.plots import save_plots
from training.reports.report import render_results

SEED = 0
"""Of the bootstrap."""
BUNDLED = "bundled"
"""Stands for the model that comes with the application."""


def evaluate_candidate(options: argparse.Namespace) -> Facts:
    """Do what the command line says; returns the content of decision.json.

    Raises:
        TrainingError: if images, answers or packages do not allow it.
    """
    task = find_task(options.task)
    with tempfile.TemporaryDirectory() as name:
        candidate = open_package(options.candidate, task, Path(name, "candidate"))
        current = _open_current(options.current, task, Path(name, "current"))
        part = read_test_part(options.data, task)
        test = _assess(task, part, candidate, options)
        comparison, remark = _compare(task, part, test, current, options) if current else (None, "")
    decision = decide(task, test.metrics, comparison)
    facts = {
        "accepted": decision.accepted,
        "reasons": [*decision.reasons, *([remark] if remark else ())],
        "task": task.name,
        "title": task.title,
        "classes": list(task.class_names),
        "disclaimer": DISCLAIMER,
        "created_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "candidate": candidate.version,
        "current": current.version if current else None,
        "images": len(part.records),
        "groups": len(set(part.groups)),
        "comparison": comparison.to_dict() if comparison else None,
    }
    _write(options.output, facts, test, part)
    return facts


def _open_current(named: str | None, task: Task, workplace: Path) -> ModelPackage | None:
    if not named:
        return None
    return open_package(None if named == BUNDLED else Path(named), task, workplace)


def _assess(task: Task, part: HeldOut, candidate: ModelPackage, options: argparse.Namespace) -> Assessment:
    answers = read_answers(options.answers, part, task, dict(candidate.facts))
    return assess(
        task,
        answers,
        part.labels,
        part.groups,
        subgroups(part.records, attributes(part.records)),
        candidate.facts.get("temperature"),
        options.bootstrap,
        SEED,
    )


def _compare(
    task: Task, part: HeldOut, test: Assessment, current: ModelPackage, options: argparse.Namespace
) -> tuple[Comparison, str]:
    """The comparison, and what is to be said of the images that it rests on."""
    evidence = find_evidence(dict(current.facts), options.current_origin, options.data, part, task)
    rows = evidence.rows
    theirs = score_package(current, task, part.pixels, rows)
    comparison = compare(
        task.class_names,
        part.labels[rows],
        [part.groups[row] for row in rows],
        test.answers.probabilities[rows],
        theirs.answers.probabilities,
        options.bootstrap,
        SEED,
    )
    return comparison, evidence.remark


def _write(folder: Path, facts: Facts, test: Assessment, part: HeldOut) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / "decision.json", facts)
    write_json(folder / "metrics.json", test.metrics)
    (folder / "report.md").write_text(render_decision(facts, test.metrics), encoding="utf-8")
    write_answers(folder / "predictions.csv", part.records, test.answers, facts["classes"])
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


def _parser() -> Parser:
    parser = Parser(
        prog="training.evaluate_candidate",
        description="Decide whether a candidate may be deployed.",
        allow_abbrev=False,
    )
    parser.add_argument("--task", required=True, help="name of a file in chalicelib/tasks, without .toml")
    parser.add_argument(
        "--data",
        type=Path,
        required=True,
        help="what training.prepare --arrays leaves: manifest.csv, test/",
    )
    parser.add_argument(
        "--answers", type=Path, required=True, help="output of the transform job: DIGEST.npy.out"
    )
    parser.add_argument("--candidate", type=Path, required=True, help="model.tar.gz that the job has used")
    parser.add_argument(
        "--current", help=f"package that is deployed now: a model.tar.gz, a folder, or '{BUNDLED}' (none)"
    )
    parser.add_argument(
        "--current-origin",
        default="",
        choices=("", BUNDLED, RETRAINING),
        help="where that package comes from; models of retrainings have not seen the test part",
    )
    parser.add_argument("--output", type=Path, required=True, help="where decision and report go")
    parser.add_argument("--bootstrap", type=int, default=2000, help="resamples of the comparison (2000)")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run from the command line; the exit status says whether there is a decision."""
    try:
        facts = evaluate_candidate(_parser().parse(argv))
    except TrainingError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print("accepted" if facts["accepted"] else "rejected", *facts["reasons"], sep="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Decide whether a candidate may be deployed.

`python -m training.evaluate_candidate --task TASK --data FOLDER --answers FOLDER --candidate FILE`

Measures a batch transform job's answers for the test part of a preparation, runs the deployed model on the
same images, and compares both. `--output` gets decision.json, metrics.json, report.md, predictions.csv and
plots/. The exit status is 0 whatever the decision.
"""

import argparse
import sys
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from chalicelib import DISCLAIMER
from chalicelib.models.package import ModelPackage
from chalicelib.tasks import Task
from training.arguments import Parser, find_task
from training.core.facts import Facts
from training.data.dataset import attributes, subgroups
from training.errors import TrainingError
from training.evaluation.assessment import Assessment, assess
from training.evaluation.comparison import Comparison, compare
from training.evaluation.gate import decide
from training.evaluation.package_loading import open_package
from training.evaluation.scoring import score_package
from training.evaluation.transform import HeldOut, read_answers, read_test_part
from training.evaluation.unseen_images import find_evidence
from training.reports.decision_report import write_decision

SEED = 0
"""Seed of the bootstrap."""
BUNDLED = "bundled"
"""Stands for the bundled model."""


def evaluate_candidate(options: argparse.Namespace) -> Facts:
    """Evaluate a candidate and write the report; returns the content of decision.json.

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
        "scores": _scores(test, comparison, len(part.records)),
    }
    write_decision(options.output, facts, test, part)
    return facts


def _scores(test: Assessment, comparison: Comparison | None, images: int) -> Facts:
    """The balanced accuracy of the candidate, and of the current model on the same images."""
    if comparison is None:
        return {"images": images, "candidate": test.metrics["balanced_accuracy"]["value"], "current": None}
    candidate, current = comparison.balanced_accuracies
    return {"images": comparison.images, "candidate": candidate, "current": current}


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
    """The comparison, and a remark on its images."""
    evidence = find_evidence(dict(current.facts), options.current_origin, options.data, part, task)
    rows = evidence.rows
    scored = score_package(current, task, part.pixels, rows)
    comparison = compare(
        task.class_names,
        part.labels[rows],
        [part.groups[row] for row in rows],
        test.answers.probabilities[rows],
        scored.answers.probabilities,
        options.bootstrap,
        SEED,
    )
    return comparison, evidence.remark


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
        help="output of training.prepare --arrays: manifest.csv, test/",
    )
    parser.add_argument(
        "--answers", type=Path, required=True, help="output of the transform job: DIGEST.npy.out"
    )
    parser.add_argument("--candidate", type=Path, required=True, help="model.tar.gz that the job used")
    parser.add_argument(
        "--current", help=f"package that is deployed now: a model.tar.gz, a folder, or '{BUNDLED}' (none)"
    )
    parser.add_argument(
        "--current-origin",
        default="",
        help="its origin, as in its record; models of retrainings were not trained on the test part",
    )
    parser.add_argument("--output", type=Path, required=True, help="folder for decision and report")
    parser.add_argument(
        "--bootstrap", type=int, default=2000, help="bootstrap resamples of the comparison (2000)"
    )
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

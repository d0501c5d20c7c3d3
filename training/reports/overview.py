"""An overview of all models: `python -m training.reports.overview [FOLDER]` prints tables.

FOLDER holds a folder with a model.json for each model; without it, the bundled models are listed.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from chalicelib.models.package import BUNDLED_MODELS
from chalicelib.tasks import load_task
from training.core.facts import Facts
from training.core.markdown import fraction, percent, table
from training.evaluation.gate import describe_shortfall
from training.evaluation.metrics import HIGH_RECALL
from training.reports.seed_results import seed_results


def render_overview(models: Sequence[Facts]) -> str:
    """Markdown tables for the contents of several model.json."""
    results = table(
        ("Model", "Test", "Accuracy", "Seeds", "Balanced accuracy", "AUC", "ECE", "OOD AUROC", "Gate"),
        [
            (
                f"`{model['task']}`",
                _size(model["data"]["split"]["test"]),
                percent(test["accuracy"]),
                _seeds(seed_results(model["training"])),
                percent(test["balanced_accuracy"]),
                fraction(test["auc"]),
                _calibration_error(test),
                _ood_auroc(model["metrics"].get("unfamiliar", {})),
                describe_shortfall(load_task(model["task"]), test) or "passes",
            )
            for model in models
            for test in [model["metrics"]["test"]]
        ],
    )
    findings = table(
        (
            "Any finding",
            "Sensitivity",
            "Specificity",
            "Precision",
            "F1",
            f"Precision at sensitivity {HIGH_RECALL}",
        ),
        [
            (
                f"`{model['task']}`",
                *(percent(finding[name]) for name in ("sensitivity", "specificity", "precision")),
                f"{100 * _f1(finding):.1f} %",
                percent(finding["precision_at_high_recall"]),
            )
            for model in models
            if (finding := model["metrics"]["test"].get("finding"))
        ],
    )
    return f"{results}\n\n{findings}\n"


def _calibration_error(test: Facts) -> str:
    """The error; also that of calibrated probabilities, on average and at most in 95 of 100 tests."""
    chance = test.get("ece_by_chance")
    known = f" (by chance {chance['mean']:.3f}, up to {chance['limit']:.3f})" if chance else ""
    return f"{test['ece_after']:.3f}{known}"


def _size(part: Facts) -> str:
    return f"{part['images']} images, {part['groups']} groups"


def _seeds(seeds: Sequence[Facts]) -> str:
    """Mean test accuracy of single networks, with the lowest and the highest."""
    values = [100 * seed["test"]["accuracy"] for seed in seeds]
    return f"{sum(values) / len(values):.1f} % ({min(values):.1f} to {max(values):.1f})"


def _f1(finding: Facts) -> float:
    precision, sensitivity = finding["precision"]["value"], finding["sensitivity"]["value"]
    return float(2 * precision * sensitivity / (precision + sensitivity))


def _ood_auroc(measured: Facts) -> str:
    """The lowest AUROC of all kinds of out-of-distribution images; also that of kinds held out."""
    if not measured:
        return "not measured"
    lowest = min(kind["auroc"] for kind in measured.values())
    held_out = [kind["auroc_unseen"] for kind in measured.values() if "auroc_unseen" in kind]
    return f"{lowest:.3f} (held out: {min(held_out):.3f})" if held_out else f"{lowest:.3f}"


def main(argv: Sequence[str] | None = None) -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(
        prog="training.reports.overview", description="Print the test results of models."
    )
    parser.add_argument("folder", type=Path, nargs="?", default=BUNDLED_MODELS, help="folder of packages")
    folder = parser.parse_args(argv).folder
    paths = sorted(folder.glob("*/model.json"))
    if not paths:
        print(f"error: there is no model in '{folder}': no */model.json", file=sys.stderr)
        return 1
    print(render_overview([json.loads(path.read_text(encoding="utf-8")) for path in paths]), end="")
    return 0


if __name__ == "__main__":
    sys.exit(main())

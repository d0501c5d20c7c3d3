"""Score a model on labelled images: `python -m training.evaluate --task TASK --data FOLDER`.

It scores the bundled package, another one (`--package model.tar.gz`), or a running API (`--url https://...`,
which gets the original files). `--output` gets a report with the same metrics as the model card: report.md,
metrics.json, predictions.csv and plots/.
"""

import argparse
import logging
import os
import sys
import tempfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np

from chalicelib.models.package import ModelPackage
from chalicelib.tasks import Task
from training.arguments import Parser, check_output, data_location, data_reading, find_task
from training.core.facts import Facts
from training.data.parts import PARTS
from training.data.preparation import EvaluationData, prepare_evaluation_data
from training.data.storage import Storage, join
from training.errors import TrainingError
from training.evaluation.answers import read_outputs
from training.evaluation.api import Api
from training.evaluation.metrics_file import measure
from training.evaluation.package_loading import open_package
from training.evaluation.provenance import describe_parts, find_parts, look_up_parts
from training.evaluation.scoring import Scored, score_api, score_package
from training.evaluation.stress import CHANGES, measure_stress
from training.model.graph import open_session, run
from training.options import add_data_options
from training.reports.evaluation_report import write_evaluation

TOKEN = "NEGATOSCOPE_TOKEN"  # noqa: S105  # the name of a variable, no token


def evaluate(options: argparse.Namespace) -> Facts:
    """Score the model and write the report; returns the content of metrics.json.

    Raises:
        TrainingError: if images, package or API do not allow it; the message says what to do.
    """
    task = find_task(options.task)
    check_output(options.output)
    location = data_location(options, task)
    with tempfile.TemporaryDirectory() as name:
        workplace = Path(name)
        model = _open_model(options, task, workplace)
        data = prepare_evaluation_data(
            location, options.dataset or task.name, task, workplace, **data_reading(options)
        )
        parts = _find_parts(options.manifest, model, task, data)
        rows = _choose(parts, options.part, len(data.records))
        print(f"scoring {len(rows)} images with {_describe_model(options)}", flush=True)
        scored = _score(model, task, data, rows)
        stress: Facts = {}
        if options.stress and isinstance(model, ModelPackage):
            stress = _measure_stress(model, task, data, rows)
    facts = {
        "model": _describe_model(options),
        "data": ", ".join([*location, *([f"labels of {options.labels}"] if options.labels else [])]),
        "part": options.part,
        "seen": describe_parts(None if parts is None else [parts[row] for row in rows]),
        **measure(task, data, rows, scored, options.bootstrap, _temperature(model)),
    }
    if stress:
        facts["metrics"]["stress"] = stress
    write_evaluation(options.output, facts, [data.records[row] for row in rows], scored)
    return facts


def _open_model(options: argparse.Namespace, task: Task, workplace: Path) -> ModelPackage | Api:
    """Open the model before images are read, so that errors show at once."""
    if not options.url:
        return open_package(options.package, task, workplace)
    if options.stress:
        raise TrainingError("--stress changes prepared images, which an API does not take; use --package.")
    api = Api(options.url, task, options.token or os.environ.get(TOKEN))
    api.check()
    return api


def _find_parts(
    manifest: Path | None, model: ModelPackage | Api, task: Task, data: EvaluationData
) -> list[str] | None:
    """The part of the model's training data in which each image was; None if unknown."""
    if manifest:
        return look_up_parts(manifest, data.digests, data.contents)
    if isinstance(model, Api):
        return None
    return find_parts(model.facts, data.records, data.digests, task.class_names)


def _choose(parts: Sequence[str] | None, wanted: str | None, count: int) -> list[int]:
    """The indices of the images to score."""
    if not wanted:
        return list(range(count))
    if parts is None:
        raise TrainingError(
            f"It is unknown which images are in the {wanted} part. Give the manifest.csv from the reports of "
            "the training with --manifest."
        )
    rows = [row for row, part in enumerate(parts) if part == wanted]
    if not rows:
        raise TrainingError(f"None of the {count} images is in the {wanted} part of the training data.")
    return rows


def _score(model: ModelPackage | Api, task: Task, data: EvaluationData, rows: Sequence[int]) -> Scored:
    if isinstance(model, ModelPackage):
        return score_package(model, task, data.labelled.pixels, np.array(rows))
    storage = Storage()
    return score_api(
        model, [partial(storage.read, join(data.folder, data.records[row].path)) for row in rows]
    )


def _measure_stress(model: ModelPackage, task: Task, data: EvaluationData, rows: Sequence[int]) -> Facts:
    print(f"scoring them again under {len(CHANGES)} changes", flush=True)
    session = open_session(model.graph_path)
    return measure_stress(
        lambda pixels: read_outputs(run(session, pixels), task, model.thresholds),
        data.labelled.pixels.view(rows),
        data.labelled.labels[list(rows)],
    )


def _temperature(model: ModelPackage | Api) -> float | None:
    return model.facts.get("temperature") if isinstance(model, ModelPackage) else None


def _describe_model(options: argparse.Namespace) -> str:
    if options.url:
        return f"the API at {options.url}"
    return f"the package {options.package}" if options.package else "the bundled package"


def _parser() -> Parser:
    parser = Parser(
        prog="training.evaluate", description="Score a model on labelled images.", allow_abbrev=False
    )
    parser.add_argument("--task", required=True, help="name of a file in chalicelib/tasks, without .toml")
    add_data_options(parser)
    model = parser.add_mutually_exclusive_group()
    model.add_argument(
        "--package", type=Path, help="model.tar.gz, a package's folder or its model.onnx (the bundled one)"
    )
    model.add_argument("--url", help="address of a running API, like https://example.org")
    parser.add_argument(
        "--token", help=f"identity token for the API; better in {TOKEN}, which other users cannot see"
    )
    parser.add_argument(
        "--manifest",
        type=Path,
        help="manifest.csv of the model's training, with the images it was trained on",
    )
    parser.add_argument(
        "--part", choices=PARTS, help="score only the images in this part of its training data"
    )
    parser.add_argument(
        "--stress",
        action="store_true",
        help="score a package again on changed images: shifted, cropped, blurred ...",
    )
    parser.add_argument("--output", type=Path, help="folder for the report (.local/evaluation/TASK)")
    parser.add_argument(
        "--bootstrap", type=int, default=1000, help="bootstrap resamples of each interval (1000)"
    )
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run from the command line; the exit status says whether there is a report."""
    # Retries are not logged; requests that fail after all retries are in the report.
    logging.getLogger("urllib3").setLevel(logging.ERROR)
    try:
        options = _parser().parse(argv)
        options.output = options.output or Path(".local", "evaluation", options.task)
        if not 10 <= options.bootstrap <= 100_000:
            raise TrainingError(f"--bootstrap must be between 10 and 100000; it is {options.bootstrap}.")
        facts = evaluate(options)
    except TrainingError as error:
        print("error:", " ".join(str(error).split()), file=sys.stderr)
        return 1
    metrics = facts["metrics"]
    headline = (f"{name}={metrics[name]['value']:.4f};" for name in ("accuracy", "balanced_accuracy"))
    print(" ".join((*headline, f"images={facts['images']};", f"report: {options.output / 'report.md'}")))
    return 0


if __name__ == "__main__":
    sys.exit(main())

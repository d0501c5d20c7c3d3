"""The command line of a training run, which is also the interface that SageMaker's script mode calls."""

import argparse
import os
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from chalicelib.tasks import Task, load_tasks
from training.errors import TrainingError
from training.hyperparameters import Hyperparameters

RECIPES = Path(__file__).with_name("recipes.toml")

SMOKE = {"repeats": 1, "epochs": 2, "batch_size": 16, "width": 8, "bootstrap": 50, "ema_decay": 0.5}
"""What `--smoke` sets: enough to walk every line in seconds, not enough to learn anything."""


@dataclass(frozen=True)
class Arguments:
    """What one run was asked to do."""

    task: Task
    data: Path
    """Folder of labelled images; the split is made from all of them."""
    dataset: str
    """Name of the data set's entry in datasets.toml."""
    model_dir: Path
    """Where the package goes: model.onnx, model.json, card.md."""
    output_dir: Path
    """Where the reports go."""
    git_commit: str
    parameters: Hyperparameters


def parse_arguments(argv: Sequence[str] | None = None) -> Arguments:
    """Read the command line (`sys.argv` if `argv` is None) and SageMaker's SM_* variables.

    A hyper-parameter is what the command line says, else what `--smoke` sets, else the task's recipe, else
    its default.

    Raises:
        TrainingError: if the task is unknown or a hyper-parameter is out of its range.
    """
    given = vars(_parser().parse_args(argv))
    task = _find_task(given.pop("task"))
    smoke = given.pop("smoke")
    workplace = Path(".local", "training", task.name)
    paths = {
        "data": given.pop("data") or _data_home() / task.name,
        "model_dir": given.pop("model_dir") or workplace / "model",
        "output_dir": given.pop("output_dir") or workplace / "output",
    }
    dataset = given.pop("dataset") or task.name
    git_commit = given.pop("git_commit")
    asked = {name: value for name, value in given.items() if value is not None}
    parameters = Hyperparameters().updated({**read_recipe(task.name), **(SMOKE if smoke else {}), **asked})
    return Arguments(task, dataset=dataset, git_commit=git_commit, parameters=parameters, **paths)


def read_recipe(task: str, path: Path = RECIPES) -> dict[str, Any]:
    """The hyper-parameters that were found to suit a task; empty if nobody looked."""
    recipe: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8")).get(task, {})
    return recipe


def _data_home() -> Path:
    """The folder with one sub-folder of labelled images per task."""
    return Path(os.environ.get("NEGATOSCOPE_DATA", "../shared/data"))


def _find_task(name: str) -> Task:
    tasks = load_tasks()
    if name not in tasks:
        raise TrainingError(f"There is no task '{name}'. Known: {', '.join(tasks)}.")
    return tasks[name]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="training.train", description="Train a task's model and write its package.", allow_abbrev=False
    )
    parser.add_argument("--task", required=True, help="name of a file in chalicelib/tasks, without .toml")
    # The three folders that SageMaker names in the environment.
    parser.add_argument(
        "--data",
        type=Path,
        default=os.environ.get("SM_CHANNEL_TRAIN"),
        help="labelled images: manifest.csv (path, class, group), or a folder per class",
    )
    parser.add_argument(
        "--model-dir", type=Path, default=os.environ.get("SM_MODEL_DIR"), help="where the model package goes"
    )
    parser.add_argument(
        "--output-dir", type=Path, default=os.environ.get("SM_OUTPUT_DATA_DIR"), help="where reports go"
    )
    parser.add_argument("--dataset", help="entry of datasets.toml that describes the data (the task's name)")
    parser.add_argument(
        "--git-commit", default="", help="recorded in the package (asked of git if not given)"
    )
    parser.add_argument(
        "--smoke", type=_boolean, nargs="?", const=True, default=False, help="a quick, useless run"
    )
    defaults = Hyperparameters()
    for spec in fields(Hyperparameters):
        # SageMaker passes names as they stand in HyperParameters, with underscores.
        names = dict.fromkeys((f"--{spec.name.replace('_', '-')}", f"--{spec.name}"))
        parser.add_argument(
            *names,
            type=spec.type,
            choices=spec.metadata.get("choices"),
            help=f"{spec.metadata['help']} (default {getattr(defaults, spec.name)})",
        )
    return parser


def _boolean(text: str) -> bool:
    values = {"true": True, "false": False}
    if text.lower() not in values:
        raise argparse.ArgumentTypeError(f"true or false, not '{text}'")
    return values[text.lower()]

"""The command line of training and tuning, which SageMaker's script mode also uses."""

import argparse
import os
import sys
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from difflib import get_close_matches
from pathlib import Path
from typing import Any, NoReturn

from chalicelib.hyperparameters import (
    EFFICIENTNETS,
    STREAMED,
    Hyperparameters,
    check_streamed,
    current_names,
)
from chalicelib.tasks import Task, load_tasks
from training.data.sources import dataset_folders
from training.errors import TrainingError
from training.options import (
    READING,
    add_data_options,
    add_hyperparameters,
    add_place_options,
    add_split_options,
    add_stream_option,
)

RECIPES = Path(__file__).with_name("recipes.toml")

ONE_NETWORK: Mapping[str, Any] = {"num_seeds": 1, "ensemble_size": 1, "validation": "fixed"}
"""The hyper-parameters of a training of one network, whatever the recipe averages."""
SMOKE: dict[str, Any] = {
    **ONE_NETWORK,
    "epochs": 2,
    "batch_size": 16,
    "width": 8,
    "feature_views": 0,
    "head_epochs": 0,
    "bootstrap": 50,
    "ema_decay": 0.5,
}
"""The hyper-parameters of `--smoke`: a run in seconds through all of the code, with a useless model."""


@dataclass(frozen=True)
class Arguments:
    """The arguments of a run."""

    task: Task
    data: tuple[str, ...]
    """Where the labelled images are: folders or s3:// URIs."""
    dataset: str
    """Name of the entry in datasets.toml."""
    reading: Mapping[str, Any]
    """How the data are read: keyword arguments of `preparation.prepare_data`."""
    ood_data: Path | None
    """Folder with out-of-distribution images: a folder of images for each task."""
    start_from: str | None
    """Starting weights: a file, an architecture with ImageNet weights, or torchvision:MODEL."""
    model_dir: Path
    """Folder for the package: model.onnx, model.json, card.md."""
    output_dir: Path
    """Folder for the reports."""
    checkpoint_dir: Path
    """Folder for the state of an unfinished run."""
    git_commit: str
    asked: Mapping[str, Any]
    """The hyper-parameters on the command line."""
    parameters: Hyperparameters
    """All hyper-parameters: from the command line, the recipe, or the defaults."""


class Parser(argparse.ArgumentParser):
    """A parser that reports errors as TrainingError, in one line."""

    def error(self, message: str) -> NoReturn:
        """Reject the command line.

        Raises:
            TrainingError: always.
        """
        raise TrainingError(f"{message[:1].upper()}{message[1:]}. --help explains all arguments.")

    def parse(self, argv: Sequence[str] | None) -> argparse.Namespace:
        """Read the command line (`sys.argv` if `argv` is None).

        Raises:
            TrainingError: if an argument is unknown, with the most similar one, or has no value.
        """
        words = [_with_hyphens(word) for word in (sys.argv[1:] if argv is None else argv)]
        options, unknown = self.parse_known_args(words)
        if unknown:
            known = [name for action in self._actions for name in action.option_strings]
            near = get_close_matches(unknown[0].partition("=")[0], known, 1)
            hint = f" Did you mean {near[0]}?" if near else ""
            raise TrainingError(f"There is no argument '{unknown[0]}'.{hint} --help explains all arguments.")
        return options


def parse_arguments(argv: Sequence[str] | None = None) -> Arguments:
    """Parse the command line of a training run (`sys.argv` if `argv` is None); SageMaker's SM_* are defaults.

    Raises:
        TrainingError: if an argument or the task is unknown, or a hyper-parameter is out of its range.
    """
    return read_options(training_parser("training.train", "Train a task's model.").parse(argv))


def read_options(options: argparse.Namespace) -> Arguments:
    """The arguments in the options of a `training_parser`.

    A hyper-parameter comes from the command line, else from `--smoke`, else from the task's recipe, else it
    has its default.

    Raises:
        TrainingError: if the task is unknown or a hyper-parameter is out of its range.
    """
    task = find_task(options.task)
    workplace = Path(".local", "training", task.name)
    recipe = read_recipe(task.name, options.recipe or RECIPES, required=bool(options.recipe))
    asked = {spec.name: getattr(options, spec.name) for spec in fields(Hyperparameters)}
    asked = {name: value for name, value in asked.items() if value is not None}
    if options.start_from in EFFICIENTNETS:
        asked.setdefault("architecture", options.start_from)
    if options.stream:
        check_streamed(asked)
    chosen = {**(SMOKE if options.smoke else {}), **(STREAMED if options.stream else {}), **asked}
    parameters = Hyperparameters().updated({**recipe, **chosen})
    return Arguments(
        task=task,
        data=data_location(options, task),
        dataset=options.dataset or task.name,
        reading={
            **data_reading(options),
            "test_split": options.test_split,
            "earlier": options.earlier,
            "leave_out": options.leave_out,
            "stream": options.stream,
        },
        ood_data=options.ood_data,
        start_from=_starting_weights(options.start_from, parameters.architecture),
        model_dir=options.model_dir or workplace / "model",
        output_dir=options.output_dir or workplace / "output",
        checkpoint_dir=options.checkpoint_dir or workplace / "checkpoints",
        git_commit=options.git_commit,
        asked=asked,
        parameters=parameters,
    )


def _starting_weights(asked: str | None, architecture: str) -> str | None:
    """The starting weights: `asked`, or those of an architecture that has weights from ImageNet."""
    if asked in EFFICIENTNETS and asked != architecture:
        raise TrainingError(
            f"--start-from {asked} needs that architecture, not {architecture}. Leave out --architecture."
        )
    return asked or (architecture if architecture in EFFICIENTNETS else None)


def read_recipe(name: str, path: Path = RECIPES, *, required: bool = False) -> dict[str, Any]:
    """The hyper-parameters in the table `name` of a file, over those of its `base`, which may have one, too.

    A task without a table has none of its own: the result is empty. If the table is `required`, only an empty
    file may lack it.

    Raises:
        TrainingError: if `path` is not a TOML file, or lacks a required table, or that of the base, or has
            something else under its name.
        InvalidHyperparameters: if a hyper-parameter is given under both of its names.
    """
    try:
        recipes = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise TrainingError(f"The recipe {path} cannot be read: {error}") from error
    if required and recipes and name not in recipes:
        raise TrainingError(f"The recipe {path} has no table '{name}'. Its tables: {', '.join(recipes)}.")
    return _over_bases(recipes, name, path)


def _over_bases(recipes: Mapping[str, Any], name: str, path: Path) -> dict[str, Any]:
    found = recipes.get(name, {})
    if not isinstance(found, dict):
        raise TrainingError(f"In the recipe {path}, '{name}' is not a table: write [{name}].")
    recipe = dict(found)
    base = recipe.pop("base", None)
    if base is None:
        return current_names(recipe)
    # Without this table, so that bases in a circle end with an error.
    others = {table: values for table, values in recipes.items() if table != name}
    if not isinstance(base, str) or base not in others:
        raise TrainingError(f"The recipe {path} has no other table '{base}', the base of '{name}'.")
    return {**_over_bases(others, base, path), **current_names(recipe)}


def find_task(name: str) -> Task:
    """The task called `name`.

    Raises:
        TrainingError: if there is none.
    """
    tasks = load_tasks()
    if name not in tasks:
        raise TrainingError(f"There is no task '{name}'. Known: {', '.join(tasks)}.")
    return tasks[name]


def training_parser(program: str, description: str) -> Parser:
    """A parser for all options of a training."""
    parser = Parser(prog=program, description=description, allow_abbrev=False)
    parser.add_argument("--task", required=True, help="name of a file in chalicelib/tasks, without .toml")
    add_data_options(parser)
    add_split_options(parser)
    add_stream_option(
        parser,
        "; nor the output of frozen blocks (--feature-views, --head-epochs), nor outlines; with --test-split "
        "fixed, a preparation's images are not read beforehand",
    )
    add_place_options(parser)
    add_hyperparameters(parser)
    return parser


def check_output(folder: Path) -> None:
    """Make sure that a folder is writable, before hours of work.

    Raises:
        TrainingError: if it is not.
    """
    whole = folder.absolute()
    place = next(place for place in (whole, *whole.parents) if os.access(place, os.F_OK))
    if not place.is_dir():
        raise TrainingError(f"Cannot write to '{folder}': '{place}' is a file.")
    if not os.access(place, os.W_OK | os.X_OK):
        raise TrainingError(f"Cannot write to '{folder}': '{place}' is not writable.")


def _with_hyphens(word: str) -> str:
    """`--batch_size` as `--batch-size`: SageMaker passes the names in HyperParameters unchanged."""
    name, equals, value = word.partition("=")
    return name.replace("_", "-") + equals + value if name.startswith("--") else word


def data_location(options: argparse.Namespace, task: Task) -> tuple[str, ...]:
    """Where the images are: folders or s3:// URIs."""
    parent = os.environ.get("NEGATOSCOPE_DATA", "../shared/data")
    return tuple(options.data or dataset_folders(parent, options.dataset or task.name))


def data_reading(options: argparse.Namespace) -> dict[str, Any]:
    """How images are read: keyword arguments of the functions of `data.preparation`."""
    return {name: getattr(options, name) for name in READING}

"""The report of a hyper-parameter search: a table, a recipe, a plot."""

import csv
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
import optuna
from matplotlib.figure import Figure
from optuna.trial import FrozenTrial, TrialState

from chalicelib.hyperparameters import Hyperparameters, searched
from training.arguments import Arguments
from training.errors import TrainingError
from training.reports.plots import COLOURS, STYLE

PANELS_PER_ROW = 3
RECIPE = "recipe"
"""Marks the trial of the task's recipe."""


def finished(study: optuna.Study) -> list[FrozenTrial]:
    """The completed and pruned trials in their order, without interrupted ones."""
    return study.get_trials(deepcopy=False, states=(TrialState.COMPLETE, TrialState.PRUNED))


def ranked(study: optuna.Study) -> list[FrozenTrial]:
    """The completed trials, best first.

    Raises:
        TrainingError: if there is none.
    """
    complete = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    if not complete:
        raise TrainingError("No trial was completed. Lower the learning rate, or add data.")
    return sorted(complete, key=_loss)


def write_report(folder: Path, arguments: Arguments, study: optuna.Study) -> None:
    """Write trials.csv, best.toml and plot.png into `folder`.

    Raises:
        TrainingError: if no trial was completed.
    """
    best = ranked(study)[0]
    with (folder / "trials.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(_rows(finished(study)))
    (folder / "best.toml").write_text(render_recipe(arguments, study, best), encoding="utf-8")
    with mpl.rc_context(STYLE):
        _draw(arguments.task.title, ranked(study)).savefig(folder / "plot.png", dpi=150)


def render_recipe(arguments: Arguments, study: optuna.Study, best: FrozenTrial) -> str:
    """The task's entry of recipes.toml with the values of the best trial."""
    parameters = arguments.parameters.updated(best.user_attrs["values"])
    defaults = Hyperparameters().to_dict()
    recipes = [trial for trial in ranked(study) if RECIPE in trial.user_attrs]
    before = f"; previous recipe: {_loss(recipes[0]):.4f}" if recipes else ""
    return "\n".join(
        (
            f"# The best of {len(finished(study))} trials: validation loss {_loss(best):.4f}{before}.",
            f"[{arguments.task.name}]",
            *(
                f"{name} = {json.dumps(value)}"
                for name, value in parameters.to_dict().items()
                if value != defaults[name]
            ),
            "",
        )
    )


def describe(study: optuna.Study) -> str:
    """A table of the trials: the completed ones, best first, then the pruned ones."""
    best_first = ranked(study)
    pruned = [trial for trial in finished(study) if trial.state == TrialState.PRUNED]
    rows = _rows([*best_first, *pruned])
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join(
        "  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) for row in rows
    )


def _rows(trials: Sequence[FrozenTrial]) -> list[list[str]]:
    names = list(searched())
    head = ["trial", "validation_loss", "balanced_accuracy", "epoch", "seconds", *names]
    return [head, *([*_outcome(trial), *_values(trial, names)] for trial in trials)]


def _outcome(trial: FrozenTrial) -> list[str]:
    seconds = f"{trial.duration.total_seconds():.0f}" if trial.duration else ""
    if trial.state != TrialState.COMPLETE:
        return [str(trial.number + 1), "pruned", "", str(trial.last_step or ""), seconds]
    accuracy = trial.user_attrs["balanced_accuracy"]
    return [
        str(trial.number + 1),
        f"{_loss(trial):.4f}",
        f"{accuracy:.4f}",
        str(trial.user_attrs["epoch"]),
        seconds,
    ]


def _values(trial: FrozenTrial, names: Sequence[str]) -> list[str]:
    values: dict[str, Any] = trial.user_attrs["values"]
    return [f"{values[name]:g}" for name in names]


def _draw(title: str, trials: Sequence[FrozenTrial]) -> Figure:
    """Plot the loss over each hyper-parameter, with the best trial highlighted."""
    specs = searched()
    rows = -(-len(specs) // PANELS_PER_ROW)
    figure = Figure((8, 2.6 * rows), layout="constrained")
    figure.suptitle(f"{title}: {len(trials)} trials, the best in colour", x=0.01, horizontalalignment="left")
    panels = figure.subplots(rows, PANELS_PER_ROW, sharey=True, squeeze=False).flat
    for panel, (name, spec) in zip(panels, specs.items(), strict=False):
        values = [trial.user_attrs["values"][name] for trial in trials]
        losses = [_loss(trial) for trial in trials]
        panel.scatter(values[1:], losses[1:], s=25, color="#888888", clip_on=False, zorder=3)
        panel.scatter(values[:1], losses[:1], s=60, color=COLOURS[1], marker="D", clip_on=False, zorder=4)
        low, high, scale = spec.metadata["tune"]
        middle = (low * high) ** 0.5 if scale == "log" else (low + high) / 2
        panel.set(xscale=scale, xlim=(low, high), xlabel=name)
        panel.set_xticks((low, middle, high), [f"{tick:.3g}" for tick in (low, middle, high)])
        panel.set_xticks((), minor=True)
    for panel in list(panels):
        panel.set_visible(False)
    figure.supylabel("validation loss", fontsize=9)
    return figure


def _loss(trial: FrozenTrial) -> float:
    assert trial.value is not None
    return trial.value

"""The hyper-parameter search: measured on validation, resumable, with a recipe as its result."""

import csv
import json
import tomllib
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import optuna
import pytest

from chalicelib.hyperparameters import Hyperparameters, searched
from chalicelib.tasks import Task, load_tasks
from tests.training.samples import NO_RECIPE, make_network
from training.arguments import parse_arguments
from training.data.pixels import Labelled
from training.data.preparation import prepare_data
from training.errors import TrainingError
from training.model.fitting import Fit, fit
from training.model.progress import Epoch
from training.tune import main


@pytest.fixture
def search(task: Task, data_folder: Path, tmp_path: Path) -> list[str]:
    """The command line of a quick search, without the number of trials."""
    folders = ["--data", str(data_folder), "--output-dir", str(tmp_path / "tuning")]
    return ["--task", task.name, *folders, "--smoke", *NO_RECIPE, "--width", "4", "--epochs", "2"]


@pytest.fixture
def _without_training(monkeypatch: pytest.MonkeyPatch) -> None:
    """Replace trainings by one epoch whose loss is the trial's learning rate."""

    def pretend(
        task: Task,
        train: Labelled,
        validation: Labelled,
        parameters: Hyperparameters,
        *_: Any,
        after_epoch: Callable[[Epoch], None],
    ) -> Fit:
        print("train_loss")
        epoch = Epoch(parameters.epochs, 1.0, parameters.learning_rate, 0.5)
        after_epoch(epoch)
        return Fit(make_network(), epoch, (epoch,), "float32", 1.0)

    monkeypatch.setattr("training.tune.fit", pretend)


def read_trials(folder: Path) -> list[dict[str, str]]:
    with (folder / "trials.csv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_best_recipe_reproduces_its_trial(
    search: list[str], task: Task, tmp_path: Path, data_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "tuning"

    assert main([*search, "--trials", "2"]) == 0

    trials = read_trials(folder)
    assert len(trials) == 2
    defaults = Hyperparameters().updated({"batch_size": 16})
    assert {name: float(trials[0][name]) for name in searched()} == {
        name: float(getattr(defaults, name)) for name in searched()
    }
    printed = capsys.readouterr().out
    assert "trial 2/2: time_left=" in printed
    assert str(folder / "best.toml") in printed
    assert (folder / "plot.png").read_bytes().startswith(b"\x89PNG")

    best = min(trials, key=lambda trial: float(trial["validation_loss"]))
    arguments = parse_arguments(["--task", task.name, "--recipe", str(folder / "best.toml")])
    data = prepare_data(data_folder, task.name, task, 0, tmp_path)
    fitted = fit(task, data.labelled("train"), data.labelled("validation"), arguments.parameters, 0)
    assert f"{fitted.best.validation_loss:.4f}" == best["validation_loss"]


@pytest.mark.usefixtures("_without_training")
def test_repeated_command_continues_the_search(
    search: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "tuning"
    assert main([*search, "--trials", "1"]) == 0
    before = read_trials(folder)
    capsys.readouterr()

    assert main([*search, "--trials", "2"]) == 0
    after = read_trials(folder)
    assert "continuing a search of 1 trials" in capsys.readouterr().out
    assert after[:1] == before
    assert after[1]["learning_rate"] != before[0]["learning_rate"]

    assert main([*search, "--trials", "2"]) == 0
    assert "train_loss" not in capsys.readouterr().out
    assert read_trials(folder) == after


@pytest.mark.usefixtures("_without_training")
def test_other_settings_start_another_search(search: list[str], tmp_path: Path) -> None:
    assert main([*search, "--trials", "1"]) == 0
    assert main([*search, "--trials", "1", "--epochs", "1"]) == 0

    assert [trial["epoch"] for trial in read_trials(tmp_path / "tuning")] == ["1"]
    assert len(optuna.get_all_study_names(f"sqlite:///{tmp_path / 'tuning' / 'study.db'}")) == 2


@pytest.mark.parametrize("name", load_tasks())
@pytest.mark.usefixtures("_without_training")
def test_search_starts_at_the_recipe_of_a_bundled_model(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the recipe averages or cross-validates, a trial trains one network."""
    data = SimpleNamespace(fingerprint="f00", labelled=lambda *_: None)
    monkeypatch.setattr("training.tune.read_inputs", lambda *_: (data, None))
    monkeypatch.setattr("training.tune.read_training_outlines", lambda *_: None)

    assert main(["--task", name, "--output-dir", str(tmp_path), "--trials", "2"]) == 0

    rate = parse_arguments(["--task", name]).parameters.learning_rate
    assert float(read_trials(tmp_path)[0]["validation_loss"]) == rate
    assert parse_arguments(["--task", name, "--recipe", str(tmp_path / "best.toml")])


def test_interrupted_trial_is_repeated(
    search: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupt(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("training.tune.fit", interrupt)
        assert main([*search, "--trials", "1"]) == 130
    assert "the same command continues" in capsys.readouterr().err

    assert main([*search, "--trials", "1"]) == 0
    trials = read_trials(tmp_path / "tuning")
    assert len(trials) == 1
    assert float(trials[0]["dropout"]) == Hyperparameters().dropout  # the first trial is the recipe
    assert "; previous recipe: " in (tmp_path / "tuning" / "best.toml").read_text(encoding="utf-8")


def test_diverging_trial_is_pruned_and_the_search_continues(
    search: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    calls = []

    def diverge_once(*arguments: Any, **keywords: Any) -> Any:
        calls.append(arguments)
        if len(calls) == 1:
            raise TrainingError("Training diverged.")
        return fit(*arguments, **keywords)

    monkeypatch.setattr("training.tune.fit", diverge_once)

    assert main([*search, "--trials", "2"]) == 0
    outcomes = [trial["validation_loss"] for trial in read_trials(tmp_path / "tuning")]
    assert outcomes[0] == "pruned"
    assert float(outcomes[1]) > 0
    assert "pruned: Training diverged." in capsys.readouterr().out


def test_search_without_any_result_is_reported(
    search: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def diverge(*_: Any, **__: Any) -> None:
        raise TrainingError("Training diverged.")

    monkeypatch.setattr("training.tune.fit", diverge)

    assert main([*search, "--trials", "2"]) == 1
    assert "error: No trial was completed." in capsys.readouterr().err


def test_trial_worse_than_most_is_pruned_early(
    search: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    losses = iter([0.5, 0.4, 0.6, 0.5, 0.9])

    def pretend(*_: Any, after_epoch: Any, **__: Any) -> Fit:
        loss = next(losses)
        history = tuple(Epoch(number, 1.0, loss, 0.5) for number in range(1, 21))
        for epoch in history:
            after_epoch(epoch)
        return Fit(make_network(), history[0], history, "float32", 1.0)

    monkeypatch.setattr("training.tune.fit", pretend)

    assert main([*search, "--epochs", "20", "--trials", "5"]) == 0
    trials = read_trials(tmp_path / "tuning")
    assert [trial["validation_loss"] for trial in trials] == [
        "0.5000",
        "0.4000",
        "0.6000",
        "0.5000",
        "pruned",
    ]
    assert 1 < int(trials[4]["epoch"]) < 10


@pytest.mark.usefixtures("_without_training")
def test_best_recipe_contains_the_fixed_hyper_parameters(
    search: list[str], task: Task, tmp_path: Path
) -> None:
    assert main([*search, "--trials", "1", "--warmup-fraction", "0.3"]) == 0

    recipe = tomllib.loads((tmp_path / "tuning" / "best.toml").read_text(encoding="utf-8"))[task.name]
    assert recipe["warmup_fraction"] == 0.3
    assert recipe["width"] == 4
    assert "dropout" not in recipe  # the best trial has the default


def test_sagemaker_option_prints_the_tuning_job(task: Task, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--task", task.name, "--epochs", "9", "--sagemaker"]) == 0

    job = json.loads(capsys.readouterr().out)
    assert job["TrainingJobDefinition"]["StaticHyperParameters"] == {"task": task.name, "epochs": "9"}
    assert job["HyperParameterTuningJobConfig"]["ResourceLimits"]["MaxNumberOfTrainingJobs"] == 8


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--trials", "0"], "error: --trials must be at least 1; it is 0."),
        (["--trials", "few"], "error: Argument --trials: invalid int value"),
        (["--data", "nowhere"], "error: There is no data folder 'nowhere'"),
    ],
)
def test_errors_are_printed_in_one_line(
    search: list[str], options: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*search, *options]) == 1
    assert capsys.readouterr().err.startswith(message)


def test_torchrun_is_refused(
    search: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TORCHELASTIC_RUN_ID", "some")

    assert main(search) == 1
    assert "start it without torchrun" in capsys.readouterr().err


def test_search_with_a_weight_of_outlines_needs_outlines(
    search: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*search, "--trials", "1", "--outline-weight", "0.5"]) == 1

    assert "No training image has an outline" in capsys.readouterr().err


def test_weight_of_outlines_in_a_recipe_needs_no_outlines(
    search: list[str], tmp_path: Path, task: Task, capsys: pytest.CaptureFixture[str]
) -> None:
    recipe = tmp_path / "recipe.toml"
    recipe.write_text(f"[{task.name}]\noutline_weight = 0.5\n", encoding="utf-8")

    assert main([*search, "--trials", "1", "--recipe", str(recipe)]) == 0

    assert "0 of" in capsys.readouterr().out

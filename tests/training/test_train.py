"""A complete training run, from a folder of images to a package that the application loads."""

import csv
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from chalicelib import DISCLAIMER
from chalicelib.models.package import ModelPackage
from chalicelib.tasks import Task, load_task
from tests.training.samples import NO_RECIPE, make_network, write_images, write_manifest
from training import steps
from training.archive import serving_code
from training.arguments import SMOKE
from training.core.calibration import fit_temperature
from training.core.markdown import percent
from training.data.sources import load_source
from training.evaluation.assessment import assess
from training.evaluation.stress import CHANGES
from training.model.checkpoint import Checkpoint
from training.model.graph import open_session
from training.model.progress import METRIC_PATTERNS, OBJECTIVE, Epoch, Progress
from training.model.starting_weights import load_starting_weights
from training.run import Choice, Prepared, Results
from training.train import INTERRUPTED, main

ROOT = Path(__file__).parents[2]
OTHER = "breast-histology"


@dataclass(frozen=True)
class Run:
    """The folders and the log of a run."""

    data: Path
    model: Path
    output: Path
    printed: str


def job_arguments(task: Task, data: Path, place: Path) -> list[str]:
    folders = [
        "--data",
        str(data),
        "--model-dir",
        str(place / "model"),
        "--output-dir",
        str(place / "output"),
    ]
    return ["--task", task.name, "--smoke", *NO_RECIPE, *folders]


@pytest.fixture(scope="module")
def run(task: Task, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A smoke run started like a SageMaker job: the script by its path, folders in the environment."""
    place = tmp_path_factory.mktemp("job")
    data = write_images(place / "train", task.class_names)
    write_manifest(data)
    other = load_task(OTHER)
    write_images(place / "ood" / OTHER, other.class_names)
    with start_job(task, data, place) as job:
        printed, said = job.communicate()
    assert job.returncode == 0, said
    assert said == ""
    return Run(data, place / "model", place / "output", printed)


def start_job(task: Task, data: Path, place: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "training/train.py", *job_options(task, data)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), **job_environment(data, place)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def job_environment(data: Path, place: Path) -> dict[str, str]:
    return {
        "SM_CHANNEL_TRAIN": str(data),
        "SM_MODEL_DIR": str(place / "model"),
        "SM_OUTPUT_DATA_DIR": str(place / "output"),
    }


def job_options(task: Task, data: Path) -> list[str]:
    options = ["--task", task.name, "--smoke", "true", *NO_RECIPE, "--num-seeds", "2"]
    options += ["--learning_rate", "0.01"]
    return [*options, "--ood-data", str(data.parent / "ood"), "--git-commit", "abc123"]


def test_package_is_loaded_by_the_application(run: Run, task: Task) -> None:
    package = ModelPackage.load(run.model)

    assert package.classes == task.class_names
    assert package.thresholds.distance > 0
    assert package.thresholds.probability is None or 0 < package.thresholds.probability <= 1
    assert re.fullmatch(rf"\d{{4}}\.\d\d\.\d\d-{package.sha256[:8]}", package.version)
    shapes = {output.name: output.shape for output in open_session(package.graph_path).get_outputs()}
    assert list(shapes) == ["probabilities", "activation", "distance"]
    assert shapes["probabilities"] == ["batch", len(task.classes)]


def test_job_packs_the_serving_code(run: Run, task: Task) -> None:
    code = run.model / "code"

    assert {path.relative_to(code).as_posix() for path in code.rglob("*") if path.is_file()} == set(
        serving_code(task)
    )


def test_model_json_describes_the_training(run: Run, task: Task) -> None:
    model = json.loads((run.model / "model.json").read_text(encoding="utf-8"))

    assert model["task"] == task.name
    assert model["git_commit"] == "abc123"
    assert model["disclaimer"] == DISCLAIMER
    assert model["size_bytes"] == (run.model / "model.onnx").stat().st_size
    assert model["parity"]["max_abs_difference"] <= 1e-4
    assert model["training"]["learning_rate"] == 0.01
    assert [repeat["seed"] for repeat in model["training"]["seeds"]] == [0, 1]
    assert [repeat["kept"] for repeat in model["training"]["seeds"]].count(True) == 1
    split = model["data"]["split"]
    assert sum(part["images"] for part in split.values()) == model["data"]["findings"]["used"] == 120
    assert sum(part["groups"] for part in split.values()) == 60
    assert set(model["metrics"]["test"]["per_class"]) == set(task.class_names)
    assert model["metrics"]["test"]["stress"].keys() == CHANGES.keys()
    assert set(model["thresholds"]) == {"distance", "probability"}


def test_model_json_measures_out_of_distribution_images(run: Run) -> None:
    model = json.loads((run.model / "model.json").read_text(encoding="utf-8"))

    assert list(model["metrics"]["unfamiliar"]) == [OTHER]
    assert model["metrics"]["unfamiliar"][OTHER]["images"] > 0
    assert 0 <= model["metrics"]["unfamiliar"][OTHER]["auroc_unseen"] <= 1
    assert f"| {OTHER} |" in (run.model / "card.md").read_text(encoding="utf-8")


def test_seed_is_chosen_on_validation(run: Run) -> None:
    repeats = json.loads((run.model / "model.json").read_text(encoding="utf-8"))["training"]["seeds"]

    best = min(repeats, key=lambda repeat: repeat["validation"]["loss"])
    assert best["kept"] is True


def test_card_contains_results_limits_and_citation(run: Run) -> None:
    card = (run.model / "card.md").read_text(encoding="utf-8")
    model = json.loads((run.model / "model.json").read_text(encoding="utf-8"))
    accuracy = model["metrics"]["test"]["accuracy"]

    assert f"**{DISCLAIMER}**" in card
    assert model["intended_use"] in card
    assert all(f"- {limit}" in card for limit in model["limits"])
    assert all(f"- {note}" in card for note in model["data"]["notes"])
    assert model["data"]["citation"] in card
    assert model["data"]["licence"] in card
    assert f"| Accuracy | {percent(accuracy)} |" in card
    assert "The training was run with 2 seeds" in card


def test_log_has_progress_and_results(run: Run) -> None:
    found = {name: re.findall(pattern, run.printed) for name, pattern in METRIC_PATTERNS.items()}
    assert {name: len(values) for name, values in found.items()} == {
        name: 5 if name == OBJECTIVE else 4 for name in METRIC_PATTERNS
    }
    assert re.search(r"test_accuracy=[01]\.\d{4};", run.printed)
    assert re.search(r"groups \(patients\) +\d+ +\d+ +\d+\n", run.printed)


def test_last_objective_in_the_log_is_that_of_the_package(run: Run) -> None:
    model = json.loads((run.model / "model.json").read_text(encoding="utf-8"))
    kept = next(repeat for repeat in model["training"]["seeds"] if repeat["kept"])

    last = re.findall(METRIC_PATTERNS[OBJECTIVE], run.printed)[-1]
    assert last == f"{kept['validation']['loss']:.4f}"


def test_network_weights_can_start_another_training(run: Run, task: Task) -> None:
    weights = load_starting_weights(str(run.output / "network.pt"))
    pupil = make_network(task.input.channels, 2, int(SMOKE["width"]))

    weights.start(pupil)

    assert torch.equal(pupil.state_dict()["stem.0.weight"], weights.tensors["stem.0.weight"])
    assert weights.credit == {"trained_on": load_source(task.name).reference}


def test_stopped_job_exits_as_interrupted(run: Run, task: Task, tmp_path: Path) -> None:
    with start_job(task, run.data, tmp_path) as job:
        assert job.stdout is not None
        assert any(line.startswith("epoch=") for line in job.stdout)
        job.send_signal(signal.SIGTERM)
        _, said = job.communicate()
    assert job.returncode == INTERRUPTED
    assert said.startswith("interrupted: ")
    assert said.count("\n") == 1


@pytest.fixture
def _without_plots(monkeypatch: pytest.MonkeyPatch) -> None:
    """Skip the plots, which the run in its own process has drawn already."""
    for module in ("steps", "reports.card"):
        monkeypatch.setattr(f"training.{module}.save_plots", lambda *_: None)


def with_an_hour_more(load: Callable[[Checkpoint], Any]) -> Callable[[Checkpoint], Any]:
    """Loads checkpoints as if the epochs before the interruption had taken an hour longer."""

    def loaded(checkpoint: Checkpoint) -> Any:
        state = load(checkpoint)
        return state | {"seconds": state["seconds"] + 3600}

    return loaded


@pytest.mark.usefixtures("_without_plots")
def test_interrupted_training_resumes_to_the_same_model(
    run: Run, task: Task, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    epochs = 0

    def interrupt_after_third_epoch(progress: Progress, epoch: Epoch, best: Epoch) -> None:
        """Like SageMaker taking back a spot instance after two epochs of one training and one of the next."""
        nonlocal epochs
        epochs += 1
        if epochs == 3:
            signal.raise_signal(signal.SIGTERM)

    for name, value in job_environment(run.data, tmp_path).items():
        monkeypatch.setenv(name, value)
    with monkeypatch.context() as patch:
        patch.setattr(Progress, "report_epoch", interrupt_after_third_epoch)
        assert main(job_options(task, run.data)) == INTERRUPTED
    said = capsys.readouterr().err
    assert said.startswith("interrupted: ")
    assert said.count("\n") == 1
    assert list((tmp_path / "model").iterdir()) == []

    monkeypatch.setattr(Checkpoint, "load", with_an_hour_more(Checkpoint.load))
    assert main(job_options(task, run.data)) == 0
    printed = capsys.readouterr().out
    assert "resuming seed 0 after epoch 2\n" in printed
    assert "resuming seed 1 after epoch 1\n" in printed
    models = [
        json.loads((folder / "model.json").read_text(encoding="utf-8"))
        for folder in (run.model, tmp_path / "model")
    ]
    # Also in another process, the same data and seed give the same package.
    assert models[0]["sha256"] == models[1]["sha256"]
    assert models[0]["metrics"] == models[1]["metrics"]
    assert all(seed["seconds"] > 3600 for seed in models[1]["training"]["seeds"])
    assert models[1]["training"]["seconds"] > 2 * 3600


@pytest.mark.usefixtures("_without_plots")
def test_cross_validation_covers_all_images_outside_the_test_part(
    run: Run, task: Task, tmp_path: Path
) -> None:
    options = ["--num-seeds", "3", "--ensemble-size", "3", "--validation", "cross", "--epochs", "1"]

    assert main([*job_arguments(task, run.data, tmp_path), *options]) == 0

    fixed, rotating = (
        json.loads((folder / "model.json").read_text(encoding="utf-8"))
        for folder in (run.model, tmp_path / "model")
    )
    assert [repeat["kept"] for repeat in rotating["training"]["seeds"]] == [True] * 3
    assert rotating["data"]["fingerprint"] == fixed["data"]["fingerprint"]
    tested, validated = (
        sum(map(sum, rotating["metrics"][part]["confusion_matrix"])) for part in ("test", "validation")
    )
    assert tested == fixed["data"]["split"]["test"]["images"]
    assert validated >= 2.5 * fixed["data"]["split"]["validation"]["images"]


@pytest.mark.usefixtures("_without_plots")
def test_validation_answers_are_assessed_with_their_own_labels_and_groups(
    run: Run, task: Task, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also if a later fold has the lower loss, so that its network is the first of the package."""
    losses = count(0, -1)
    chosen: list[tuple[Prepared, Choice]] = []
    assessed: list[tuple[Any, ...]] = []

    def lower_and_lower(*arguments: Any) -> tuple[float, float]:
        return fit_temperature(*arguments)[0], float(next(losses))

    def remember(run: Any, prepared: Prepared, choice: Choice) -> Results:
        chosen.append((prepared, choice))
        return steps.test(run, prepared, choice)

    def watch(*arguments: Any) -> Any:
        assessed.append(arguments)
        return assess(*arguments)

    monkeypatch.setattr("training.model.candidate.fit_temperature", lower_and_lower)
    monkeypatch.setattr("training.train.steps", SimpleNamespace(**{**vars(steps), "test": remember}))
    monkeypatch.setattr(steps, "assess", watch)
    options = ["--num-seeds", "2", "--ensemble-size", "2", "--validation", "cross", "--epochs", "1"]
    assert main([*job_arguments(task, run.data, tmp_path), *options]) == 0

    [(prepared, choice)] = chosen
    assert list(choice.model.fits) == [1, 0]
    of_image: dict[float, tuple[int, str]] = {}
    for single in choice.singles:
        split = prepared.splits[single.seed]
        own = zip(split.labelled("validation").labels, split.groups("validation"), strict=True)
        of_image |= dict(zip(single.validation["distance"].tolist(), own, strict=True))
    _, (_, answers, labels, groups, *_), *_ = assessed  # after the test part
    assert [of_image[distance] for distance in answers.distances] == list(zip(labels, groups, strict=True))


def test_only_the_epochs_of_checkpoints_are_left_after_the_run(run: Run) -> None:
    left = sorted(path.name for path in (run.model.parent / "checkpoints").iterdir())
    assert left == ["epochs-0.json", "epochs-1.json"]


def test_file_names_are_in_the_reports_but_not_in_the_log(run: Run) -> None:
    with (run.output / "test.csv").open(encoding="utf-8") as file:
        paths = [row["path"] for row in csv.DictReader(file)]

    assert paths
    assert all((run.data / path).is_file() for path in paths)
    assert not any(Path(path).name in run.printed for path in paths)


def test_graph_that_is_too_large_leaves_the_earlier_package(
    task: Task,
    run: Run,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("training.reports.package.MAX_BYTES", 1000)
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "model.onnx").write_bytes(b"earlier")
    options = ["--epochs", "1", "--checkpoint-dir", str(tmp_path / "checkpoints")]

    assert main([*job_arguments(task, run.data, tmp_path), *options]) == 1

    assert "at most 1,000 fit. Lower --ensemble-size" in capsys.readouterr().err
    assert (tmp_path / "model" / "model.onnx").read_bytes() == b"earlier"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--data", "nowhere"], "error: There is no data folder 'nowhere'"),
        (["--epochs", "0"], "error: epochs must lie between"),
    ],
)
def test_errors_are_printed_in_one_line(
    task: Task, options: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*job_arguments(task, tmp_path, tmp_path), *options]) == 1

    said = capsys.readouterr().err
    assert said.startswith(message)
    assert said.count("\n") == 1

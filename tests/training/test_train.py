"""A whole training run, from a folder of images to a package the application loads."""

import csv
import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from chalicelib import DISCLAIMER
from chalicelib.package import ModelPackage
from chalicelib.tasks import Task
from tests.training.samples import write_images, write_manifest
from training.export import open_session
from training.fitting import METRIC_PATTERNS
from training.train import main

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Run:
    """What a run left behind."""

    data: Path
    model: Path
    output: Path
    printed: str


def arguments(task: Task, data: Path, place: Path) -> list[str]:
    folders = [
        "--data",
        str(data),
        "--model-dir",
        str(place / "model"),
        "--output-dir",
        str(place / "output"),
    ]
    return ["--task", task.name, "--smoke", *folders]


@pytest.fixture(scope="module")
def run(task: Task, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A smoke run as SageMaker starts it: the file by its path, folders in the environment."""
    place = tmp_path_factory.mktemp("job")
    data = write_images(place / "train", task.class_names)
    write_manifest(data)
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "SM_CHANNEL_TRAIN": str(data),
        "SM_MODEL_DIR": str(place / "model"),
        "SM_OUTPUT_DATA_DIR": str(place / "output"),
    }
    options = ["--task", task.name, "--smoke", "true", "--repeats", "2", "--learning_rate", "0.01"]
    command = [sys.executable, "training/train.py", *options, "--git-commit", "abc123"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return Run(data, place / "model", place / "output", done.stdout)


def test_the_application_loads_the_package(run: Run, task: Task) -> None:
    package = ModelPackage.load(run.model)

    assert package.classes == task.class_names
    assert package.distance_threshold > 0
    assert re.fullmatch(rf"\d{{4}}\.\d\d\.\d\d-{package.sha256[:8]}", package.version)
    shapes = {output.name: output.shape for output in open_session(package.graph_path).get_outputs()}
    assert list(shapes) == ["probabilities", "activation", "distance"]
    assert shapes["probabilities"] == ["batch", len(task.classes)]


def test_model_json_records_what_was_done(run: Run, task: Task) -> None:
    model = json.loads((run.model / "model.json").read_text(encoding="utf-8"))

    assert model["task"] == task.name
    assert model["git_commit"] == "abc123"
    assert model["disclaimer"] == DISCLAIMER
    assert model["size_bytes"] == (run.model / "model.onnx").stat().st_size
    assert model["parity"]["max_abs_difference"] <= 1e-4
    assert model["training"]["learning_rate"] == 0.01
    assert [repeat["seed"] for repeat in model["training"]["repeats"]] == [0, 1]
    assert [repeat["kept"] for repeat in model["training"]["repeats"]].count(True) == 1
    split = model["data"]["split"]
    assert sum(part["images"] for part in split.values()) == model["data"]["findings"]["used"] == 120
    assert sum(part["groups"] for part in split.values()) == 60
    assert set(model["metrics"]["test"]["per_class"]) == set(task.class_names)


def test_the_seed_is_chosen_on_validation(run: Run) -> None:
    repeats = json.loads((run.model / "model.json").read_text(encoding="utf-8"))["training"]["repeats"]

    best = min(repeats, key=lambda repeat: repeat["validation"]["loss"])
    assert best["kept"] is True


def test_the_card_says_what_matters(run: Run) -> None:
    card = (run.model / "card.md").read_text(encoding="utf-8")
    model = json.loads((run.model / "model.json").read_text(encoding="utf-8"))
    accuracy = model["metrics"]["test"]["accuracy"]

    assert f"**{DISCLAIMER}**" in card
    assert model["intended_use"] in card
    assert all(f"- {limit}" in card for limit in model["limits"])
    assert all(f"- {note}" in card for note in model["data"]["notes"])
    assert model["data"]["citation"] in card
    assert model["data"]["licence"] in card
    low, high = 100 * accuracy["low"], 100 * accuracy["high"]
    assert f"| Accuracy | {100 * accuracy['value']:.2f} % ({low:.2f} to {high:.2f}) |" in card
    assert "The same training was done with 2 seeds" in card


def test_progress_and_results_can_be_read_from_the_log(run: Run) -> None:
    for name, pattern in METRIC_PATTERNS.items():
        assert len(re.findall(pattern, run.printed)) == 4, name
    assert re.search(r"test_accuracy=[01]\.\d{4};", run.printed)
    assert re.search(r"groups \(patients\) +\d+ +\d+ +\d+\n", run.printed)


def test_the_log_names_no_file_and_the_report_does(run: Run) -> None:
    with (run.output / "test.csv").open(encoding="utf-8") as file:
        paths = [row["path"] for row in csv.DictReader(file)]

    assert paths
    assert all((run.data / path).is_file() for path in paths)
    assert not any(Path(path).name in run.printed for path in paths)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--data", "nowhere"], "error: There is no data folder 'nowhere'"),
        (["--epochs", "0"], "error: epochs must lie between"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(
    task: Task, options: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*arguments(task, tmp_path, tmp_path), *options]) == 1

    said = capsys.readouterr().err
    assert said.startswith(message)
    assert said.count("\n") == 1

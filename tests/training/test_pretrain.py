"""Pretraining of a backbone on several tasks."""

from pathlib import Path

import numpy as np
import pytest
import torch

from chalicelib.imaging import prepare
from chalicelib.tasks import InputSpec, Task, load_task
from tests.training.samples import make_network, write_images
from training.data.preparation import PreparedData, prepare_data
from training.data.sources import load_source
from training.model.starting_weights import load_starting_weights
from training.pretrain import main, read_data

SPEC = InputSpec(width=48, height=48, channels=1, fit="stretch")
TASKS = ("breast-histology", "mammography-views")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    for name in TASKS:
        write_images(folder / name, load_task(name).class_names)
    return folder


def pretrain(folder: Path, output: Path) -> int:
    return main(["--data", str(folder), "--output", str(output), "--epochs", "2", "--width", "4"])


def test_pretrained_weights_can_start_another_task(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert pretrain(folder, tmp_path / "backbone.pt") == 0

    printed = capsys.readouterr().out
    assert [f"{name}: " in printed for name in TASKS] == [True, True]
    assert "epoch=2/2; breast-histology=" in printed
    weights = load_starting_weights(str(tmp_path / "backbone.pt"))
    assert not [name for name in weights.tensors if name.startswith("head.")]
    network = make_network(classes=3)
    weights.start(network)
    assert torch.equal(network.state_dict()["stem.0.weight"], weights.tensors["stem.0.weight"])


def test_weights_are_reproducible_by_seed(folder: Path, tmp_path: Path) -> None:
    for name in ("first", "again"):
        assert pretrain(folder, tmp_path / name) == 0

    first, again = (load_starting_weights(str(tmp_path / name)).tensors for name in ("first", "again"))
    assert all(torch.equal(first[name], again[name]) for name in first)


def test_recipe_can_start_from_imagenet(folder: Path, tmp_path: Path) -> None:
    output, options = tmp_path / "backbone.pt", ("--recipe", "pretraining-retina", "--size", "40", "32")
    assert main(["--data", str(folder), "--output", str(output), "--epochs", "1", *options]) == 0

    imagenet, trained = load_starting_weights("efficientnet-lite0"), load_starting_weights(str(output))
    frozen, changed = "stem.0.weight", "top.0.weight"
    # The moving average of equal weights rounds.
    assert torch.allclose(trained.tensors[frozen], imagenet.tensors[frozen], atol=1e-6)
    assert not torch.allclose(trained.tensors[changed], imagenet.tensors[changed], atol=1e-6)
    data_sets = trained.credit["trained_on"]
    assert trained.credit == {**imagenet.credit, "trained_on": data_sets}
    assert trained.credit["licence"]
    assert all(load_source(task).citation in data_sets for task in TASKS)


def test_pretraining_uses_only_train_parts(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pretrain(folder, tmp_path / "backbone.pt")

    # Seven tenths of 48 images (24 patients) are in the train part.
    assert "breast-histology: 33 images to train on" in capsys.readouterr().out


def test_split_equals_that_of_the_tasks_own_training(folder: Path, tmp_path: Path) -> None:
    seed = 3
    read = read_data(folder, [], SPEC, seed, tmp_path)

    for task, images in read:
        place = tmp_path / f"own-{task.name}"
        place.mkdir()
        own = prepare_data(folder / task.name, task.name, load_task(task.name), seed, place)
        paths = [folder / task.name / own.records[index].path for index in own.parts["train"]]
        expected = [prepare(path.read_bytes(), SPEC).pixels for path in paths]
        assert np.array_equal(images.pixels[:], np.stack(expected))
        assert task.input == SPEC


def test_near_duplicates_are_searched_in_the_tasks_own_input(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []

    def spy(place: Path, name: str, task: Task, seed: int, workplace: Path) -> PreparedData:
        seen.append(task)
        return prepare_data(place, name, task, seed, workplace)

    monkeypatch.setattr("training.pretrain.prepare_data", spy)
    read_data(folder, [], SPEC, 0, tmp_path)

    assert seen == [load_task(name) for name in TASKS]


def test_folder_without_tasks_is_rejected(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--data", str(tmp_path)]) == 1
    assert "holds no folder with the name of a task" in capsys.readouterr().err


def test_unknown_recipe_is_rejected(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--data", str(folder), "--recipe", "pretraining-eye"]) == 1

    assert (
        "no table 'pretraining-eye'. Its tables: pretraining, pretraining-retina" in capsys.readouterr().err
    )


def test_unknown_task_is_rejected(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--data", str(folder), "--tasks", "toes"]) == 1
    assert "There is no task 'toes'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--size", "0", "96"], "--size must be between 16 and 2048 pixels; it is 0 x 96"),
        (["--size", "96", "-5"], "--size must be between"),
        (["--output", "."], "--output is a file, but '.' is a folder"),
        (["--output", f"{__file__}/backbone.pt"], "is a file"),
    ],
)
def test_what_would_fail_later_is_rejected_at_once(
    folder: Path, options: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--data", str(folder), *options]) == 1
    assert message in capsys.readouterr().err


def test_task_that_is_named_twice_is_used_once(folder: Path, tmp_path: Path) -> None:
    assert [task.name for task, _ in read_data(folder, [TASKS[0]] * 2, SPEC, 0, tmp_path)] == [TASKS[0]]


def test_command_without_data_is_rejected(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 1
    assert "--data" in capsys.readouterr().err

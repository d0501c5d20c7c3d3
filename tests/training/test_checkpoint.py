"""Checkpoints: atomic, and loaded only by the run that wrote them."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from chalicelib.hyperparameters import Hyperparameters
from chalicelib.tasks import Task
from training.model.checkpoint import HISTORY, Checkpoint, open_checkpoints
from training.model.progress import Epoch

STATE = {"weights": torch.arange(3), "history": [{"number": 1, "loss": 0.5}], "seconds": 1.5}


@pytest.fixture
def checkpoint(tmp_path: Path) -> Checkpoint:
    return Checkpoint(tmp_path / "checkpoints" / "seed-0.pt", {"task": "some", "epochs": 20})


def test_checkpoint_returns_the_saved_state(checkpoint: Checkpoint) -> None:
    checkpoint.save(STATE)
    state = checkpoint.load()

    assert state is not None
    assert torch.equal(state["weights"], torch.arange(3))
    assert state["history"] == STATE["history"]
    assert [path.name for path in checkpoint.path.parent.iterdir()] == ["seed-0.pt"]


def test_checkpoint_is_empty_before_saving_and_after_removal(checkpoint: Checkpoint) -> None:
    assert checkpoint.load() is None
    checkpoint.remove()
    checkpoint.save(STATE)
    checkpoint.remove()

    assert checkpoint.load() is None


def test_interrupted_save_keeps_the_previous_state(
    checkpoint: Checkpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkpoint.save(STATE)

    def half_a_save(_: Any, path: Path) -> None:
        path.write_bytes(b"PK half")
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(torch, "save", half_a_save)
        with pytest.raises(KeyboardInterrupt):
            checkpoint.save({"seconds": 3.0})

    state = checkpoint.load()
    assert state is not None
    assert state["seconds"] == 1.5
    assert [path.name for path in checkpoint.path.parent.iterdir()] == ["seed-0.pt"]


@pytest.mark.parametrize(
    ("run", "reason"),
    [
        ({"task": "some", "epochs": 30}, "epochs was 20, is 30"),
        ({"task": "some", "epochs": 20, "mixup": 0.2}, "mixup was None, is 0.2"),
        ({"task": "some"}, "epochs was 20, is None"),
    ],
)
def test_checkpoint_of_another_run_is_ignored(
    checkpoint: Checkpoint, run: dict[str, Any], reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    checkpoint.save(STATE)

    assert Checkpoint(checkpoint.path, run).load() is None
    assert f"starting from scratch: {checkpoint.path} is of another run ({reason})" in capsys.readouterr().out


@pytest.mark.parametrize("content", [b"", b"hello", b"PK\x03\x04 half", b"\x80\x02}q\x00."])
def test_checkpoint_file_with_other_content_is_ignored(
    checkpoint: Checkpoint, content: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    checkpoint.path.parent.mkdir()
    checkpoint.path.write_bytes(content)

    assert checkpoint.load() is None
    assert "is not a checkpoint" in capsys.readouterr().out


def test_checkpoints_depend_on_the_seed_and_on_settings_that_affect_training(
    task: Task, tmp_path: Path
) -> None:
    def opened(**changes: Any) -> dict[int, Checkpoint]:
        return open_checkpoints(tmp_path, task, Hyperparameters(num_seeds=2, **changes), "f00", "")

    saved, more = opened(seed=3), opened(seed=3, bootstrap=10, weights="float32", ensemble_size=2, tta="all")
    saved[4].save(STATE)

    assert list(saved) == [3, 4]
    assert more[4].load() is not None
    assert opened(seed=4)[4].load() is not None
    assert opened(seed=3, dropout=0.3)[4].load() is None
    assert open_checkpoints(tmp_path, task, Hyperparameters(seed=3, num_seeds=2), "f11", "")[4].load() is None


def test_checkpoint_of_cross_validation_depends_on_the_fold(tmp_path: Path, task: Task) -> None:
    """The same seed has another fold in a run with another first seed."""

    def opened(seed: int, networks: int) -> dict[int, Checkpoint]:
        parameters = Hyperparameters(
            seed=seed, num_seeds=networks, ensemble_size=networks, validation="cross"
        )
        return open_checkpoints(tmp_path, task, parameters, "f00", "")

    opened(0, 2)[1].save(STATE)

    assert opened(0, 3)[1].load() is not None
    assert opened(1, 2)[1].load() is None


def test_history_has_the_epochs_of_its_seed(checkpoint: Checkpoint) -> None:
    checkpoint.save(STATE)
    checkpoint.save_history([Epoch(1, 0.9, 0.8, 0.5)])
    checkpoint.save_history([Epoch(1, 0.9, 0.8, 0.5), Epoch(2, 0.7, 0.6, 0.75)])
    checkpoint.remove()

    (file,) = checkpoint.path.parent.iterdir()
    assert file.name == f"{HISTORY}0.json"
    last = json.loads(file.read_text())[-1]
    assert last == {
        "number": 2,
        "train_loss": 0.7,
        "validation_loss": 0.6,
        "validation_balanced_accuracy": 0.75,
    }

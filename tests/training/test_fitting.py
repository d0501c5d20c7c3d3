"""The training loop: learning, reproducibility, resuming and early stopping."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
import torch.utils.deterministic

from chalicelib.hyperparameters import EFFICIENTNETS, RESNET, Hyperparameters
from chalicelib.tasks import Task
from tests.training.samples import make_network
from training.data.pixels import Labelled
from training.data.preparation import PreparedData, prepare_data
from training.errors import TrainingError
from training.model import parallel
from training.model.checkpoint import Checkpoint
from training.model.devices import make_deterministic
from training.model.fitting import Fit, fit
from training.model.loop import Training
from training.model.prediction import predict
from training.model.progress import Epoch, Progress
from training.model.starting_weights import StartingWeights

QUICK = Hyperparameters(epochs=1, batch_size=16, width=4, ema_decay=0.5, learning_rate=0.01)


@pytest.fixture
def data(data_folder: Path, small_task: Task, tmp_path: Path) -> PreparedData:
    return prepare_data(data_folder, "undescribed", small_task, 0, tmp_path)


def test_fit_learns_separable_classes(small_task: Task, data: PreparedData) -> None:
    parameters = QUICK.updated({"epochs": 8, "width": 8})

    fitted = fit(small_task, data.labelled("train"), data.labelled("validation"), parameters, seed=0)

    assert fitted.best.validation_balanced_accuracy > 0.8
    assert fitted.best.validation_loss == min(epoch.validation_loss for epoch in fitted.history)
    test = data.labelled("test")
    logits = predict(fitted.network, test.pixels)
    assert (logits.argmax(1).numpy() == test.labels).mean() > 0.8


def test_weights_are_reproducible_by_seed(small_task: Task, data: PreparedData) -> None:
    train, validation = data.labelled("train"), data.labelled("validation")
    first, again, other = (
        fit(small_task, train, validation, QUICK, seed).network.head.weight for seed in (0, 0, 1)
    )

    assert torch.equal(first, again)
    assert not torch.equal(first, other)


@pytest.mark.parametrize("architecture", [RESNET, EFFICIENTNETS[0]])
def test_training_reads_no_memory_before_it_is_written(
    architecture: str, small_task: Task, data: PreparedData, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So `make_deterministic` need not have torch fill new tensors with NaN."""
    train, validation = data.labelled("train"), data.labelled("validation")
    parameters = QUICK.updated({"architecture": architecture})
    weights = []
    make_deterministic()
    assert not torch.utils.deterministic.fill_uninitialized_memory  # type: ignore[attr-defined]  # stubs lack it
    for filled in (False, True):
        monkeypatch.setattr(torch.utils.deterministic, "fill_uninitialized_memory", filled)
        weights.append(fit(small_task, train, validation, parameters, seed=0).network.head.weight)

    assert torch.equal(*weights)


class Stop(Exception):
    """Stands for anything that ends a process."""


def stop_after(number: int) -> Callable[[Epoch], None]:
    def after_epoch(epoch: Epoch) -> None:
        if epoch.number == number:
            raise Stop

    return after_epoch


def same_weights(first: Fit, second: Fit) -> bool:
    states = first.network.state_dict(), second.network.state_dict()
    return all(torch.equal(states[0][name], states[1][name]) for name in states[0])


@pytest.mark.parametrize("number", [1, 3])
def test_resumed_training_equals_an_uninterrupted_one(
    small_task: Task, data: PreparedData, tmp_path: Path, number: int, capsys: pytest.CaptureFixture[str]
) -> None:
    train, validation = data.labelled("train"), data.labelled("validation")
    parameters = QUICK.updated({"epochs": 4, "dropout": 0.5})
    checkpoint = Checkpoint(tmp_path / "seed-0.pt", {"seed": 0})
    expected = fit(small_task, train, validation, parameters, 0)

    with pytest.raises(Stop):
        fit(
            small_task,
            train,
            validation,
            parameters,
            0,
            checkpoint=checkpoint,
            after_epoch=stop_after(number),
        )
    torch.manual_seed(99)
    resumed = fit(small_task, train, validation, parameters, 0, checkpoint=checkpoint)

    assert resumed.history == expected.history
    assert resumed.best == expected.best
    assert same_weights(resumed, expected)
    assert f"resuming seed 0 after epoch {number}\n" in capsys.readouterr().out


def test_interrupted_epoch_is_repeated_from_its_start(
    small_task: Task, data: PreparedData, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    train, validation = data.labelled("train"), data.labelled("validation")
    parameters = QUICK.updated({"epochs": 3})
    checkpoint = Checkpoint(tmp_path / "seed-0.pt", {"seed": 0})
    expected = fit(small_task, train, validation, parameters, 0)

    def interrupt(progress: Progress, share: float) -> None:
        if progress.done == 1 and share > 0.5:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Progress, "report_batch", interrupt)
        with pytest.raises(KeyboardInterrupt):
            fit(small_task, train, validation, parameters, 0, checkpoint=checkpoint)
    resumed = fit(small_task, train, validation, parameters, 0, checkpoint=checkpoint)

    assert resumed.history == expected.history
    assert same_weights(resumed, expected)


def test_finished_training_is_not_repeated(
    small_task: Task, data: PreparedData, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    train, validation = data.labelled("train"), data.labelled("validation")
    checkpoint = Checkpoint(tmp_path / "seed-0.pt", {"seed": 0})
    finished = fit(small_task, train, validation, QUICK, 0, checkpoint=checkpoint)

    monkeypatch.delattr(Training, "train_epoch")
    again = fit(small_task, train, validation, QUICK, 0, checkpoint=checkpoint)

    assert again.history == finished.history
    assert again.seconds == finished.seconds
    assert same_weights(again, finished)


def test_state_of_another_network_is_rejected(small_task: Task, data: PreparedData, tmp_path: Path) -> None:
    train, validation = data.labelled("train"), data.labelled("validation")
    checkpoint = Checkpoint(tmp_path / "seed-0.pt", {"seed": 0})
    fit(small_task, train, validation, QUICK, 0, checkpoint=checkpoint)

    with pytest.raises(TrainingError, match="another version of this code"):
        fit(small_task, train, validation, QUICK.updated({"width": 6}), 0, checkpoint=checkpoint)


def test_fit_starts_from_the_weights_of_another_task(
    small_task: Task, data: PreparedData, capsys: pytest.CaptureFixture[str]
) -> None:
    train, validation = data.labelled("train"), data.labelled("validation")
    teacher = make_network(width=QUICK.width)
    weights = StartingWeights("teacher", teacher.state_dict())
    # With this tiny learning rate the network keeps its starting weights.
    parameters = QUICK.updated({"learning_rate": 1e-6, "weight_decay": 0.0})

    fitted = fit(small_task, train, validation, parameters, 0, weights)

    assert fitted.network.head.out_features == len(small_task.classes)
    for name, weight in fitted.network.named_parameters():
        if not name.startswith("head."):
            assert torch.allclose(weight, teacher.state_dict()[name], atol=1e-4), name
    count = len(teacher.state_dict())
    assert f"starting from {count - 2} of {count} tensors of teacher" in capsys.readouterr().out


def test_fit_stops_when_validation_no_longer_improves(small_task: Task, data: PreparedData) -> None:
    train, validation = data.labelled("train"), data.labelled("validation")
    # Learning the train labels makes these validation labels less likely.
    contrary = Labelled(validation.pixels, (validation.labels + 1) % len(small_task.classes))
    parameters = QUICK.updated({"epochs": 12, "patience": 1})

    fitted = fit(small_task, train, contrary, parameters, seed=0)

    assert len(fitted.history) < 12
    assert len(fitted.history) == fitted.best.number + 1


def test_diverging_loss_is_reported(
    small_task: Task, data: PreparedData, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "training.model.residual_network.ResidualNetwork.normalise", lambda _, images: images * float("nan")
    )

    with pytest.raises(TrainingError, match="Training diverged"):
        fit(small_task, data.labelled("train"), data.labelled("validation"), QUICK, seed=0)


def test_network_that_diverges_in_its_last_step_is_rejected(
    small_task: Task, data: PreparedData, monkeypatch: pytest.MonkeyPatch
) -> None:
    nowhere = torch.full((len(data.parts["validation"]), len(small_task.classes)), float("nan"))
    monkeypatch.setattr("training.model.loop.predict", lambda *_: nowhere)

    with pytest.raises(TrainingError, match="Training diverged"):
        fit(small_task, data.labelled("train"), data.labelled("validation"), QUICK, seed=0)


def test_long_gradients_are_clipped(small_task: Task, data: PreparedData) -> None:
    train, validation = data.labelled("train"), data.labelled("validation")
    # AdamW cancels a common scale of all gradients, but not differences in scale between steps.
    free, bound = (
        fit(small_task, train, validation, QUICK.updated({"clip_grad_norm": norm}), 0).network.head.weight
        for norm in (1000.0, 0.01)
    )

    assert not torch.equal(free, bound)


def test_batch_too_small_for_all_processes_is_rejected(
    small_task: Task, data: PreparedData, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parallel, "world_size", lambda: 17)

    with pytest.raises(
        TrainingError, match=r"Batches of 16 images are too small for 17 processes.*--batch-size"
    ):
        fit(small_task, data.labelled("train"), data.labelled("validation"), QUICK, seed=0)

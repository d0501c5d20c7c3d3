"""The training loop: it learns, it repeats itself exactly, and it stops when told to."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from chalicelib.tasks import Task
from training.errors import TrainingError
from training.fitting import Labelled, class_weights, fit, predict, resolve_precision
from training.hyperparameters import Hyperparameters
from training.preparation import PreparedData, prepare_data

QUICK = Hyperparameters(epochs=1, batch_size=16, width=4, ema_decay=0.5, learning_rate=0.01)


@pytest.fixture
def data(data_folder: Path, small_task: Task, tmp_path: Path) -> PreparedData:
    return prepare_data(data_folder, "of-nobody", small_task, 0, tmp_path)


@pytest.fixture
def small_task(task: Task) -> Task:
    """The task with a small input, and no mirroring of what has no sides."""
    return replace(
        task,
        input=replace(task.input, width=40, height=64),
        augmentation=replace(task.augmentation, flip=False),
    )


def test_learns_what_can_be_learnt(small_task: Task, data: PreparedData) -> None:
    parameters = QUICK.updated({"epochs": 8, "width": 8})

    fitted = fit(small_task, data.labelled("train"), data.labelled("validation"), parameters, seed=0)

    assert fitted.best.validation_balanced_accuracy > 0.8
    assert fitted.best.validation_loss == min(epoch.validation_loss for epoch in fitted.history)
    test = data.labelled("test")
    logits, _ = predict(fitted.network, test.pixels)
    assert (logits.argmax(1).numpy() == test.labels).mean() > 0.8


def test_the_same_seed_gives_the_same_weights_and_another_does_not(
    small_task: Task, data: PreparedData
) -> None:
    train, validation = data.labelled("train"), data.labelled("validation")
    first, again, other = (
        fit(small_task, train, validation, QUICK, seed).network.head.weight for seed in (0, 0, 1)
    )

    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_stops_when_validation_no_longer_improves(small_task: Task, data: PreparedData) -> None:
    train, validation = data.labelled("train"), data.labelled("validation")
    # Whatever helps on these labels hurts on those.
    contrary = Labelled(validation.pixels, (validation.labels + 1) % len(small_task.classes))
    parameters = QUICK.updated({"epochs": 12, "patience": 1})

    fitted = fit(small_task, train, contrary, parameters, seed=0)

    assert len(fitted.history) < 12
    assert len(fitted.history) == fitted.best.number + 1


def test_a_loss_that_diverges_is_reported(
    small_task: Task, data: PreparedData, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("training.fitting.normalise", lambda images: images * float("nan"))

    with pytest.raises(TrainingError, match="Training diverged"):
        fit(small_task, data.labelled("train"), data.labelled("validation"), QUICK, seed=0)


def test_rare_classes_weigh_more() -> None:
    labels = np.repeat([0, 1], [90, 10])

    assert class_weights(labels, 2, 0.0).tolist() == [1, 1]
    assert class_weights(labels, 2, 1.0).tolist() == pytest.approx([50 / 90, 50 / 10])
    assert class_weights(labels, 2, 0.5).tolist() == pytest.approx([(50 / 90) ** 0.5, 5**0.5])


def test_precision_can_be_forced() -> None:
    for wanted in ("float32", "bfloat16"):
        assert resolve_precision(wanted, torch.device("cpu")) == wanted
    assert resolve_precision("auto", torch.device("cpu")) in ("float32", "bfloat16")

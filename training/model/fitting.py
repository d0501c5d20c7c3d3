"""Training a network: epochs, early stopping, resuming after an interruption."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from chalicelib.hyperparameters import Hyperparameters
from chalicelib.tasks import Task
from training.data.pixels import Labelled
from training.model import parallel
from training.model.checkpoint import Checkpoint
from training.model.classifier import Classifier
from training.model.loop import Training
from training.model.progress import Epoch, Progress
from training.model.starting_weights import StartingWeights


@dataclass(frozen=True)
class Fit:
    """A trained network: the averaged weights of the best epoch on validation."""

    network: Classifier
    best: Epoch
    history: tuple[Epoch, ...]
    precision: str
    seconds: float
    """Duration of all epochs, including those before an interruption."""
    earlier_seconds: float = 0.0
    """Duration of those before an interruption alone."""


def fit(
    task: Task,
    train: Labelled,
    validation: Labelled,
    parameters: Hyperparameters,
    seed: int,
    weights: StartingWeights | None = None,
    checkpoint: Checkpoint | None = None,
    after_epoch: Callable[[Epoch], None] | None = None,
) -> Fit:
    """Train a network; all random numbers follow from `seed`.

    The epoch with the lowest loss on `validation` is kept. (Accuracy would be too coarse: on a small
    validation part many epochs have no error.)

    Args:
        task: whose classes and augmentation apply.
        train: the images to train on.
        validation: the images that epochs are compared on.
        parameters: all hyper-parameters.
        seed: of weights, order and augmentation, instead of `parameters.seed`.
        weights: starting weights; None for random ones.
        checkpoint: where the state is saved after every epoch, and resumed from.
        after_epoch: called after every epoch; its exceptions end the training.

    Raises:
        TrainingError: if the loss diverges, or `weights` belong to another kind of network.
    """
    print(f"training with seed {seed} on {len(train.labels)} images", flush=True)
    training = Training(task, train, parameters, seed, weights)
    if checkpoint:
        training.resume(parallel.from_first(checkpoint.load))
    earlier_seconds = training.seconds
    training.begin()
    later = max(0, parameters.seed + parameters.num_seeds - 1 - seed)
    progress = Progress(
        len(train.labels), parameters.epochs, len(training.history), later * parameters.epochs
    )
    while not training.finished:
        start = time.monotonic()
        train_loss = training.train_epoch(progress)
        epoch = training.validate(validation, train_loss)
        training.seconds += time.monotonic() - start
        if checkpoint and parallel.is_first():
            checkpoint.save(training.state())
            checkpoint.save_history(training.history)
        progress.report_epoch(epoch, training.best)
        if after_epoch:
            after_epoch(epoch)
    if len(training.history) < parameters.epochs:
        print(f"stopped: validation has not improved for {parameters.patience} epochs", flush=True)
    return Fit(
        training.best_network(),
        training.best,
        tuple(training.history),
        training.precision,
        training.seconds,
        earlier_seconds,
    )

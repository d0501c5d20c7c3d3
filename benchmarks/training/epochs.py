"""Trains a network with our loop and with a plain one, in turn, and prints the times as JSON.

`python -m benchmarks.training.epochs --epochs 3 --images 256` draws images. With `--data FOLDER --target
0.95` it reads real ones, and both train until their balanced accuracy on validation images is that high.
"""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from benchmarks.peers.negatoscope import TASK
from chalicelib.hyperparameters import Hyperparameters
from chalicelib.tasks import Task, load_task
from training.arguments import parse_arguments, read_recipe
from training.core.accuracy import balanced_accuracy
from training.data.pixels import Labelled, PixelView
from training.model.classifier import Classifier
from training.model.efficientnet_lite import DepthwiseConv2d, SamePaddedConv2d
from training.model.loop import Training
from training.model.network import build_network
from training.model.prediction import predict
from training.model.progress import Epoch, Progress
from training.model.starting_weights import StartingWeights, load_starting_weights
from training.steps import read_inputs


class Trainer(Protocol):
    """Trains a network."""

    def begin(self) -> None:
        """What precedes the first epoch."""

    def epoch(self) -> None:
        """One epoch."""

    def network(self) -> nn.Module:
        """The network as it is now."""


@dataclass
class Times:
    """What was measured of one trainer."""

    begin: float = 0.0
    epochs: list[float] = field(default_factory=list)
    accuracy: list[float] = field(default_factory=list)
    """Balanced, after each epoch."""


class Ours:
    """Our loop, with the recipe of the task."""

    def __init__(self, task: Task, train: Labelled, parameters: Hyperparameters, weights: StartingWeights):
        self._training = Training(task, train, parameters, parameters.seed, weights)
        self._progress = Progress(len(train.labels), parameters.epochs, 0, 0)

    def begin(self) -> None:
        """See `Trainer`."""
        self._training.begin()

    def epoch(self) -> None:
        """See `Trainer`."""
        loss, history = self._training.train_epoch(self._progress), self._training.history
        # Order and views of an epoch follow from the number of those before it.
        history.append(Epoch(len(history) + 1, loss, loss, 0.0))

    def network(self) -> nn.Module:
        """See `Trainer`."""
        return self._training.averaged


class Plain:
    """The loop of a tutorial: all layers in each epoch, AdamW, cross-entropy."""

    def __init__(self, task: Task, train: Labelled, parameters: Hyperparameters, weights: StartingWeights):
        torch.manual_seed(parameters.seed)
        self._network = build_network(task, parameters)
        weights.start(self._network)
        for layer in self._network.modules():
            if isinstance(layer, DepthwiseConv2d):
                # Without our way round slow gradients.
                layer.__class__ = SamePaddedConv2d  # type: ignore[assignment]
        self._train = train
        self._batch = min(parameters.batch_size, len(train.labels))
        self._optimiser = torch.optim.AdamW(self._network.parameters(), parameters.learning_rate)

    def begin(self) -> None:
        """See `Trainer`."""

    def epoch(self) -> None:
        """See `Trainer`."""
        self._network.train()
        order = torch.randperm(len(self._train.labels)).numpy()
        for batch in np.split(order, range(self._batch, len(order), self._batch)):
            if len(batch) < self._batch:
                break
            images = self._network.pad(torch.from_numpy(self._train.pixels[batch]))
            logits: Tensor = self._network(self._network.normalise(images))
            loss = functional.cross_entropy(logits, torch.from_numpy(self._train.labels[batch]))
            self._optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            self._optimiser.step()

    def network(self) -> nn.Module:
        """See `Trainer`."""
        return self._network


def train_in_turn(
    trainers: dict[str, Trainer],
    epochs: int,
    reached: Callable[[str, nn.Module], float] | None,
    target: float,
) -> dict[str, Times]:
    """Let all trainers do an epoch in turn, each until it has done so many or reached the target."""
    times = {name: Times() for name in trainers}
    for name, trainer in trainers.items():
        times[name].begin = _seconds(trainer.begin)
    for _ in range(epochs):
        for name, trainer in trainers.items():
            if max(times[name].accuracy, default=0.0) >= target:
                continue
            times[name].epochs.append(_seconds(trainer.epoch))
            if reached:
                times[name].accuracy.append(reached(name, trainer.network()))
    return times


def _seconds(work: Callable[[], None]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def drawn(task: Task, count: int) -> Labelled:
    """Noise, with the classes in turn."""
    shape = (count, *task.input.shape)
    images = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    return Labelled(PixelView(images, np.arange(count)), np.arange(count) % len(task.classes))


def some(images: Labelled, count: int) -> Labelled:
    """So many of them, chosen at random but always the same."""
    chosen = np.random.default_rng(0).permutation(len(images.labels))[:count]
    return Labelled(images.pixels.view(list(chosen)), images.labels[chosen])


def compare(options: argparse.Namespace, workplace: Path) -> dict[str, Any]:
    """Train with both loops; returns their times."""
    task = load_task(TASK)
    parameters = Hyperparameters().updated(read_recipe(TASK))
    reached = None
    if options.data:
        arguments = parse_arguments(["--task", TASK, "--data", str(options.data)])
        data, _ = read_inputs(arguments, workplace)
        train, validation = some(data.labelled("train"), options.images), data.labelled("validation")

        def reached(_name: str, network: nn.Module) -> float:
            assert isinstance(network, Classifier)
            answers = predict(network, validation.pixels).argmax(1).numpy()
            return balanced_accuracy(validation.labels, answers)

    else:
        train = drawn(task, options.images)
    weights = load_starting_weights(parameters.architecture)
    trainers: dict[str, Trainer] = {
        "ours": Ours(task, train, parameters, weights),
        "plain": Plain(task, train, parameters, weights),
    }
    times = train_in_turn(trainers, options.epochs, reached, options.target)
    return {
        "images": len(train.labels),
        "recipe_epochs": parameters.epochs,
        **{name: vars(found) for name, found in times.items()},
    }


def main(argv: Sequence[str] | None = None) -> None:
    """Print the times; whatever else is printed goes to the standard error."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--epochs", type=int, default=3, help="at most")
    parser.add_argument("--images", type=int, default=256, help="to train on")
    parser.add_argument("--data", type=Path, help="folder of real images")
    parser.add_argument("--target", type=float, default=1.1, help="balanced accuracy to stop at")
    options = parser.parse_args(argv)
    with redirect_stdout(sys.stderr), tempfile.TemporaryDirectory() as workplace:
        found = compare(options, Path(workplace))
    print(json.dumps(found))


if __name__ == "__main__":
    main()

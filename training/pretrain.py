"""Pretrain a backbone: `python -m training.pretrain --data FOLDER`.

A network that was trained on thousands of other medical images needs fewer of its own (Caruana 1997). All
tasks share a backbone, which may itself start from ImageNet weights, and have a head each. Only the train
parts of the splits of `training.train` are used, so that no image that later validates or tests a model has
an influence on the weights.
"""

import argparse
import math
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from chalicelib.errors import NegatoscopeError
from chalicelib.hyperparameters import Hyperparameters
from chalicelib.tasks import InputSpec, Task, load_tasks
from chalicelib.tasks.reader import MAX_SIDE, MIN_SIDE
from training.arguments import Parser, check_output, find_task, read_recipe
from training.data.pixels import Labelled, prepare_images
from training.data.preparation import prepare_data
from training.data.sources import dataset_folders, load_source
from training.data.storage import Storage
from training.errors import TrainingError
from training.model.augmentation import Augmenter
from training.model.classifier import Classifier
from training.model.devices import choose_device, make_deterministic, resolve_precision
from training.model.imagenet import FILES
from training.model.network import build_network
from training.model.optimisation import Optimisation, class_weights, labels_seen
from training.model.random_numbers import RandomNumbers
from training.model.starting_weights import StartingWeights, load_starting_weights, save_weights
from training.model.transfer import prepare_network

RECIPE = "pretraining"
SIZE = (96, 96)
"""Width and height in pixels to which images are resized: small enough for training on a laptop."""


class JointNetwork(nn.Module):
    """One backbone, and a head for each task; all tasks have the same input."""

    def __init__(self, tasks: Sequence[Task], parameters: Hyperparameters, weights: StartingWeights | None):
        super().__init__()
        self.backbone = build_network(tasks[0], parameters)
        if weights:
            weights.start(self.backbone)
        prepare_network(self.backbone, parameters, has_weights=weights is not None)
        features = self.backbone.head.in_features
        self.heads = nn.ModuleList(nn.Linear(features, len(task.classes)) for task in tasks)

    def forward(self, images: Sequence[Tensor]) -> list[Tensor]:
        """Logits (N, K) of the normalised images (N, C, H, W) of each task; all tasks are in one batch."""
        features = self.backbone.features(torch.cat(list(images)))[0].mean((2, 3))
        shares = self.backbone.dropout(features).split([len(share) for share in images])
        return [head(share) for head, share in zip(self.heads, shares, strict=True)]


@dataclass(frozen=True)
class TaskSampler:
    """Draws the batches of one task."""

    task: Task
    images: Labelled
    share: int
    """Images per batch."""
    weights: Tensor
    """Of the classes, shape (K,)."""
    augment: Augmenter

    def draw(self, rng: np.random.Generator) -> Iterator[NDArray[np.int64]]:
        """Yield the indices of the images of each batch, without end; a pass has each image once."""
        waiting = np.empty(0, np.int64)
        while True:
            while len(waiting) < self.share:
                waiting = np.concatenate([waiting, rng.permutation(len(self.images.labels))])
            batch, waiting = waiting[: self.share], waiting[self.share :]
            yield batch


class Pretraining:
    """The training of the joint network."""

    def __init__(
        self,
        samplers: Sequence[TaskSampler],
        parameters: Hyperparameters,
        weights: StartingWeights | None = None,
    ):
        torch.manual_seed(parameters.seed)
        self.samplers = samplers
        self.parameters = parameters
        self.device = choose_device()
        self.precision = resolve_precision(parameters.precision, self.device)
        network = JointNetwork([sampler.task for sampler in samplers], parameters, weights)
        self.network = network.to(self.device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # a gap in the stubs
        images = sum(len(sampler.images.labels) for sampler in samplers)
        self.steps = max(1, images // parameters.batch_size)
        self.optimisation = Optimisation(self.network, parameters, self.steps)
        self.draws = [sampler.draw(np.random.default_rng(parameters.seed)) for sampler in samplers]

    def run(self) -> Classifier:
        """Train for all epochs; returns the backbone, whose own head is not trained."""
        start = time.monotonic()
        for epoch in range(1, self.parameters.epochs + 1):
            losses = torch.stack([self._step() for _ in range(self.steps)]).mean(0).tolist()
            parts = [
                f"{sampler.task.name}={loss:.3f};"
                for sampler, loss in zip(self.samplers, losses, strict=True)
            ]
            left = (time.monotonic() - start) / epoch * (self.parameters.epochs - epoch)
            print(
                f"epoch={epoch}/{self.parameters.epochs}; {' '.join(parts)} time_left={math.ceil(left)}s",
                flush=True,
            )
        return cast("JointNetwork", self.optimisation.averaging.module).backbone.cpu().eval()

    def _step(self) -> Tensor:
        """One step of the optimiser; returns the loss of each task."""
        images, labels = [], []
        for sampler, draw in zip(self.samplers, self.draws, strict=True):
            batch = next(draw)
            backbone = self.network.backbone
            seen = backbone.align(backbone.pad(torch.from_numpy(sampler.images.pixels[batch])))
            changed, own = sampler.augment(seen, torch.from_numpy(sampler.images.labels[batch]))
            normalised = backbone.normalise(changed)
            images.append(normalised.to(self.device, memory_format=torch.channels_last))
            labels.append(own.to(self.device))
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.precision == "bfloat16"):
            answers = self.network(images)
        losses = torch.stack(
            [
                functional.cross_entropy(
                    logits.float(), own, sampler.weights, label_smoothing=self.parameters.label_smoothing
                )
                for sampler, logits, own in zip(self.samplers, answers, labels, strict=True)
            ]
        )
        self.optimisation.step(losses.sum())
        return losses.detach().cpu()


def make_samplers(data: Sequence[tuple[Task, Labelled]], parameters: Hyperparameters) -> list[TaskSampler]:
    """A task's share of a batch is proportional to the square root of its number of images."""
    total = sum(math.sqrt(len(images.labels)) for _, images in data)
    numbers = RandomNumbers().manual_seed(parameters.seed)
    device = choose_device()
    samplers = []
    for task, images in data:
        share = max(2, round(parameters.batch_size * math.sqrt(len(images.labels)) / total))
        labels = labels_seen(images.labels, task)
        weights = class_weights(labels, len(task.classes), parameters.class_weight_power)
        # Grey images have no colour to change, and a quarter turn exchanges the sides.
        turns = task.augmentation.quarter_turns and task.input.width == task.input.height
        changes = replace(task.augmentation, colour=0.0, stain=0.0, quarter_turns=turns)
        augment = Augmenter(changes, task.flip_permutation, parameters.random_erasing, numbers)
        samplers.append(TaskSampler(task, images, share, weights.to(device), augment))
    return samplers


def read_data(
    folder: Path, names: Sequence[str], spec: InputSpec, split_seed: int, workplace: Path
) -> list[tuple[Task, Labelled]]:
    """The train parts of the data sets in `folder`, one subfolder for each task, prepared for `spec`.

    Raises:
        TrainingError: if there are none, or one cannot be read.
    """
    tasks = [find_task(name) for name in dict.fromkeys(names)]
    tasks = tasks or [
        task for task in load_tasks().values() if Path(dataset_folders(str(folder), task.name)[0]).is_dir()
    ]
    if not tasks:
        raise TrainingError(f"'{folder}' holds no folder with the name of a task: {', '.join(load_tasks())}.")
    data = []
    for task in tasks:
        place = workplace / task.name
        place.mkdir()
        # Near duplicates, and so the split, depend on the input, which must be the task's own.
        own = prepare_data(dataset_folders(str(folder), task.name), task.name, task, split_seed, place)
        records = [own.records[index] for index in own.parts["train"]]
        images = prepare_images(Storage(), own.folder, records, spec, place / "small.npy")
        print(f"{task.name}: {len(records)} images to train on", flush=True)
        data.append((replace(task, input=spec), Labelled(images.view(), own.labelled("train").labels)))
    return data


def _parser() -> Parser:
    parser = Parser(prog="training.pretrain", description="Pretrain a backbone on several data sets.")
    parser.add_argument(
        "--data", type=Path, required=True, help="folder with a folder of images for each task"
    )
    parser.add_argument("--tasks", nargs="*", default=[], help="names of tasks (all with a folder)")
    parser.add_argument(
        "--recipe", default=RECIPE, help=f"name of hyper-parameters in recipes.toml ({RECIPE})"
    )
    parser.add_argument(
        "--size",
        type=int,
        nargs=2,
        default=SIZE,
        metavar=("WIDTH", "HEIGHT"),
        help=f"of the images in pixels ({SIZE[0]} {SIZE[1]})",
    )
    parser.add_argument(
        "--output", type=Path, default=Path(".local", "training", "backbone.pt"), help="the file to write"
    )
    parser.add_argument("--epochs", type=int, help="passes over all images (as recipes.toml says)")
    parser.add_argument("--width", type=int, help="channels of the first stage (as recipes.toml says)")
    parser.add_argument("--seed", type=int, help="of weights, order and augmentation (0)")
    return parser


def pretrain(options: argparse.Namespace) -> None:
    """Train on the data sets that the command line names, and write the backbone.

    Raises:
        NegatoscopeError: if data or arguments do not allow it; the message says what to do.
    """
    asked = {name: getattr(options, name) for name in ("epochs", "width", "seed")}
    given = {name: value for name, value in asked.items() if value is not None}
    parameters = Hyperparameters().updated({**read_recipe(options.recipe, required=True), **given})
    start = parameters.architecture if parameters.architecture in FILES else None
    weights = load_starting_weights(start) if start else None
    width, height = options.size
    if not MIN_SIDE <= min(width, height) <= max(width, height) <= MAX_SIDE:
        raise TrainingError(
            f"--size must be between {MIN_SIDE} and {MAX_SIDE} pixels; it is {width} x {height}."
        )
    check_output(options.output.parent)
    if options.output.is_dir():
        raise TrainingError(f"--output is a file, but '{options.output}' is a folder.")
    spec = InputSpec(width, height, channels=1, fit="stretch")
    make_deterministic()
    with tempfile.TemporaryDirectory() as workplace:
        data = read_data(options.data, options.tasks, spec, parameters.split_seed, Path(workplace))
        backbone = Pretraining(make_samplers(data, parameters), parameters, weights).run()
    tensors = {name: tensor for name, tensor in backbone.state_dict().items() if not name.startswith("head.")}
    options.output.parent.mkdir(parents=True, exist_ok=True)
    save_weights(
        options.output,
        tensors,
        weights.credit if weights else {},
        trained_on=[load_source(task.name) for task, _ in data],
    )
    print(f"weights: {options.output}")


def main(argv: Sequence[str] | None = None) -> int:
    """Run from the command line; the exit status says whether there are weights."""
    try:
        pretrain(_parser().parse(argv))
    except NegatoscopeError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Learn many images at once, for weights to start from: `python -m training.pretrain --data FOLDER`.

A network that has learnt to tell thousands of other medical images apart needs fewer of its own (Caruana
1997). All tasks share the network's body and have a head each. Only the train parts of the very splits that
`training.train` makes are used: whatever later validates or tests a model was not seen here either.

With `--phantoms COUNT` drawn ultrasound frames are one more task; without `--data` they are the only one.
"""

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
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional

from chalicelib.errors import NegatoscopeError
from chalicelib.retraining.hyperparameters import Hyperparameters
from chalicelib.tasks import InputSpec, Task, load_tasks
from training.arguments import Parser, find_task, read_recipe
from training.data import phantoms
from training.data.pixels import Labelled, PixelView, prepare_images
from training.data.preparation import prepare_data
from training.data.storage import Storage
from training.errors import TrainingError
from training.model.augmentation import Augmenter
from training.model.devices import choose_device, make_deterministic, resolve_precision
from training.model.network import Classifier, build_network
from training.model.optimisation import Optimisation, class_weights

RECIPE = "pretraining"
SIDE = 96
"""Pixels to a side of the squares that images are brought to: small, as a laptop has to learn this, too."""
SPOKEN_EVERY = 2000
"""Phantoms between two lines of progress."""


class JointNetwork(nn.Module):
    """One body, and a head for each task; all tasks have the same input."""

    def __init__(self, tasks: Sequence[Task], parameters: Hyperparameters):
        super().__init__()
        self.body = build_network(tasks[0], parameters)
        features = self.body.head.in_features
        self.heads = nn.ModuleList(nn.Linear(features, len(task.classes)) for task in tasks)

    def forward(self, images: Sequence[Tensor]) -> list[Tensor]:
        """Logits (N, K) for the normalised images (N, C, H, W) of each task, which share one batch."""
        features = self.body.look(torch.cat(list(images)))[0].mean((2, 3))
        shares = self.body.dropout(features).split([len(share) for share in images])
        return [head(share) for head, share in zip(self.heads, shares, strict=True)]


@dataclass(frozen=True)
class Lesson:
    """A task's part in the training: its images and how they are drawn."""

    task: Task
    images: Labelled
    share: int
    """Images in every batch."""
    weights: Tensor
    """Of the classes, shape (K,)."""
    augment: Augmenter

    def draw(self, rng: np.random.Generator) -> Iterator[NDArray[np.int64]]:
        """Numbers of the images of one batch after the other, without end; each image once in a pass."""
        waiting = np.empty(0, np.int64)
        while True:
            while len(waiting) < self.share:
                waiting = np.concatenate([waiting, rng.permutation(len(self.images.labels))])
            batch, waiting = waiting[: self.share], waiting[self.share :]
            yield batch


class Pretraining:
    """The joint network under training."""

    def __init__(self, lessons: Sequence[Lesson], parameters: Hyperparameters):
        torch.manual_seed(parameters.seed)
        self.lessons = lessons
        self.parameters = parameters
        self.device = choose_device()
        self.precision = resolve_precision(parameters.precision, self.device)
        network = JointNetwork([lesson.task for lesson in lessons], parameters)
        self.network = network.to(self.device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # a gap in the stubs
        images = sum(len(lesson.images.labels) for lesson in lessons)
        self.steps = max(1, images // parameters.batch_size)
        self.optimisation = Optimisation(self.network, parameters, self.steps)
        self.draws = [lesson.draw(np.random.default_rng(parameters.seed)) for lesson in lessons]

    def run(self) -> Classifier:
        """Train for all epochs; returns the body, whose own head means nothing."""
        start = time.monotonic()
        for epoch in range(1, self.parameters.epochs + 1):
            losses = torch.stack([self._step() for _ in range(self.steps)]).mean(0).tolist()
            parts = [
                f"{lesson.task.name}={loss:.3f};" for lesson, loss in zip(self.lessons, losses, strict=True)
            ]
            left = (time.monotonic() - start) / epoch * (self.parameters.epochs - epoch)
            print(
                f"epoch={epoch}/{self.parameters.epochs}; {' '.join(parts)} time_left={math.ceil(left)}s",
                flush=True,
            )
        return cast("JointNetwork", self.optimisation.averaging.module).body.cpu().eval()

    def _step(self) -> Tensor:
        """One step of the optimiser; returns the loss of each task."""
        images, labels = [], []
        for lesson, draw in zip(self.lessons, self.draws, strict=True):
            batch = next(draw)
            framed = self.network.body.frame(torch.from_numpy(lesson.images.pixels[batch]))
            changed, own = lesson.augment(framed, torch.from_numpy(lesson.images.labels[batch]))
            normalised = self.network.body.normalise(changed)
            images.append(normalised.to(self.device, memory_format=torch.channels_last))
            labels.append(own.to(self.device))
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.precision == "bfloat16"):
            answers = self.network(images)
        losses = torch.stack(
            [
                functional.cross_entropy(
                    logits.float(), own, lesson.weights, label_smoothing=self.parameters.label_smoothing
                )
                for lesson, logits, own in zip(self.lessons, answers, labels, strict=True)
            ]
        )
        self.optimisation.step(losses.sum())
        return losses.detach().cpu()


def plan_lessons(data: Sequence[tuple[Task, Labelled]], parameters: Hyperparameters) -> list[Lesson]:
    """Shares of a batch go by the square root of a data set's size: small ones come up more often."""
    total = sum(math.sqrt(len(images.labels)) for _, images in data)
    generator = torch.Generator().manual_seed(parameters.seed)
    device = choose_device()
    lessons = []
    for task, images in data:
        share = max(2, round(parameters.batch_size * math.sqrt(len(images.labels)) / total))
        weights = class_weights(images.labels, len(task.classes), parameters.class_weight_power)
        # Shown in grey, images have no colour to change.
        changes = replace(task.augmentation, colour=0.0)
        augment = Augmenter(changes, task.flip_permutation, parameters.random_erasing, generator)
        lessons.append(Lesson(task, images, share, weights.to(device), augment))
    return lessons


def read_data(
    folder: Path, names: Sequence[str], spec: InputSpec, split_seed: int, workplace: Path
) -> list[tuple[Task, Labelled]]:
    """The train parts of the data sets in `folder`, one sub-folder for each task, brought to `spec`.

    Raises:
        TrainingError: if there are none, or one cannot be read.
    """
    tasks = [find_task(name) for name in names]
    tasks = tasks or [task for task in load_tasks().values() if (folder / task.name).is_dir()]
    if not tasks:
        raise TrainingError(f"'{folder}' holds no folder with the name of a task: {', '.join(load_tasks())}.")
    data = []
    for task in tasks:
        place = workplace / task.name
        place.mkdir()
        # Which images look alike, and so the split, depends on the input: it must be the task's own.
        own = prepare_data(folder / task.name, task.name, task, split_seed, place)
        records = [own.records[index] for index in own.parts["train"]]
        images = prepare_images(Storage(), str(folder / task.name), records, spec, place / "small.npy")
        print(f"{task.name}: {len(records)} images to learn from", flush=True)
        data.append((replace(task, input=spec), Labelled(images.view(), own.labelled("train").labels)))
    return data


def draw_phantoms(count: int, spec: InputSpec, seed: int) -> tuple[Task, Labelled]:
    """Drawn ultrasound frames, brought to `spec`, as a task of their own."""
    task = find_task(phantoms.TASK)
    assert task.class_names == phantoms.CLASSES
    images = np.empty((count, spec.channels, spec.height, spec.width), np.uint8)
    labels = np.empty(count, np.int64)
    for number, (frame, label) in enumerate(phantoms.draw_frames(count, seed)):
        small = Image.fromarray(frame).resize((spec.width, spec.height), Image.Resampling.BILINEAR)
        images[number], labels[number] = np.asarray(small), label
        if (number + 1) % SPOKEN_EVERY == 0:
            print(f"drawn {number + 1} of {count} phantoms", flush=True)
    view = PixelView(images, np.arange(count))
    return replace(task, name="phantoms", input=spec), Labelled(view, labels)


def main(argv: Sequence[str] | None = None) -> int:
    """Run from the command line; the exit status says whether there are weights."""
    parser = Parser(
        prog="training.pretrain", description="Learn many images at once, for weights to start from."
    )
    parser.add_argument("--data", type=Path, help="folder with a folder of images for each task")
    parser.add_argument("--tasks", nargs="*", default=[], help="names of tasks (all that have a folder)")
    parser.add_argument(
        "--phantoms", type=int, default=0, metavar="COUNT", help="drawn ultrasound frames to learn as well"
    )
    parser.add_argument("--side", type=int, default=SIDE, help=f"pixels of the images' sides ({SIDE})")
    parser.add_argument(
        "--output", type=Path, default=Path(".local", "training", "backbone.pt"), help="the file"
    )
    parser.add_argument("--epochs", type=int, help="passes over all images (as recipes.toml says)")
    parser.add_argument("--width", type=int, help="channels of the first stage (as recipes.toml says)")
    parser.add_argument("--seed", type=int, help="of weights, order and augmentation (0)")
    try:
        options = parser.parse(argv)
        asked = {name: getattr(options, name) for name in ("epochs", "width", "seed")}
        given = {name: value for name, value in asked.items() if value is not None}
        parameters = Hyperparameters().updated({**read_recipe(RECIPE), **given})
        if not (options.data or options.phantoms):
            raise TrainingError(
                "There is nothing to learn: name a folder with --data, or ask for some --phantoms."
            )
        spec = InputSpec(options.side, options.side, channels=1, fit="stretch")
        make_deterministic()
        with tempfile.TemporaryDirectory() as name:
            data: list[tuple[Task, Labelled]] = []
            if options.data:
                data += read_data(options.data, options.tasks, spec, parameters.split_seed, Path(name))
            if options.phantoms:
                data.append(draw_phantoms(options.phantoms, spec, parameters.seed))
            body = Pretraining(plan_lessons(data, parameters), parameters).run()
    except NegatoscopeError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    options.output.parent.mkdir(parents=True, exist_ok=True)
    weights = {name: tensor for name, tensor in body.state_dict().items() if not name.startswith("head.")}
    torch.save(weights, options.output)
    print(f"weights: {options.output}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

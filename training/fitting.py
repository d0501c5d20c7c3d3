"""The training loop."""

import math
import time
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional
from torch.optim.swa_utils import AveragedModel

from chalicelib.tasks import Task
from training.augmentation import Augmenter
from training.calibration import fit_temperature
from training.errors import TrainingError
from training.hyperparameters import Hyperparameters
from training.metrics import balanced_accuracy
from training.network import Classifier, frame, normalise

GRADIENT_NORM = 5.0
WARM_UP = 0.2
"""Share of the steps in which the learning rate still rises."""
SHORTEST_CYCLE = 10
"""Steps; the one-cycle schedule divides by zero if fewer than that have to rise and fall."""

METRIC_PATTERNS = {
    "train:loss": r"train_loss=([0-9.]+);",
    "validation:loss": r"validation_loss=([0-9.]+);",
    "validation:balanced_accuracy": r"validation_balanced_accuracy=([0-9.]+);",
}
"""How to read an epoch's line of progress, as SageMaker's metric definitions want it."""


@dataclass(frozen=True)
class Labelled:
    """Prepared images and their classes."""

    pixels: NDArray[np.uint8]
    """Shape (N, channels, height, width)."""
    labels: NDArray[np.int64]
    """Shape (N,)."""


@dataclass(frozen=True)
class Epoch:
    """How one pass over the training images went."""

    number: int
    train_loss: float
    validation_loss: float
    validation_balanced_accuracy: float


@dataclass(frozen=True)
class Fit:
    """A trained network: the averaged weights of the epoch that was best on validation."""

    network: Classifier
    best: Epoch
    history: tuple[Epoch, ...]
    precision: str
    seconds: float


def fit(task: Task, train: Labelled, validation: Labelled, parameters: Hyperparameters, seed: int) -> Fit:
    """Train a network from random weights; everything random follows from `seed`.

    The epoch with the lowest loss on `validation` is kept. (Its accuracy would be too coarse: a small
    validation set has many epochs without an error.)
    """
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(seed)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    precision = resolve_precision(parameters.precision, device)
    network = Classifier(task.input.channels, len(task.classes), parameters.width, parameters.dropout)
    network.to(device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # a gap in the stubs
    averaging = AveragedModel(network, avg_fn=_moving_average(parameters.ema_decay), use_buffers=True)
    averaged = cast("Classifier", averaging.module)
    augment = Augmenter(task.augmentation, task.flip_permutation, parameters.erase, generator)
    weights = class_weights(train.labels, len(task.classes), parameters.class_weight_power).to(device)
    batch_size = min(parameters.batch_size, len(train.labels))
    steps = len(train.labels) // batch_size
    optimiser, schedule = _optimiser(network, parameters, steps)

    def train_one_epoch() -> float:
        network.train()
        total = 0.0
        order = torch.randperm(len(train.labels), generator=generator).numpy()
        for batch in order[: steps * batch_size].reshape(steps, batch_size):
            images = frame(torch.from_numpy(train.pixels[batch]))
            images, labels = augment(images, torch.from_numpy(train.labels[batch]))
            images = normalise(images).to(device, memory_format=torch.channels_last)
            with torch.autocast(device.type, torch.bfloat16, enabled=precision == "bfloat16"):
                logits = network(images)
            loss = functional.cross_entropy(
                logits.float(), labels.to(device), weights, label_smoothing=parameters.label_smoothing
            )
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
            nn.utils.clip_grad_norm_(network.parameters(), GRADIENT_NORM)
            optimiser.step()
            schedule.step()
            averaging.update_parameters(network)
            total += loss.item()
        if not math.isfinite(total):
            raise TrainingError("Training diverged: the loss is no number any more. Lower --learning-rate.")
        return total / steps

    start = time.monotonic()
    history: list[Epoch] = []
    best_network = averaged
    for number in range(1, parameters.epochs + 1):
        epoch = _validate(number, train_one_epoch(), averaged, validation, precision)
        history.append(epoch)
        best = min(history, key=lambda past: past.validation_loss)
        if best is epoch:
            best_network = deepcopy(averaged)
        print(progress(epoch, parameters.epochs, len(train.labels), time.monotonic() - start), flush=True)
        if number - best.number >= parameters.patience:
            print(f"stopped: validation has not improved for {parameters.patience} epochs", flush=True)
            break
    return Fit(best_network.cpu().eval(), best, tuple(history), precision, time.monotonic() - start)


@torch.inference_mode()
def predict(
    network: Classifier, pixels: NDArray[np.uint8], precision: str = "float32", batch_size: int = 128
) -> tuple[Tensor, Tensor]:
    """Logits (N, classes) and pooled features (N, F), float32 on the CPU, of prepared images."""
    network.eval()
    device = next(network.parameters()).device
    logits, features = [], []
    for start in range(0, len(pixels), batch_size):
        images = frame(torch.from_numpy(np.array(pixels[start : start + batch_size])))
        images = normalise(images).to(device, memory_format=torch.channels_last)
        with torch.autocast(device.type, torch.bfloat16, enabled=precision == "bfloat16"):
            pooled = network.feature_maps(images).float().mean((2, 3))
        features.append(pooled.cpu())
        logits.append(network.head(pooled).cpu())
    return torch.cat(logits), torch.cat(features)


def class_weights(labels: NDArray[np.int64], classes: int, power: float) -> Tensor:
    """Weight of each class in the loss, 1 for a class of average size."""
    counts = np.bincount(labels, minlength=classes)
    return torch.from_numpy((counts.mean() / counts) ** power).float()


def resolve_precision(wanted: str, device: torch.device) -> str:
    """The arithmetic to train in: bfloat16 where the hardware multiplies it natively, if it is left open."""
    if wanted != "auto":
        return wanted
    if device.type == "cuda":
        return "bfloat16" if torch.cuda.is_bf16_supported() else "float32"
    # Older versions of torch, as in SageMaker's images, cannot tell what the processor has.
    capabilities: dict[str, bool] = getattr(torch.cpu, "get_capabilities", dict)()
    return "bfloat16" if capabilities.get("avx512_bf16") or capabilities.get("amx_bf16") else "float32"


def _optimiser(
    network: Classifier, parameters: Hyperparameters, steps: int
) -> tuple[torch.optim.Optimizer, torch.optim.lr_scheduler.LRScheduler]:
    decayed = [weight for weight in network.parameters() if weight.ndim > 1]
    # Biases and batch-norm gains set a scale; pulling them to zero only hurts.
    plain = [weight for weight in network.parameters() if weight.ndim <= 1]
    optimiser = torch.optim.AdamW(
        [
            {"params": decayed, "weight_decay": parameters.weight_decay},
            {"params": plain, "weight_decay": 0.0},
        ],
        lr=parameters.learning_rate,
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser,
        parameters.learning_rate,
        total_steps=max(SHORTEST_CYCLE, steps * parameters.epochs),
        pct_start=WARM_UP,
    )
    return optimiser, schedule


def _moving_average(decay: float) -> Callable[[Tensor, Tensor, Tensor | int], Tensor]:
    """Exponential average of the weights, forgetting faster at first so that the random start fades."""

    def average(averaged: Tensor, current: Tensor, steps: Tensor | int) -> Tensor:
        kept = min(decay, (1 + int(steps)) / (10 + int(steps)))
        return averaged * kept + current * (1 - kept)

    return average


def _validate(
    number: int, train_loss: float, network: Classifier, validation: Labelled, precision: str
) -> Epoch:
    logits, _ = predict(network, validation.pixels, precision)
    # At its best temperature, as it would be shipped: label smoothing makes good epochs look unsure.
    _, loss = fit_temperature(logits.double().numpy(), validation.labels)
    return Epoch(number, train_loss, loss, balanced_accuracy(validation.labels, logits.argmax(1).numpy()))


def progress(epoch: Epoch, epochs: int, images: int, elapsed: float) -> str:
    """An epoch in one line; `elapsed` seconds have passed since the first of `epochs` began."""
    left = elapsed / epoch.number * (epochs - epoch.number)
    return (
        f"epoch={epoch.number}/{epochs}; train_loss={epoch.train_loss:.4f}; "
        f"validation_loss={epoch.validation_loss:.4f}; "
        f"validation_balanced_accuracy={epoch.validation_balanced_accuracy:.4f}; "
        f"images_per_second={images * epoch.number / elapsed:.0f}; time_left={math.ceil(left)}s"
    )

"""How weights change: the optimiser, its schedule, their average, and what each class counts for."""

import math
from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from training.hyperparameters import Hyperparameters
from training.model.network import Classifier


def make_optimiser(
    network: Classifier, parameters: Hyperparameters, steps: int
) -> tuple[torch.optim.Optimizer, torch.optim.lr_scheduler.LRScheduler]:
    """AdamW, and the one-cycle schedule of its learning rate (Smith 2018) over `steps` steps per epoch."""
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
    # The schedule divides by zero if it has to rise in less than two steps.
    shortest = math.ceil(2 / parameters.warm_up)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser,
        parameters.learning_rate,
        total_steps=max(shortest, steps * parameters.epochs),
        pct_start=parameters.warm_up,
    )
    return optimiser, schedule


def moving_average(decay: float) -> Callable[[Tensor, Tensor, Tensor | int], Tensor]:
    """Exponential average of the weights, forgetting faster at first so that the random start fades."""

    def average(averaged: Tensor, current: Tensor, steps: Tensor | int) -> Tensor:
        kept = min(decay, (1 + int(steps)) / (10 + int(steps)))
        return averaged * kept + current * (1 - kept)

    return average


def class_weights(labels: NDArray[np.int64], classes: int, power: float) -> Tensor:
    """Weight of each class in the loss, 1 for a class of average size."""
    counts = np.bincount(labels, minlength=classes)
    return torch.from_numpy((counts.mean() / counts) ** power).float()

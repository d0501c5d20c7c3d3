"""How weights change: the optimiser, its schedule, their average, and what each class counts for."""

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

from chalicelib.retraining.hyperparameters import Hyperparameters


class Optimisation:
    """How weights change: AdamW, its one-cycle schedule (Smith 2018), and the average of the weights."""

    def __init__(self, network: nn.Module, parameters: Hyperparameters, steps: int):
        """Prepare for `parameters.epochs` epochs of `steps` steps."""
        self.network = network
        self.averaging = AveragedModel(
            network, avg_fn=_moving_average(parameters.ema_decay), use_buffers=True
        )
        self._clip_grad_norm = parameters.clip_grad_norm
        weights = list(network.parameters())
        # Biases and batch-norm gains set a scale; pulling them to zero only hurts.
        self._optimiser = torch.optim.AdamW(
            [
                {
                    "params": [weight for weight in weights if weight.ndim > 1],
                    "weight_decay": parameters.weight_decay,
                },
                {"params": [weight for weight in weights if weight.ndim <= 1], "weight_decay": 0.0},
            ],
            lr=parameters.learning_rate,
        )
        # The schedule divides by zero if it has to rise in less than two steps.
        shortest = math.ceil(2 / parameters.warmup_fraction)
        self._schedule = torch.optim.lr_scheduler.OneCycleLR(
            self._optimiser,
            parameters.learning_rate,
            total_steps=max(shortest, steps * parameters.epochs),
            pct_start=parameters.warmup_fraction,
        )
        self._parts: dict[str, Any] = {
            "network": self.network,
            "averaging": self.averaging,
            "optimiser": self._optimiser,
            "schedule": self._schedule,
        }

    def step(self, loss: Tensor) -> None:
        """Change the weights so that `loss` falls."""
        self._optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
        nn.utils.clip_grad_norm_(self.network.parameters(), self._clip_grad_norm)
        self._optimiser.step()
        self._schedule.step()
        self.averaging.update_parameters(self.network)

    @property
    def learning_rate(self) -> float:
        """Of the next step."""
        return float(self._schedule.get_last_lr()[0])

    def state_dict(self) -> dict[str, Any]:
        """Everything that changes, the network included."""
        return {name: part.state_dict() for name, part in self._parts.items()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from what `state_dict` returned."""
        for name, part in self._parts.items():
            part.load_state_dict(state[name])


def _moving_average(decay: float) -> Callable[[Tensor, Tensor, Tensor | int], Tensor]:
    """Exponential average of the weights, forgetting faster at first so that the random start fades."""

    def average(averaged: Tensor, current: Tensor, steps: Tensor | int) -> Tensor:
        kept = min(decay, (1 + int(steps)) / (10 + int(steps)))
        return averaged * kept + current * (1 - kept)

    return average


def class_weights(labels: NDArray[np.int64], classes: int, power: float) -> Tensor:
    """Weight of each class in the loss, 1 for a class of average size."""
    counts = np.bincount(labels, minlength=classes)
    return torch.from_numpy((counts.mean() / counts) ** power).float()


def prior_correction(labels: NDArray[np.int64], classes: int, parameters: Hyperparameters) -> Tensor:
    """What calibrated logits lack, shape (K,), because classes were weighted in training.

    A weighted loss teaches probabilities that are multiplied by the weights (Menon et al. 2021). This takes
    the weights off again, all but what `parameters.logit_adjustment` wants to keep.
    """
    return class_weights(labels, classes, parameters.logit_adjustment - parameters.class_weight_power).log()

"""Optimisation: the optimiser, its schedule, the average of the weights, and class weights."""

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional
from torch.optim.swa_utils import AveragedModel

from chalicelib.hyperparameters import Hyperparameters
from chalicelib.tasks import Task
from training.model.classifier import Classifier


class Optimisation:
    """AdamW with a one-cycle schedule (Smith 2018), and the average of the weights."""

    def __init__(self, network: nn.Module, parameters: Hyperparameters, steps: int):
        """Prepare for `parameters.epochs` epochs of `steps` steps."""
        self.network = network
        self.averaging = AveragedModel(
            network, avg_fn=_moving_average(parameters.ema_decay), use_buffers=True
        )
        self._clip_grad_norm = parameters.clip_grad_norm
        groups = group_weights(network, parameters)
        self._optimiser = torch.optim.AdamW(groups, lr=parameters.learning_rate)
        # The schedule divides by zero if the warm-up has less than two steps.
        shortest = math.ceil(2 / parameters.warmup_fraction)
        self._schedule = torch.optim.lr_scheduler.OneCycleLR(
            self._optimiser,
            [group["lr"] for group in groups],
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
        """Do one step on the gradient of `loss`."""
        self._optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
        nn.utils.clip_grad_norm_(self.network.parameters(), self._clip_grad_norm)
        self._optimiser.step()
        self._schedule.step()
        self.averaging.update_parameters(self.network)

    @property
    def learning_rate(self) -> float:
        """Of the head in the next step."""
        return float(max(self._schedule.get_last_lr()))

    def state_dict(self) -> dict[str, Any]:
        """The whole state, including the network."""
        return {name: part.state_dict() for name, part in self._parts.items()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Restore what `state_dict` returned."""
        for name, part in self._parts.items():
            part.load_state_dict(state[name])


def group_weights(network: nn.Module, parameters: Hyperparameters) -> list[dict[str, Any]]:
    """The trainable weights by learning rate and weight decay, for the optimiser.

    With a `layer_decay` below 1 each block of a `Classifier` learns more slowly than the next one
    (discriminative learning rates, Howard and Ruder 2018).
    """
    distance = (
        {
            id(weight): number
            for number, block in enumerate(reversed(network.blocks), 1)
            for weight in block.parameters()
        }
        if isinstance(network, Classifier)
        else {}
    )
    groups: dict[tuple[float, float], list[nn.Parameter]] = {}
    for weight in network.parameters():
        if weight.requires_grad:
            rate = parameters.learning_rate * parameters.layer_decay ** distance.get(id(weight), 0)
            # No weight decay for biases and batch-norm gains: they set a scale.
            decay = parameters.weight_decay if weight.ndim > 1 else 0.0
            groups.setdefault((rate, decay), []).append(weight)
    return [
        {"params": weights, "lr": rate, "weight_decay": decay} for (rate, decay), weights in groups.items()
    ]


def weighted_cross_entropy(
    logits: Tensor, targets: Tensor, weights: Tensor, label_smoothing: float, mass: Tensor | None = None
) -> Tensor:
    """The mean loss of logits (N, K) for targets, shares of the classes (N, K), with class weights (K,).

    `mass` is what the sum is divided by, if not by that of these images.
    """
    total = functional.cross_entropy(
        logits, targets, weights, label_smoothing=label_smoothing, reduction="sum"
    )
    return total / (batch_mass(targets, weights) if mass is None else mass)


def batch_mass(targets: Tensor, weights: Tensor) -> Tensor:
    """The sum of the class weights (K,) of targets, shares of the classes (N, K)."""
    return (targets @ weights).sum()


def _moving_average(decay: float) -> Callable[[Tensor, Tensor, Tensor | int], Tensor]:
    """Exponential moving average with a lower decay at first, so that the random start fades."""

    def average(averaged: Tensor, current: Tensor, steps: Tensor | int) -> Tensor:
        kept = min(decay, (1 + int(steps)) / (10 + int(steps)))
        # In this form, the average of constant weights, as in frozen blocks, is exact.
        return averaged + (current - averaged) * (1 - kept)

    return average


def labels_seen(labels: NDArray[np.int64], task: Task) -> NDArray[np.int64]:
    """Labels in the frequencies in which training sees them, shape (N,) or (2N,).

    Half of the images are mirrored, and the mirror image of a left breast is a right one.
    """
    if not task.augmentation.flip:
        return labels
    return np.concatenate([labels, np.array(task.flip_permutation)[labels]])


def class_weights(labels: NDArray[np.int64], classes: int, power: float) -> Tensor:
    """Weight of each class in the loss, shape (K,); 1 for a class of average size."""
    counts = np.bincount(labels, minlength=classes)
    return torch.from_numpy((counts.mean() / counts) ** power).float()


def prior_correction(labels: NDArray[np.int64], classes: int, parameters: Hyperparameters) -> Tensor:
    """What has to be added to calibrated logits, shape (K,), because classes were weighted in training.

    A weighted loss multiplies the probabilities by the class weights (Menon et al. 2021). The correction
    removes them up to the power `parameters.logit_adjustment`.
    """
    return class_weights(labels, classes, parameters.logit_adjustment - parameters.class_weight_power).log()

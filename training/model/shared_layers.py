"""Layers that see the whole batch while several processes have shares of it."""

from typing import Any

import torch
from torch import Tensor, distributed, nn
from torch.nn import functional

from training.model import parallel
from training.model.classifier import Classifier


class SharedBatchNorm(nn.BatchNorm2d):
    """Batch normalisation by the statistics of the whole batch; that of torch needs GPUs."""

    def forward(self, maps: Tensor) -> Tensor:
        """Normalise this process's share (n, C, h, w) of the maps."""
        if not self.training:
            return super().forward(maps)
        assert self.running_mean is not None
        assert self.running_var is not None
        assert self.num_batches_tracked is not None
        values = maps.float()
        count = _sum(torch.tensor(values.numel() / values.shape[1]))
        mean = _sum(values.sum((0, 2, 3))) / count
        centred = values - mean[:, None, None]
        variance = _sum(centred.square().sum((0, 2, 3))) / count
        with torch.no_grad():
            self.num_batches_tracked += 1
            self.running_mean.lerp_(mean, self.momentum or 0.0)
            self.running_var.lerp_(variance * count / (count - 1), self.momentum or 0.0)
        scale = self.weight * (variance + self.eps).rsqrt()
        return (centred * scale[:, None, None] + self.bias[:, None, None]).to(maps.dtype)


class SharedDropout(nn.Dropout):
    """Dropout that draws for the whole batch, so that the share of a process does not matter."""

    def __init__(self, probability: float, total: int):
        """Take the number of images of the whole batch."""
        super().__init__(probability)
        self._total = total

    def forward(self, features: Tensor) -> Tensor:
        """Drop some of the features (n, F) of this process's share."""
        if not self.training:
            return features
        kept = functional.dropout(features.new_ones(self._total, *features.shape[1:]), self.p)
        return features * kept[parallel.share()]


def share_layers(network: Classifier, total: int, device: torch.device) -> None:
    """Make a network see the whole batch of `total` images; its parameters stay the same objects."""
    if parallel.world_size() == 1:
        return
    network.dropout = SharedDropout(network.dropout.p, total)
    if device.type == "cuda":
        nn.SyncBatchNorm.convert_sync_batchnorm(network)  # type: ignore[no-untyped-call]
        return
    for parent in list(network.modules()):
        for name, layer in parent.named_children():
            if isinstance(layer, nn.BatchNorm2d):
                setattr(parent, name, _shared(layer))


def _shared(layer: nn.BatchNorm2d) -> SharedBatchNorm:
    shared = SharedBatchNorm(layer.num_features, layer.eps, layer.momentum)
    shared.weight, shared.bias = layer.weight, layer.bias
    for name, buffer in layer.named_buffers():
        setattr(shared, name, buffer)
    return shared.train(layer.training)


def _sum(values: Tensor) -> Tensor:
    """The sum over all processes; gradients flow through it."""
    total: Tensor = _Sum.apply(values)  # type: ignore[no-untyped-call]
    return total


class _Sum(torch.autograd.Function):
    """What one process adds is part of the sum in all of them, and so is the gradient."""

    @staticmethod
    def forward(_: Any, values: Tensor) -> Tensor:
        """The sum of the values of all processes."""
        total = values.detach().clone()
        distributed.all_reduce(total)
        return total

    @staticmethod
    def backward(_: Any, gradient: Tensor) -> Tensor:
        """The sum of the gradients of all processes."""
        total = gradient.clone(memory_format=torch.contiguous_format)
        distributed.all_reduce(total)
        return total

"""Outputs of a network for many images."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from training.data.pixels import Images
from training.model.classifier import Classifier
from training.model.runner import Runner

BATCH_SIZE = 32
"""On a CPU, the maps of larger batches do not fit into its cache."""


@torch.inference_mode()
def predict(network: Classifier, pixels: Images, precision: str = "float32") -> Tensor:
    """Logits (N, classes), float32 on the CPU, of prepared images."""
    network.eval()
    device = next(network.parameters()).device
    logits = []
    for start in range(0, len(pixels), BATCH_SIZE):
        images = network.pad(torch.from_numpy(np.array(pixels[start : start + BATCH_SIZE])))
        images = network.normalise(network.align(images)).to(device, memory_format=torch.channels_last)
        with torch.autocast(device.type, torch.bfloat16, enabled=precision == "bfloat16"):
            maps = network.run_blocks(images)
        logits.append(network.head(maps.float().mean((2, 3))).cpu())
    return torch.cat(logits)


class DescriptionModule(nn.Module):
    """From prepared images to descriptors."""

    def __init__(self, network: Classifier):
        super().__init__()
        self.network = network

    def forward(self, images: Tensor) -> tuple[Tensor]:
        """Descriptors (N, D) of prepared images, uint8 (N, C, H, W)."""
        network = self.network
        return (network.features(network.normalise(network.align(network.pad(images))))[1],)


def describe(network: Classifier, sets: Sequence[Images]) -> list[Tensor]:
    """The descriptors (N, D) of sets of prepared images."""
    runner = Runner(DescriptionModule(network), 1, sum(map(len, sets)), torch.device("cpu"))
    return [run_batches(runner, pixels)[0] for pixels in sets]


def run_batches(runner: Runner, pixels: Images) -> list[Tensor]:
    """The outputs for all of these prepared images."""
    batches = [
        runner(torch.from_numpy(np.array(pixels[start : start + BATCH_SIZE])))
        for start in range(0, len(pixels), BATCH_SIZE)
    ]
    return [torch.cat(output) for output in zip(*batches, strict=True)]

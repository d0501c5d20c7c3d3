"""Outputs of a network for many images."""

import numpy as np
import torch
from torch import Tensor

from training.data.pixels import Images
from training.model.classifier import Classifier

BATCH_SIZE = 32


@torch.inference_mode()
def predict(network: Classifier, pixels: Images, precision: str = "float32") -> tuple[Tensor, Tensor]:
    """Logits (N, classes) and descriptors (N, D), float32 on the CPU, of prepared images."""
    network.eval()
    device = next(network.parameters()).device
    logits, descriptors = [], []
    for start in range(0, len(pixels), BATCH_SIZE):
        images = network.pad(torch.from_numpy(np.array(pixels[start : start + BATCH_SIZE])))
        images = network.normalise(images).to(device, memory_format=torch.channels_last)
        with torch.autocast(device.type, torch.bfloat16, enabled=precision == "bfloat16"):
            maps, described = network.features(images)
        logits.append(network.head(maps.float().mean((2, 3))).cpu())
        descriptors.append(described.float().cpu())
    return torch.cat(logits), torch.cat(descriptors)

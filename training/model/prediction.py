"""What a network says of many images."""

import numpy as np
import torch
from torch import Tensor

from training.data.pixels import Images
from training.model.network import Classifier


@torch.inference_mode()
def predict(
    network: Classifier, pixels: Images, precision: str = "float32", batch_size: int = 128
) -> tuple[Tensor, Tensor]:
    """Logits (N, classes) and pooled features (N, F), float32 on the CPU, of prepared images."""
    network.eval()
    device = next(network.parameters()).device
    logits, features = [], []
    for start in range(0, len(pixels), batch_size):
        images = network.frame(torch.from_numpy(np.array(pixels[start : start + batch_size])))
        images = network.normalise(images).to(device, memory_format=torch.channels_last)
        with torch.autocast(device.type, torch.bfloat16, enabled=precision == "bfloat16"):
            pooled = network.feature_maps(images).float().mean((2, 3))
        features.append(pooled.cpu())
        logits.append(network.head(pooled).cpu())
    return torch.cat(logits), torch.cat(features)

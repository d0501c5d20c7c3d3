"""Images made of two: what lies between two examples should be answered between them."""

import math

import torch
from torch import Tensor


class Mixer:
    """Blends pairs of images (mixup, Zhang et al. 2018) or pastes parts (CutMix, Yun et al. 2019).

    `mixup` and `cutmix` are the chances that a batch is blended or pasted; together at most 1. How much of an
    image is its partner's is uniform between nothing and all.
    """

    def __init__(self, mixup: float, cutmix: float, generator: torch.Generator):
        self.mixup = mixup
        self.cutmix = cutmix
        self.generator = generator

    def __call__(self, images: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        """Mix images (N, C, H, W) and their targets, shares of the classes (N, K), alike."""
        partner = torch.randperm(len(images), generator=self.generator)
        chance = self._uniform(1).item()
        if chance < self.cutmix:
            images, kept = self._paste(images, images[partner])
        elif chance < self.cutmix + self.mixup:
            kept = self._uniform(len(images), 1)
            images = images * kept[:, :, None, None] + images[partner] * (1 - kept[:, :, None, None])
        else:
            return images, targets
        return images, targets * kept + targets[partner] * (1 - kept)

    def _paste(self, images: Tensor, others: Tensor) -> tuple[Tensor, Tensor]:
        """Put a rectangle of `others`, the same for the batch, onto `images`; its sides are in proportion."""
        height, width = images.shape[2:]
        share, down, right = self._uniform(3).tolist()
        tall, wide = int(height * math.sqrt(share)), int(width * math.sqrt(share))
        top, left = int(down * (height - tall + 1)), int(right * (width - wide + 1))
        pasted = images.clone()
        pasted[:, :, top : top + tall, left : left + wide] = others[
            :, :, top : top + tall, left : left + wide
        ]
        return pasted, torch.full((1, 1), 1 - tall * wide / (height * width))

    def _uniform(self, *shape: int) -> Tensor:
        return torch.rand(shape, generator=self.generator)

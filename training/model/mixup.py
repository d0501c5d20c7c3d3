"""Mixup and CutMix: training images that are made of two."""

import math

import torch
from torch import Tensor

from training.model.random_numbers import RandomNumbers


class Mixer:
    """Blends pairs of images (mixup, Zhang et al. 2018) or pastes parts (CutMix, Yun et al. 2019).

    `mixup` and `cutmix` are the probabilities that a batch is blended or pasted; their sum is at most 1. The
    share of the partner in an image is uniform from 0 to 1.
    """

    def __init__(self, mixup: float, cutmix: float, numbers: RandomNumbers):
        self.mixup = mixup
        self.cutmix = cutmix
        self.numbers = numbers

    def __call__(self, images: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        """Mix images (N, C, H, W) and their targets, shares of the classes (N, K), in the same proportion.

        A batch that is not mixed is returned as the same tensors.
        """
        partner = self.numbers.partners(len(images))
        chance = self.numbers.single_uniform(1).item()
        if chance >= self.cutmix + self.mixup:
            return images, targets
        others = self.numbers.whole_batch(images)[partner]
        if chance < self.cutmix:
            images, kept = self._paste(images, others)
        else:
            kept = self.numbers.uniform((len(images), 1))
            images = images * kept[:, :, None, None] + others * (1 - kept[:, :, None, None])
        return images, targets * kept + self.numbers.whole_batch(targets)[partner] * (1 - kept)

    def _paste(self, images: Tensor, partners: Tensor) -> tuple[Tensor, Tensor]:
        """Paste the same rectangle of all `partners` into `images`; it has the aspect ratio of an image."""
        height, width = images.shape[2:]
        share, down, right = self.numbers.single_uniform(3).tolist()
        tall, wide = int(height * math.sqrt(share)), int(width * math.sqrt(share))
        top, left = int(down * (height - tall + 1)), int(right * (width - wide + 1))
        pasted = images.clone()
        pasted[:, :, top : top + tall, left : left + wide] = partners[
            :, :, top : top + tall, left : left + wide
        ]
        return pasted, torch.full((1, 1), 1 - tall * wide / (height * width))

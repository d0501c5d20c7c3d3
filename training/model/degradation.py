"""Random changes of quality that set the images of one hospital or device apart from those of another."""

import torch
from torch import Tensor
from torch.nn import functional

from training.model.random_numbers import RandomNumbers

MARKER_SIDE = (0.04, 0.16)
"""Range of a marker's sides, as fractions of the image's shorter side."""


class Degradation:
    """Draws the changes for each image of a batch, float 0..1 of shape (N, C, H, W)."""

    def __init__(self, numbers: RandomNumbers):
        self._numbers = numbers

    def invert(self, images: Tensor, share: float) -> Tensor:
        """Invert the brightness of about this share of the images."""
        return torch.where(self._choose(images, share), 1 - images, images)

    def blur(self, images: Tensor, largest: float) -> Tensor:
        """Blur half of the images with a Gaussian of up to `largest` times the longer side."""
        count, channels, height, width = images.shape
        longest = largest * max(height, width)
        sigma = self._numbers.uniform([count], 0.05, 1) * longest
        radius = min(int(3 * longest) + 1, (min(height, width) - 1))
        offsets = torch.arange(-radius, radius + 1)
        weights = torch.exp(-(offsets**2) / (2 * sigma[:, None] ** 2))
        kernels = (weights / weights.sum(1, keepdim=True)).repeat_interleave(channels, 0)
        planes = functional.pad(images.reshape(1, -1, height, width), [radius] * 4, mode="reflect")
        for shape in ((-1, 1, 1, len(offsets)), (-1, 1, len(offsets), 1)):
            planes = functional.conv2d(planes, kernels.view(shape), groups=len(kernels))
        return torch.where(self._choose(images, 0.5), planes.view(images.shape), images)

    def reduce_resolution(self, images: Tensor, largest: float) -> Tensor:
        """Resample half of the images at a resolution that is up to `largest` times lower."""
        height, width = images.shape[2:]
        factors = self._numbers.uniform([len(images)], 1, largest)
        changed = images.clone()
        for index in self._choose(images, 0.5).flatten().nonzero().flatten().tolist():
            size = [max(1, round(side / float(factors[index]))) for side in (height, width)]
            small = functional.interpolate(images[index : index + 1], size, mode="bilinear", antialias=True)
            changed[index] = functional.interpolate(small, (height, width), mode="bilinear")[0]
        return changed

    def add_markers(self, images: Tensor, share: float) -> Tensor:
        """Draw a bright or dark block beside an edge into about this share of the images."""
        height, width = images.shape[2:]
        single = self._numbers.single_uniform
        for index in self._numbers.chosen(len(images), share):
            tall, wide = (single(2, *MARKER_SIDE) * min(height, width)).ceil().long().tolist()
            down, across = single(2).tolist()
            top, left = round(down * (height - tall)), round(across * (width - wide))
            # One of the two coordinates is moved to an edge.
            edge = self._numbers.single_integer(4)
            top = {0: 0, 1: height - tall}.get(edge, top)
            left = {2: 0, 3: width - wide}.get(edge, left)
            level = float(single(1) > 0.3)
            if index is not None:
                images[index, :, top : top + tall, left : left + wide] = level
        return images

    def _choose(self, images: Tensor, share: float) -> Tensor:
        """Whether each image is changed, shape (N, 1, 1, 1)."""
        return self._numbers.uniform([len(images)])[:, None, None, None] < share

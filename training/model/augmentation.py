"""Random augmentation of a batch of training images, as the task file allows."""

import math

import torch
from torch import Tensor
from torch.nn import functional

from chalicelib.tasks import Augmentation
from training.model.degradation import Degradation
from training.model.random_numbers import RandomNumbers
from training.model.stain import vary_stains

ASPECT = 0.1
"""Largest change of the logarithm of the aspect ratio."""
ERASED_SIDE = (0.1, 0.4)
"""Range of the sides of an erased rectangle, as fractions of the image's sides."""


class Augmenter:
    """Draws the changes for each image and applies them; reproducible by the seed of its numbers."""

    def __init__(
        self,
        spec: Augmentation,
        flip_permutation: tuple[int, ...],
        random_erasing: float,
        numbers: RandomNumbers,
    ):
        self.spec = spec
        self.flipped_label = torch.tensor(flip_permutation)
        self.random_erasing = random_erasing
        self.numbers = numbers
        self.degradation = Degradation(numbers)

    def __call__(self, images: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        """Change images, float 0..1 of shape (N, C, H, W), and their labels, shape (N,)."""
        images, labels = self._move(images, labels)
        return self._alter(images), labels

    def with_outlines(
        self, images: Tensor, labels: Tensor, outlines: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """The same, and move outlines, float 0..1 of shape (N, 1, H, W), with their images."""
        moved, labels = self._move(torch.cat([images, outlines], 1), labels)
        return self._alter(moved[:, :-1]), labels, moved[:, -1:]

    def _move(self, images: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        """Change where things are in the images."""
        images, labels = self._mirror(images, labels)
        if self.spec.quarter_turns:
            images = self._quarter_turn(images)
        return self._warp(images), labels

    def _alter(self, images: Tensor) -> Tensor:
        """Change brightness, colour and quality."""
        if self.spec.stain:
            images = vary_stains(images, self.spec.stain, self.numbers)
        images = self._degrade(images)
        images = self._change_tones(images)
        return self._erase_rectangles(images).clamp(0, 1)

    def _uniform(self, count: int, low: float, high: float) -> Tensor:
        return self.numbers.uniform([count], low, high)

    def _mirror(self, images: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        """Flip half of the images left to right; a left breast becomes a right one, and its label too."""
        if not self.spec.flip:
            return images, labels
        chosen = self._uniform(len(images), 0, 1) < 0.5
        mirrored = torch.where(chosen[:, None, None, None], images.flip(3), images)
        return mirrored, torch.where(chosen, self.flipped_label[labels], labels)

    def _quarter_turn(self, images: Tensor) -> Tensor:
        turns = self.numbers.integers(len(images), 4)
        return torch.stack(
            [image.rot90(int(turn), (1, 2)) for image, turn in zip(images, turns, strict=True)]
        )

    def _warp(self, images: Tensor) -> Tensor:
        """Rotate, scale, stretch and shift in one resampling; pixels from outside are black."""
        count, _, height, width = images.shape
        angle = self._uniform(count, -1, 1) * math.radians(self.spec.rotate_degrees)
        scale = self._uniform(count, 1 - self.spec.scale, 1 + self.spec.scale)
        aspect = self._uniform(count, -ASPECT, ASPECT).exp() if self.spec.scale else torch.ones(count)
        # grid_sample's coordinates run from -1 to 1 on both axes, whatever the aspect ratio.
        shift_x, shift_y = (self._uniform(count, -2, 2) * self.spec.shift for _ in range(2))
        cosine, sine, ratio = angle.cos() * scale, angle.sin() * scale, height / width
        rows = (
            torch.stack([cosine * aspect, -sine * ratio, shift_x], 1),
            torch.stack([sine / ratio, cosine / aspect, shift_y], 1),
        )
        grid = functional.affine_grid(torch.stack(rows, 1), list(images.shape), align_corners=False)
        return functional.grid_sample(images, grid, padding_mode="zeros", align_corners=False)

    def _degrade(self, images: Tensor) -> Tensor:
        """Lower the quality; what is switched off takes no random numbers."""
        if self.spec.markers:
            images = self.degradation.add_markers(images, self.spec.markers)
        if self.spec.inversion:
            images = self.degradation.invert(images, self.spec.inversion)
        if self.spec.resolution > 1:
            images = self.degradation.reduce_resolution(images, self.spec.resolution)
        if self.spec.blur:
            images = self.degradation.blur(images, self.spec.blur)
        return images

    def _change_tones(self, images: Tensor) -> Tensor:
        """Change exposure (gamma), film base, contrast, colour balance and grain."""
        count, channels = images.shape[:2]

        def per_image(values: Tensor) -> Tensor:
            return values[:, None, None, None]

        content = images > 0
        exponent = self._uniform(count, -self.spec.gamma, self.spec.gamma).exp()
        images = images.clamp(1e-4, 1).pow(per_image(exponent))
        base = per_image(self._uniform(count, -self.spec.fog, self.spec.fog).clamp_min(0))
        # Only padding is entirely black after warping.
        images = torch.where(content, base + (1 - base) * images, images)
        mean = images.mean((2, 3), keepdim=True)
        images = (images - mean) * per_image(
            self._uniform(count, -self.spec.contrast, self.spec.contrast).exp()
        ) + mean
        if self.spec.colour:
            gain = self.numbers.uniform((count, channels), -self.spec.colour, self.spec.colour) + 1
            images = images * gain[:, :, None, None]
        grain = self.numbers.normal(images.shape)
        return images + grain * per_image(self._uniform(count, 0, self.spec.noise))

    def _erase_rectangles(self, images: Tensor) -> Tensor:
        """Blank a rectangle in some images, so that no single detail, such as a film label, decides."""
        height, width = images.shape[2:]
        for index in self.numbers.chosen(len(images), self.random_erasing):
            sides = self.numbers.single_uniform(2, *ERASED_SIDE)
            tall, wide = (sides * torch.tensor([height, width])).long().tolist()
            top = self.numbers.single_integer(height - tall)
            left = self.numbers.single_integer(width - wide)
            if index is not None:
                images[index, :, top : top + tall, left : left + wide] = images[index].mean()
        return images

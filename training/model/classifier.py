"""What all networks have in common: a body of blocks, and a linear head on the means of its feature maps."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from copy import deepcopy
from itertools import pairwise
from typing import Self

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.fusion import fuse_conv_bn_eval

from training.model.retina_alignment import align_retina, spread_over_image


class Classifier(nn.Module, ABC):
    """A network for classification; subclasses define its layers and the normalisation of images."""

    head: nn.Linear
    dropout: nn.Dropout
    described: tuple[int, ...]
    """Numbers of blocks, in ascending order, after which the maps are part of the descriptors."""

    def __init__(self, padding: int, *, aligned: bool = False):
        """Take the number of black pixels around every image, and whether images are aligned as retinas."""
        super().__init__()
        self.padding = padding
        self.aligned = aligned
        self.frozen_blocks = 0

    @property
    @abstractmethod
    def blocks(self) -> Sequence[nn.Module]:
        """The parts of the body, in order."""

    @abstractmethod
    def normalise(self, images: Tensor) -> Tensor:
        """Padded and aligned images, float 0..1 (N, C, H, W), normalised for the first block."""

    @property
    def classes(self) -> int:
        """The number of classes."""
        return self.head.out_features

    def pad(self, images: Tensor) -> Tensor:
        """Prepared images, uint8 (N, C, H, W), as float 0..1 with black padding.

        Convolutions pad with zeros, which after `normalise` are medium grey; with black padding the edge of a
        film always borders on black.
        """
        return functional.pad(images.to(torch.float32) / 255.0, [self.padding] * 4)

    def align(self, images: Tensor) -> Tensor:
        """Padded images, float 0..1 (N, C, H, W), as the network sees them: aligned if it asks for that."""
        return align_retina(images) if self.aligned else images

    def spread(self, maps: Tensor, images: Tensor, size: tuple[int, int]) -> Tensor:
        """Maps (N, K, h, w) of aligned images, enlarged to `size` over the padded images (N, C, H, W)."""
        if self.aligned:
            return spread_over_image(maps, images, size)
        return functional.interpolate(maps, size, mode="bilinear")

    def run_blocks(self, maps: Tensor, start: int = 0, stop: int | None = None) -> Tensor:
        """Run the blocks with the numbers from `start` to before `stop` (None: to the last).

        Args:
            maps: normalised images (N, C, H, W) or, with a `start`, the maps of the block before it.
            start: number of the first block to run.
            stop: number of the first block not to run.
        """
        for block in self.blocks[start:stop]:
            maps = block(maps)
        return maps

    def features(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Feature maps (N, F, h, w) and descriptors (N, D) of normalised images (N, C, H, W).

        The OOD score uses the descriptors, means of maps at several depths: the last encode classes, the
        earlier ones also texture.
        """
        maps, done, described = images, 0, []
        for number in self.described:
            maps = self.run_blocks(maps, done, number)
            described.append(maps)
            done = number
        maps = self.run_blocks(maps, done)
        return maps, torch.cat([earlier.mean((2, 3)) for earlier in described], 1)

    def classify(self, last: Tensor) -> Tensor:
        """Logits (N, classes) of the maps (N, F, h, w) of the last block."""
        logits: Tensor = self.head(self.dropout(last.mean((2, 3))))
        return logits

    def forward(self, maps: Tensor, start: int = 0) -> Tensor:
        """Logits (N, classes) of normalised images (N, C, H, W) or maps; see `run_blocks`."""
        return self.classify(self.run_blocks(maps, start))

    def freeze(self, count: int, *, depthwise: bool = True) -> None:
        """Keep the weights and the batch-norm statistics of the first `count` blocks as they are.

        With `depthwise`, keep the filters of all depthwise convolutions, too: a CPU needs more time for their
        gradients than for all others together.
        """
        self.frozen_blocks = count
        for block in self.blocks[:count]:
            block.requires_grad_(False)
            block.eval()
        for layer in self.modules() if depthwise else ():
            if isinstance(layer, nn.Conv2d) and layer.groups > 1:
                layer.requires_grad_(False)

    def train(self, mode: bool = True) -> Self:
        """Switch to training, except for frozen blocks, or to inference."""
        super().train(mode)
        for block in self.blocks[: self.frozen_blocks]:
            block.eval()
        return self


def average_weights(networks: Sequence[Classifier]) -> Classifier:
    """A network with the mean weights and batch-norm statistics of networks with the same starting weights.

    It is about as accurate as their ensemble (model soups, Wortsman et al. 2022).
    """
    states = [network.state_dict() for network in networks]
    averaged = deepcopy(networks[0])
    averaged.load_state_dict({
        name: torch.stack([state[name] for state in states]).mean(0) if tensor.is_floating_point() else tensor
        for name, tensor in states[0].items()
    })  # fmt: skip
    return averaged


def fold_batch_norm(network: Classifier) -> Classifier:
    """A copy for inference with every batch normalisation folded into the convolution before it."""
    folded = deepcopy(network).eval()
    for parent in folded.modules():
        for (name, convolution), (next_name, norm) in pairwise(list(parent.named_children())):
            if isinstance(convolution, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
                setattr(parent, name, fuse_conv_bn_eval(convolution, norm))
                setattr(parent, next_name, nn.Identity())
    return folded

"""The classifier: a small residual network that trains from scratch on two CPU cores."""

from copy import deepcopy
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.fusion import fuse_conv_bn_eval

from chalicelib.hyperparameters import Hyperparameters
from chalicelib.tasks import Task

BLOCKS_PER_STAGE = (2, 2, 2, 2)

FIXED_MEAN, FIXED_DEVIATION = 0.5, 0.25
"""Mean and approximate deviation of ordinary images on the scale 0..1."""


@dataclass(frozen=True)
class Architecture:
    """What defines the layers of a network."""

    channels: int
    classes: int
    width: int
    """Channels of the first stage; each of the three others has twice as many."""
    dropout: float
    stem_stride: int
    """Reduction of an image by the stem: 4 or, for small images, 2."""
    padding: int
    """Pixels of black around every image."""
    normalization: str
    """"image": by each image's own mean and deviation. "fixed": by constants, which keeps colour."""


class Halve(nn.Module):
    """2x2 average pooling that keeps an odd last row or column.

    Equal to `AvgPool2d(2, ceil_mode=True)`, which onnxruntime computes wrongly up to 1.28
    (microsoft/onnxruntime#29629).
    """

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, C, ceil(H / 2), ceil(W / 2))."""
        height, width = x.shape[2:]
        return functional.avg_pool2d(functional.pad(x, [0, width % 2, 0, height % 2], mode="replicate"), 2)


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions with a shortcut (He et al. 2016)."""

    def __init__(self, channels_in: int, channels_out: int, stride: int):
        super().__init__()
        self.conv1 = nn.Conv2d(channels_in, channels_out, 3, stride, 1, bias=False)
        self.norm1 = nn.BatchNorm2d(channels_out)
        self.conv2 = nn.Conv2d(channels_out, channels_out, 3, 1, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(channels_out)
        # Each block starts as the identity, which makes high learning rates stable at the start.
        nn.init.zeros_(self.norm2.weight)
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or channels_in != channels_out:
            # Average pooling uses the pixels that a strided 1x1 convolution skips (ResNet-D, He et al. 2019).
            self.shortcut = nn.Sequential(
                Halve() if stride > 1 else nn.Identity(),
                nn.Conv2d(channels_in, channels_out, 1, bias=False),
                nn.BatchNorm2d(channels_out),
            )

    def forward(self, x: Tensor) -> Tensor:
        """(N, channels_in, H, W) -> (N, channels_out, H / stride, W / stride)."""
        inner = functional.relu(self.norm1(self.conv1(x)))
        return functional.relu(self.norm2(self.conv2(inner)) + self.shortcut(x))


class Classifier(nn.Module):
    """ResNet-18 with a stem of two 3x3 convolutions and any width (64 in the original)."""

    def __init__(self, architecture: Architecture):
        super().__init__()
        self.architecture = architecture
        width = architecture.width
        self.stem = nn.Sequential(
            nn.Conv2d(architecture.channels, width // 2, 3, 2, 1, bias=False),
            nn.BatchNorm2d(width // 2),
            nn.ReLU(),
            nn.Conv2d(width // 2, width, 3, 1, 1, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(),
            nn.MaxPool2d(3, 2, 1) if architecture.stem_stride == 4 else nn.Identity(),
        )
        blocks: list[nn.Module] = []
        channels_in = width
        for stage, count in enumerate(BLOCKS_PER_STAGE):
            for block in range(count):
                stride = 2 if stage > 0 and block == 0 else 1
                blocks.append(ResidualBlock(channels_in, width << stage, stride))
                channels_in = width << stage
        self.stages = nn.Sequential(*blocks)
        self.dropout = nn.Dropout(architecture.dropout)
        self.head = nn.Linear(channels_in, architecture.classes)

    def pad(self, images: Tensor) -> Tensor:
        """Prepared images, uint8 (N, C, H, W), as float 0..1 with black padding.

        Convolutions pad with zeros, which after `normalise` are medium grey; with black padding the edge of a
        film always borders on black.
        """
        return functional.pad(images.to(torch.float32) / 255.0, [self.architecture.padding] * 4)

    def normalise(self, images: Tensor) -> Tensor:
        """Padded images, float 0..1 (N, C, H, W), normalised for the stem."""
        if self.architecture.normalization == "fixed":
            return (images - FIXED_MEAN) / FIXED_DEVIATION
        mean = images.mean((1, 2, 3), keepdim=True)
        deviation = (images - mean).square().mean((1, 2, 3), keepdim=True).sqrt()
        # Without the constant the noise of a blank image would be amplified to full contrast.
        return (images - mean) / (deviation + 0.02)

    def features(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Feature maps (N, F, h, w) and descriptors (N, D) of normalised images (N, C, H, W).

        The sides of the maps are those of the images divided by 8 times the stride of the stem. The OOD score
        uses the descriptors, means of the last two stages: the last encodes classes, the other also texture.
        """
        earlier: Tensor = self.stages[: -BLOCKS_PER_STAGE[-1]](self.stem(images))
        maps: Tensor = self.stages[-BLOCKS_PER_STAGE[-1] :](earlier)
        return maps, torch.cat([earlier.mean((2, 3)), maps.mean((2, 3))], 1)

    def forward(self, images: Tensor) -> Tensor:
        """Logits, shape (N, classes), of normalised images, shape (N, C, H, W)."""
        pooled = self.features(images)[0].mean((2, 3))
        logits: Tensor = self.head(self.dropout(pooled))
        return logits


def build_network(task: Task, parameters: Hyperparameters) -> Classifier:
    """A network for `task` with random weights."""
    return Classifier(
        Architecture(
            channels=task.input.channels,
            classes=len(task.classes),
            width=parameters.width,
            dropout=parameters.dropout,
            stem_stride=parameters.stem_stride,
            padding=parameters.padding,
            normalization=parameters.normalization,
        )
    )


def fold_batch_norm(network: Classifier) -> Classifier:
    """A copy for inference with every batch normalisation folded into the convolution before it."""
    folded = deepcopy(network).eval()
    for parent in folded.modules():
        for (name, convolution), (next_name, norm) in pairwise(list(parent.named_children())):
            if isinstance(convolution, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
                setattr(parent, name, fuse_conv_bn_eval(convolution, norm))
                setattr(parent, next_name, nn.Identity())
    return folded

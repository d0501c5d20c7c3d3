"""A small residual network, which trains from random weights on two CPU cores."""

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor, nn
from torch.nn import functional

from training.model.classifier import Classifier

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
    aligned: bool = False
    """Whether images are sections of the retina that are aligned first."""


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


class ResidualNetwork(Classifier):
    """ResNet-18 with a stem of two 3x3 convolutions and any width (64 in the original)."""

    def __init__(self, architecture: Architecture):
        super().__init__(architecture.padding, aligned=architecture.aligned)
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
        last = 1 + len(self.stages)
        self.described = (last - BLOCKS_PER_STAGE[-1], last)

    @property
    def blocks(self) -> Sequence[nn.Module]:
        """The stem and all residual blocks."""
        return [self.stem, *self.stages]

    def normalise(self, images: Tensor) -> Tensor:
        """Padded images, float 0..1 (N, C, H, W), normalised for the stem."""
        if self.architecture.normalization == "fixed":
            return (images - FIXED_MEAN) / FIXED_DEVIATION
        mean = images.mean((1, 2, 3), keepdim=True)
        deviation = (images - mean).square().mean((1, 2, 3), keepdim=True).sqrt()
        # Without the constant the noise of a blank image would be amplified to full contrast.
        return (images - mean) / (deviation + 0.02)

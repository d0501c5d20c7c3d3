"""EfficientNet-Lite, for which there are weights from ImageNet.

The network of Tan and Le (2019) in Google's version for plain runtimes (2020): without squeeze-and-excitation
and with ReLU6 instead of swish.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

from torch import Tensor, nn
from torch.nn import functional

from training.model.classifier import Classifier


class Stage(NamedTuple):
    """Blocks with the same number of channels."""

    blocks: int
    kernel: int
    stride: int
    """Of the first block; the others have stride 1."""
    expansion: int
    """Inner channels of a block, as a multiple of its input channels."""
    channels: int


STAGES = (
    Stage(1, 3, 1, 1, 16),
    Stage(2, 3, 2, 6, 24),
    Stage(2, 5, 2, 6, 40),
    Stage(3, 3, 2, 6, 80),
    Stage(3, 5, 1, 6, 112),
    Stage(4, 5, 2, 6, 192),
    Stage(1, 3, 1, 6, 320),
)
"""Of Lite0; the others are wider and deeper."""
SCALES = {
    "efficientnet-lite0": (1.0, 1.0),
    "efficientnet-lite1": (1.0, 1.1),
    "efficientnet-lite2": (1.1, 1.2),
}
"""Factors of width (channels) and depth (blocks)."""
DESCRIBED_STAGES = (4, 6)
"""Stages whose maps are described. The 1280 channels after the last would make the OOD score too large."""
STEM_CHANNELS, TOP_CHANNELS = 32, 1280
RGB = 3


class SamePaddedConv2d(nn.Conv2d):
    """A convolution with TensorFlow's padding, which the weights were trained with.

    The side of its output is ceil(side / stride). If an odd number of pixels is missing, the larger half is
    added at the bottom and on the right.
    """

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, out_channels, ceil(H / stride), ceil(W / stride))."""
        margins = []
        for axis in (1, 0):  # functional.pad begins with the last axis
            side, kernel, stride = x.shape[2 + axis], self.kernel_size[axis], self.stride[axis]
            missing = max(0, (math.ceil(side / stride) - 1) * stride + kernel - side)
            margins += [missing // 2, missing - missing // 2]
        return super().forward(functional.pad(x, margins) if any(margins) else x)


class DepthwiseConv2d(SamePaddedConv2d):
    """A depthwise convolution with a stride.

    In training it runs with stride 1 and drops outputs: its gradient is much faster that way on a CPU.
    """

    def _conv_forward(self, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        stride = 1 if self.training else self.stride
        maps = functional.conv2d(x, weight, bias, stride, self.padding, self.dilation, self.groups)
        return maps[:, :, :: self.stride[0], :: self.stride[1]] if self.training else maps


def _convolution(
    channels_in: int, channels_out: int, kernel: int, stride: int = 1, *, depthwise: bool = False
) -> nn.Sequential:
    groups = channels_in if depthwise else 1
    if stride == 1:
        layer = nn.Conv2d(channels_in, channels_out, kernel, 1, kernel // 2, groups=groups, bias=False)
    elif depthwise:
        layer = DepthwiseConv2d(channels_in, channels_out, kernel, stride, groups=groups, bias=False)
    else:
        layer = SamePaddedConv2d(channels_in, channels_out, kernel, stride, groups=groups, bias=False)
    return nn.Sequential(layer, nn.BatchNorm2d(channels_out, eps=1e-3))


class InvertedResidual(nn.Module):
    """A depthwise convolution between two 1x1 convolutions, with a shortcut (Sandler et al. 2018)."""

    def __init__(self, channels_in: int, channels_out: int, kernel: int, stride: int, expansion: int):
        super().__init__()
        inner = channels_in * expansion
        self.expand: nn.Module = nn.Identity()
        if expansion > 1:
            self.expand = _convolution(channels_in, inner, 1).append(nn.ReLU6())
        self.depthwise = _convolution(inner, inner, kernel, stride, depthwise=True).append(nn.ReLU6())
        self.project = _convolution(inner, channels_out, 1)
        self.has_shortcut = stride == 1 and channels_in == channels_out

    def forward(self, x: Tensor) -> Tensor:
        """(N, channels_in, H, W) -> (N, channels_out, ceil(H / stride), ceil(W / stride))."""
        inner: Tensor = self.project(self.depthwise(self.expand(x)))
        return x + inner if self.has_shortcut else inner


class EfficientNetLite(Classifier):
    """EfficientNet-Lite for grey and RGB images of any size; its maps have 1/32 of the image's sides."""

    def __init__(self, name: str, classes: int, dropout: float, padding: int, *, aligned: bool = False):
        """Take a key of `SCALES`."""
        super().__init__(padding, aligned=aligned)
        width, depth = SCALES[name]
        self.stem = _convolution(RGB, STEM_CHANNELS, 3, 2).append(nn.ReLU6())
        self.body = nn.ModuleList()
        ends = []
        channels_in = STEM_CHANNELS
        for number, stage in enumerate(STAGES):
            # The first and the last stage have one block in all versions.
            count = math.ceil(stage.blocks * depth) if 0 < number < len(STAGES) - 1 else stage.blocks
            channels = _scale_channels(stage.channels, width)
            for block in range(count):
                stride = stage.stride if block == 0 else 1
                self.body.append(
                    InvertedResidual(channels_in, channels, stage.kernel, stride, stage.expansion)
                )
                channels_in = channels
            ends.append(1 + len(self.body))
        self.top = _convolution(channels_in, TOP_CHANNELS, 1).append(nn.ReLU6())
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(TOP_CHANNELS, classes)
        self.described = tuple(ends[number] for number in DESCRIBED_STAGES)

    @property
    def blocks(self) -> Sequence[nn.Module]:
        """The stem, all inverted residuals, and the last convolution."""
        return [self.stem, *self.body, self.top]

    def normalise(self, images: Tensor) -> Tensor:
        """Padded images, float 0..1 (N, C, H, W), in colour and on the scale of the weights."""
        return (images * 255 - 127).expand(-1, RGB, -1, -1) / 128


def _scale_channels(channels: int, width: float) -> int:
    """The multiple of 8 that is nearest to `channels` times `width`, but not less than 90 % of it."""
    scaled = channels * width
    nearest = max(8, int(scaled + 4) // 8 * 8)
    return nearest + 8 if nearest < 0.9 * scaled else nearest

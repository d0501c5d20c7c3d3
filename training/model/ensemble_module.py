"""The module in a package: the mean output of its networks, with test-time augmentation."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from chalicelib.hyperparameters import CELL
from chalicelib.tasks import Task
from training.model.classifier import Classifier
from training.model.ood_score import OODScore


@dataclass(frozen=True)
class View:
    """A flip or turn of an image (test-time augmentation) with a known effect on the outputs."""

    quarter_turns: int = 0
    mirrored: bool = False

    def apply(self, images: Tensor) -> Tensor:
        """Images (N, C, H, W), turned and then mirrored."""
        turned = images.rot90(self.quarter_turns, (2, 3)) if self.quarter_turns else images
        return turned.flip(3) if self.mirrored else turned

    def undo(self, maps: Tensor) -> Tensor:
        """Maps (N, K, h, w) of the images that `apply` returned, turned back."""
        maps = maps.flip(3) if self.mirrored else maps
        return maps.rot90(-self.quarter_turns, (2, 3)) if self.quarter_turns else maps


def tta_views(task: Task, wanted: str) -> tuple[View, ...]:
    """The image itself (`wanted` is "none"), or views that are in the task's training augmentation.

    They are the quarter turns ("turns"), or all of these with and without a flip ("all").
    """
    if wanted == "none":
        return (View(),)
    square = task.input.width == task.input.height
    turns = range(4 if task.augmentation.quarter_turns and square else 1)
    mirrors = (False, True) if task.augmentation.flip and wanted == "all" else (False,)
    return tuple(View(turn, mirrored) for turn in turns for mirrored in mirrors)


class Member(nn.Module):
    """A network and its OOD score."""

    def __init__(self, network: Classifier, ood_score: OODScore):
        super().__init__()
        self.network = network
        self.ood_score = ood_score


class EnsembleModule(nn.Module):
    """From prepared images to probabilities, activation maps and distance."""

    offset: Tensor

    def __init__(
        self,
        members: Sequence[Member],
        temperature: float,
        views: Sequence[View] = (View(),),
        flip_permutation: Sequence[int] | None = None,
        offset: Tensor | None = None,
    ):
        """Take networks; their mean logits are added to `offset` (K,) and divided by `temperature`."""
        super().__init__()
        self.members = nn.ModuleList(members)
        self.temperature = temperature
        self.register_buffer("offset", offset if offset is not None else torch.zeros(()))
        self.views = tuple(views)
        self.flip_permutation = list(flip_permutation or range(members[0].network.classes))

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """uint8 (N, C, H, W) -> probabilities (N, K), activation (N, K, h, w) and distance (N,)."""
        logits, evidence, distance = self.answer(image)
        activation = self._activation(evidence, image)
        return ((logits + self.offset) / self.temperature).softmax(1), activation, distance

    def answer(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """uint8 (N, C, H, W) -> logits (N, K), evidence (N, K, h, w), distance (N,): means over members."""
        # All networks prepare images alike. All views are in one batch: the graph is as small as for one.
        network = cast("Member", self.members[0]).network
        images = network.normalise(network.align(network.pad(image)))
        views = torch.cat([view.apply(images) for view in self.views])
        answers = [self._run(cast("Member", member), views) for member in self.members]
        logits, evidence, distance = (torch.stack(parts).mean(0) for parts in zip(*answers, strict=True))
        return logits, evidence, distance

    def _activation(self, evidence: Tensor, image: Tensor) -> Tensor:
        """Class activation maps (Zhou et al. 2016) with a maximum of 1 per class.

        The maps of the padded image are enlarged to one value per `CELL` pixels; then the padding is cut off,
        so that they cover the original image.
        """
        network = cast("Member", self.members[0]).network
        padded = network.pad(image)
        rows, columns = (round(side / CELL) for side in padded.shape[2:])
        cut = network.padding // CELL
        evidence = network.spread(evidence, padded, (rows, columns)).relu()
        evidence = evidence[:, :, cut : rows - cut, cut : columns - cut]
        largest = evidence.amax((2, 3), keepdim=True)
        return evidence / torch.where(largest > 0, largest, 1.0)

    def _run(self, member: Member, views: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """One member's logits (N, K), evidence (N, K, h, w) and distance (N,): means over the views.

        The views are prepared, float (V * N, C, H, W).
        """
        network = member.network
        maps, descriptors = network.features(views)
        logits = network.head(maps.mean((2, 3)))
        evidence = functional.conv2d(maps, network.head.weight[:, :, None, None])
        distance = member.ood_score(descriptors)
        return self._mean(logits), self._mean(evidence, spatial=True), self._split(distance).mean(0)

    def _mean(self, answers: Tensor, *, spatial: bool = False) -> Tensor:
        """The mean over the views, turned back: (V * N, K, ...) -> (N, K, ...)."""
        turned_back = []
        for view, answer in zip(self.views, self._split(answers), strict=True):
            own = view.undo(answer) if spatial else answer
            turned_back.append(own[:, self.flip_permutation] if view.mirrored else own)
        return torch.stack(turned_back).mean(0)

    def _split(self, answers: Tensor) -> Tensor:
        """(V * N, ...) -> (V, N, ...)."""
        return answers.reshape(len(self.views), -1, *answers.shape[1:])


class AnswerModule(nn.Module):
    """From prepared images to uncalibrated answers, without a map."""

    def __init__(self, model: EnsembleModule):
        super().__init__()
        self.model = model

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """uint8 (N, C, H, W) -> logits (N, K) and distance (N,)."""
        logits, _, distance = self.model.answer(image)
        return logits, distance

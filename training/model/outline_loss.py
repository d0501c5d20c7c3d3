"""An extra loss that pulls activation maps into the outlines of findings."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from chalicelib.hyperparameters import CELL
from training.model.classifier import Classifier

SMALLEST = 1e-4
"""Added to the mass, so that the loss of an outline that was moved out of the image is finite."""


class WithMaps(nn.Module):
    """A network that also returns its last maps: several processes share the gradients of `forward` only."""

    def __init__(self, network: Classifier):
        """Take the network, which stays the same object."""
        super().__init__()
        self.network = network

    def forward(self, maps: Tensor, start: int = 0) -> tuple[Tensor, Tensor]:
        """Logits (N, classes) and last maps (N, F, h, w); for the arguments see `Classifier.run_blocks`."""
        last = self.network.run_blocks(maps, start)
        return self.network.classify(last), last


def outline_cells(outlines: Tensor) -> Tensor:
    """The share of each cell of 8 x 8 pixels that is inside an outline: (N, 1, H, W) -> (N, H / 8, W / 8)."""
    return functional.avg_pool2d(outlines, CELL)[:, 0]


def outline_loss(maps: Tensor, head: nn.Linear, targets: Tensor, cells: Tensor) -> Tensor:
    """The mean loss of a batch; images without an outline add nothing to it.

    The loss of an image is -log of the share of its activation map's softmax that is inside the outline. The
    map is that of the true class.

    Args:
        maps: the last maps of the network, shape (N, F, h, w).
        head: the linear layer on the means of these maps.
        targets: one-hot classes, shape (N, K). Mixed images have no true class: leave them out.
        cells: what `outline_cells` returns, shape (N, H / 8, W / 8).
    """
    rows = cells.amax((1, 2)) > 0.5
    weights = head.weight[targets[rows].argmax(1)]
    activation = torch.einsum("nfhw,nf->nhw", maps[rows].float(), weights)
    height, width = activation.shape[1:]
    inside = functional.adaptive_avg_pool2d(cells[rows], (height, width))
    mass = (activation.flatten(1).softmax(1) * inside.flatten(1)).sum(1)
    return -(mass + SMALLEST).log().sum() / len(maps)

"""A training aid: activation maps are drawn to what people outlined."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from chalicelib.hyperparameters import CELL

SMALLEST = 1e-4
"""Added to the mass, so that the loss of an outline that was moved out of the image is finite."""


def outline_cells(outlines: Tensor) -> Tensor:
    """The share of each cell of 8 x 8 pixels that is inside an outline: (N, 1, H, W) -> (N, H / 8, W / 8)."""
    return functional.avg_pool2d(outlines, CELL)[:, 0]


def outline_loss(maps: Tensor, head: nn.Linear, targets: Tensor, cells: Tensor) -> Tensor:
    """The mean loss of a batch; images without an outline, and mixed ones, add nothing to it.

    The loss of an image is -log of the share of its activation map's softmax that is inside the outline. The
    map is that of the true class.

    Args:
        maps: the last maps of the network, shape (N, F, h, w).
        head: the linear layer on the means of these maps.
        targets: shares of the classes, shape (N, K).
        cells: what `outline_cells` returns, shape (N, H / 8, W / 8).
    """
    rows = (cells.amax((1, 2)) > 0.5) & (targets.amax(1) == 1)
    weights = head.weight[targets[rows].argmax(1)]
    activation = torch.einsum("nfhw,nf->nhw", maps[rows].float(), weights)
    height, width = activation.shape[1:]
    inside = functional.adaptive_avg_pool2d(cells[rows], (height, width))
    mass = (activation.flatten(1).softmax(1) * inside.flatten(1)).sum(1)
    return -(mass + SMALLEST).log().sum() / len(maps)

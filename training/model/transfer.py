"""Transfer learning: frozen blocks, and a head that is trained before the other blocks.

The output of frozen blocks never changes. It is computed once for several augmented views of every image, so
that two cores suffice for training.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from tempfile import TemporaryFile

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from chalicelib.hyperparameters import Hyperparameters
from training.core.arrays import Ints
from training.data.pixels import Labelled
from training.errors import TrainingError
from training.model.augmentation import Augmenter
from training.model.classifier import Classifier, fold_batch_norm
from training.model.optimisation import weighted_cross_entropy
from training.model.outline_loss import outline_cells
from training.model.runner import Runner

BATCH_SIZE = 64
VIEWS, HEAD = 1, 2
"""Purposes of random numbers, which keep their seeds apart."""


class Blocks(nn.Module):
    """Some blocks of a network, for inference only."""

    def __init__(self, network: Classifier, start: int, stop: int | None):
        """Take the blocks as `Classifier.run_blocks` does."""
        super().__init__()
        self.network = fold_batch_norm(network)
        self._start, self._stop = start, stop

    def forward(self, maps: Tensor) -> tuple[Tensor]:
        """Maps after the last of the blocks, of those before the first or of normalised images."""
        return (self.network.run_blocks(maps, self._start, self._stop),)


@dataclass(frozen=True)
class CachedViews:
    """The output of some blocks for augmented views of all training images."""

    maps: NDArray[np.float16]
    """Shape (V, N, ...), memory-mapped."""
    labels: Ints
    """Shape (V, N): mirroring can change the label of a view."""
    cells: NDArray[np.float16] | None = None
    """What `outline_cells` returns for each view, shape (V, N, H / 8, W / 8)."""

    def draw(
        self, images: NDArray[np.int64], generator: torch.Generator
    ) -> tuple[Tensor, Tensor, Tensor | None]:
        """A random view of each of these images: maps, float32 (n, ...), labels (n,), and outlines' cells."""
        views = torch.randint(len(self.labels), (len(images),), generator=generator).numpy()
        maps = torch.from_numpy(self.maps[views, images].astype(np.float32))
        labels = torch.from_numpy(self.labels[views, images])
        if self.cells is None:
            return maps, labels, None
        return maps, labels, torch.from_numpy(self.cells[views, images].astype(np.float32))


def prepare_network(network: Classifier, parameters: Hyperparameters, *, has_weights: bool) -> None:
    """Freeze blocks as `parameters` say.

    Raises:
        TrainingError: if there are fewer blocks, or the network has no starting weights to keep.
    """
    if parameters.frozen_blocks > len(network.blocks):
        raise TrainingError(
            f"The network has {len(network.blocks)} blocks, so that {parameters.frozen_blocks} cannot be "
            "frozen. Lower --frozen-blocks."
        )
    if (parameters.frozen_blocks or parameters.head_epochs) and not has_weights:
        raise TrainingError(
            "Without starting weights there is nothing to keep: name them with --start-from, or leave out "
            "--frozen-blocks and --head-epochs."
        )
    network.freeze(parameters.frozen_blocks)


def cache_views(
    network: Classifier, train: Labelled, augment: Augmenter, views: int, blocks: int, seed: int
) -> CachedViews:
    """Compute the output of the first `blocks` blocks for augmented views of all images.

    It is in a temporary file. Views follow from `seed`, so that a resumed training has the same ones.
    """
    maps: NDArray[np.float16] | None = None
    labels = np.empty((views, len(train.labels)), np.int64)
    cells: NDArray[np.float16] | None = None
    body = Runner(Blocks(network, 0, blocks), 1, labels.size, network.head.weight.device)
    for view in range(views):
        augment.generator.manual_seed(_draw_seed(seed, VIEWS, view))
        for rows, output, changed, outlined in _augmented_maps(body, network, train, augment):
            if maps is None:
                shape = (*labels.shape, *output.shape[1:])
                print(
                    f"computing {views} views of {len(train.labels)} images with {blocks} frozen blocks: "
                    f"{2 * np.prod(shape, dtype=np.float64) / 1e9:.1f} GB",
                    flush=True,
                )
                with TemporaryFile() as file:  # the map keeps it open
                    maps = np.memmap(file, np.float16, "w+", shape=shape)
            maps[view, rows] = output.numpy()
            labels[view, rows] = changed.numpy()
            if outlined is not None:
                if cells is None:
                    cells = np.empty((*labels.shape, *outlined.shape[1:]), np.float16)
                cells[view, rows] = outlined.numpy()
    assert maps is not None  # there are images
    return CachedViews(maps, labels, cells)


def pool_views(network: Classifier, views: CachedViews, start: int) -> CachedViews:
    """The means of the last maps, shape (V, N, F), of views with the output of the blocks before `start`."""
    count, images = views.labels.shape
    pooled = np.empty((count, images, network.head.in_features), np.float16)
    body = Runner(Blocks(network, start, None), 1, views.labels.size, network.head.weight.device)
    for view in range(count):
        for first in range(0, images, BATCH_SIZE):
            rows = slice(first, first + BATCH_SIZE)
            [maps] = body(torch.from_numpy(views.maps[view, rows].astype(np.float32)))
            pooled[view, rows] = maps.mean((2, 3)).numpy()
    return CachedViews(pooled, views.labels)


def train_head(
    network: Classifier, pooled: CachedViews, parameters: Hyperparameters, weights: Tensor, seed: int
) -> None:
    """Train the head alone on pooled views (V, N, F), one of each image in an epoch; class weights (K,)."""
    count = pooled.labels.shape[1]
    batch_size = min(parameters.batch_size, count)
    generator = torch.Generator().manual_seed(_draw_seed(seed, HEAD, 0))
    head, device = network.head, network.head.weight.device
    optimiser = torch.optim.AdamW(
        head.parameters(), lr=parameters.head_learning_rate, weight_decay=parameters.weight_decay
    )
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, parameters.head_epochs)
    head.train()
    loss = torch.zeros(())
    for _ in range(parameters.head_epochs):
        order = torch.randperm(count, generator=generator).numpy()
        for batch in np.array_split(order, max(1, count // batch_size)):
            features, labels, _ = pooled.draw(batch, generator)
            kept = torch.rand(features.shape, generator=generator) >= parameters.dropout
            features = features * kept / (1 - parameters.dropout)
            targets = functional.one_hot(labels, len(weights)).float().to(device)
            loss = weighted_cross_entropy(
                head(features.to(device)), targets, weights, parameters.label_smoothing
            )
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
            optimiser.step()
        schedule.step()
    print(f"trained the head for {parameters.head_epochs} epochs; train_loss={loss.item():.4f};", flush=True)


def augmented(
    network: Classifier, train: Labelled, rows: slice | NDArray[np.int64], augment: Augmenter
) -> tuple[Tensor, Tensor, Tensor | None]:
    """Augmented images, padded for `network`, float 0..1 (n, C, H, W); labels (n,); and outlines' cells."""
    images, labels = network.pad(torch.from_numpy(train.pixels[rows])), torch.from_numpy(train.labels[rows])
    if train.outlines is None:
        return *augment(images, labels), None
    outlines = network.pad(torch.from_numpy(train.outlines[rows]))
    images, labels, outlines = augment.with_outlines(images, labels, outlines)
    return images, labels, outline_cells(outlines)


@torch.inference_mode()
def _augmented_maps(
    body: Runner, network: Classifier, train: Labelled, augment: Augmenter
) -> Iterator[tuple[slice, Tensor, Tensor, Tensor | None]]:
    """Yield for each batch its rows, the body's maps (n, C, h, w), labels (n,), and outlines' cells."""
    for first in range(0, len(train.labels), BATCH_SIZE):
        rows = slice(first, first + BATCH_SIZE)
        images, labels, cells = augmented(network, train, rows, augment)
        yield rows, body(network.normalise(images))[0], labels, cells


def _draw_seed(seed: int, purpose: int, number: int) -> int:
    return int(np.random.SeedSequence((seed, 0, purpose, number)).generate_state(1)[0])

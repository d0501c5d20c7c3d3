"""Transfer learning: frozen blocks, and a head that is trained before the other blocks.

The output of frozen blocks never changes. It is kept for several augmented views of every image, so that two
cores suffice for training.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from tempfile import TemporaryFile

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from chalicelib.hyperparameters import KEPT, Hyperparameters
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
class View:
    """The output of some blocks for one augmented view of every training image."""

    maps: NDArray[np.float16]
    """Shape (N, ...)."""
    labels: Ints
    """Shape (N,): mirroring can change the label of a view."""
    cells: NDArray[np.float16] | None = None
    """What `outline_cells` returns for each view, shape (N, H / 8, W / 8)."""

    def take(self, images: NDArray[np.int64]) -> tuple[Tensor, Tensor, Tensor | None]:
        """The views of these images: maps, float32 (n, ...), labels (n,), and outlines' cells."""
        maps = torch.from_numpy(self.maps[images].astype(np.float32))
        cells = None if self.cells is None else torch.from_numpy(self.cells[images].astype(np.float32))
        return maps, torch.from_numpy(self.labels[images]), cells


class CachedViews:
    """Augmented views of all training images, with the output of the frozen blocks.

    Each is computed when an epoch first uses it, and kept in a temporary file. Views follow from the seed, so
    that a resumed training has the same ones.
    """

    def __init__(
        self, network: Classifier, train: Labelled, augment: Augmenter, count: int, blocks: int, seed: int
    ):
        """Take the number of views, and that of the blocks whose output is kept."""
        self._network = network
        self._train = train
        self._augment = augment
        self._count = count
        self._blocks = blocks
        self._seed = seed
        self._body = Runner(
            Blocks(network, 0, blocks), 1, count * len(train.labels), network.head.weight.device
        )
        self._views: dict[int, View] = {}

    def of_epoch(self, epoch: int) -> View:
        """The view for this epoch, counted from 0: another one in each, until all have been used.

        It draws from the augmentation's random numbers.
        """
        number = epoch % self._count
        if number not in self._views:
            self._views[number] = self._compute(number)
        return self._views[number]

    @torch.inference_mode()
    def _compute(self, number: int) -> View:
        """Compute a view; its maps are memory-mapped."""
        self._augment.numbers.manual_seed(_draw_seed(self._seed, VIEWS, number))
        maps: NDArray[np.float16] | None = None
        labels, cells = [], []
        for rows in _batches(len(self._train.labels)):
            images, changed, outlined = augmented(self._network, self._train, rows, self._augment)
            [output] = self._body(self._network.normalise(images))
            if maps is None:
                maps = self._open_file(output.shape[1:])
            maps[rows] = output.numpy()
            labels.append(changed.numpy())
            if outlined is not None:
                cells.append(outlined.numpy().astype(np.float16))
        assert maps is not None  # there are images
        return View(maps, np.concatenate(labels), np.concatenate(cells) if cells else None)

    def _open_file(self, shape: Sequence[int]) -> NDArray[np.float16]:
        """Room for the maps of all images, of this shape each, in a temporary file."""
        whole = (len(self._train.labels), *shape)
        if not self._views:
            print(
                f"up to {self._count} views of {whole[0]} images with {self._blocks} frozen blocks: "
                f"{self._count * 2 * np.prod(whole, dtype=np.float64) / 1e9:.1f} GB",
                flush=True,
            )
        with TemporaryFile() as file:  # the map keeps it open
            return np.memmap(file, np.float16, "w+", shape=whole)


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
    network.freeze(parameters.frozen_blocks, depthwise=parameters.depthwise_filters == KEPT)


def pool_view(network: Classifier, view: View, start: int) -> View:
    """The means of the last maps, shape (N, F), of a view with the output of the blocks before `start`."""
    images = len(view.labels)
    pooled = np.empty((images, network.head.in_features), np.float16)
    body = Runner(Blocks(network, start, None), 1, images, network.head.weight.device)
    for rows in _batches(images):
        [maps] = body(torch.from_numpy(view.maps[rows].astype(np.float32)))
        pooled[rows] = maps.mean((2, 3)).numpy()
    return View(pooled, view.labels)


def train_head(
    network: Classifier, pooled: View, parameters: Hyperparameters, weights: Tensor, seed: int
) -> None:
    """Train the head alone on a pooled view (N, F); class weights (K,)."""
    count = len(pooled.labels)
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
            features, labels, _ = pooled.take(batch)
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
    """Padded, aligned and augmented images, float 0..1 (n, C, H, W); labels (n,); and outlines' cells."""
    images = network.align(network.pad(torch.from_numpy(train.pixels[rows])))
    labels = torch.from_numpy(train.labels[rows])
    if train.outlines is None:
        return *augment(images, labels), None
    outlines = network.pad(torch.from_numpy(train.outlines[rows]))
    images, labels, outlines = augment.with_outlines(images, labels, outlines)
    return images, labels, outline_cells(outlines)


def _batches(count: int) -> Iterator[slice]:
    return (slice(first, first + BATCH_SIZE) for first in range(0, count, BATCH_SIZE))


def _draw_seed(seed: int, purpose: int, number: int) -> int:
    return int(np.random.SeedSequence((seed, 0, purpose, number)).generate_state(1)[0])

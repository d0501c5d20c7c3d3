"""The training loop over batches and epochs, and its state."""

import math
import time
from contextlib import AbstractContextManager, nullcontext
from copy import deepcopy
from dataclasses import asdict
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from chalicelib.hyperparameters import Hyperparameters
from chalicelib.tasks import Task
from training.core.accuracy import balanced_accuracy
from training.core.calibration import fit_temperature
from training.data.pixels import Labelled
from training.errors import TrainingError
from training.model import parallel
from training.model.augmentation import Augmenter
from training.model.classifier import Classifier
from training.model.devices import choose_device, resolve_precision
from training.model.mixup import Mixer
from training.model.network import build_network
from training.model.optimisation import (
    Optimisation,
    batch_mass,
    class_weights,
    labels_seen,
    prior_correction,
    weighted_cross_entropy,
)
from training.model.outline_loss import WithMaps, outline_loss
from training.model.prediction import predict
from training.model.progress import Epoch, Progress
from training.model.random_numbers import RandomNumbers
from training.model.shared_layers import share_layers
from training.model.starting_weights import StartingWeights
from training.model.transfer import (
    CachedViews,
    View,
    augmented,
    pool_view,
    prepare_network,
    train_head,
)


class Training:
    """One training: the body of the loop, and everything that changes from epoch to epoch."""

    def __init__(
        self,
        task: Task,
        train: Labelled,
        parameters: Hyperparameters,
        seed: int,
        weights: StartingWeights | None,
    ):
        self.train = train
        self.parameters = parameters
        self.seed = seed
        self.device = choose_device()
        self.precision = resolve_precision(parameters.precision, self.device)
        self.batch_size = min(parameters.batch_size, len(train.labels))
        self.steps = len(train.labels) // self.batch_size
        if self.batch_size < parallel.world_size():
            raise TrainingError(
                f"Batches of {self.batch_size} images are too small for {parallel.world_size()} processes, "
                "each of which needs one. Raise --batch-size, or start fewer processes."
            )
        torch.manual_seed(seed)
        network = build_network(task, parameters)
        if weights:
            weights.start(network)
        prepare_network(network, parameters, has_weights=weights is not None)
        self.network = network.to(self.device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # a gap in the stubs
        labels = labels_seen(train.labels, task)
        self.correction = prior_correction(labels, len(task.classes), parameters).numpy()
        self.optimisation = Optimisation(self.network, parameters, self.steps)
        self.averaged = cast("Classifier", self.optimisation.averaging.module)
        share_layers(self.network, self.batch_size, self.device)
        self.distributed = parallel.distribute(WithMaps(self.network), self.device)
        self.numbers = RandomNumbers()
        self.augment = Augmenter(
            task.augmentation, task.flip_permutation, parameters.random_erasing, self.numbers
        )
        self.mix = Mixer(parameters.mixup, parameters.cutmix, self.numbers)
        self.class_weights = class_weights(labels, len(task.classes), parameters.class_weight_power).to(
            self.device
        )
        self.history: list[Epoch] = []
        self.best_weights: dict[str, Tensor] = {}
        self.seconds = 0.0
        self.views: CachedViews | None = None
        self.view: View | None = None
        """That of the current epoch, if views are cached."""

    @property
    def best(self) -> Epoch:
        """The epoch with the lowest validation loss so far."""
        return min(self.history, key=lambda epoch: epoch.validation_loss)

    @property
    def finished(self) -> bool:
        """Whether all epochs are done, or the loss has not improved for `patience` epochs."""
        done = len(self.history)
        return done > 0 and (
            done >= self.parameters.epochs or done - self.best.number >= self.parameters.patience
        )

    def begin(self) -> None:
        """Train the head alone if the training is new."""
        parameters, started = self.parameters, time.monotonic()
        if self.finished:
            return
        if parameters.frozen_blocks and parameters.feature_views:
            self.views = self._make_views(parameters.feature_views)
        if parameters.head_epochs and not self.history:
            self.network.head.load_state_dict(parallel.from_first(self._train_head))
        self.seconds += time.monotonic() - started

    def train_epoch(self, progress: Progress) -> float:
        """Train one epoch; returns the mean loss."""
        if self.views:
            self.view = self.views.of_epoch(len(self.history))
        order = self._draw_order()
        self.network.train()
        total = torch.zeros((), dtype=torch.float64, device=self.device)
        for step, batch in enumerate(order.reshape(self.steps, self.batch_size)):
            total += self._step(batch[parallel.share()])
            progress.report_batch((step + 1) / self.steps)
        return _finite(parallel.mean(total) / self.steps)

    def validate(self, validation: Labelled, train_loss: float) -> Epoch:
        """Validate the averaged network, and keep its weights if it is the best so far."""
        epoch = parallel.from_first(lambda: self._validate(validation, train_loss))
        self.history.append(epoch)
        if self.best is epoch:
            self.best_weights = deepcopy(self.averaged.state_dict())
        return epoch

    def state(self) -> dict[str, Any]:
        """Everything that is needed to resume the training without a difference in its result."""
        return {
            **self.optimisation.state_dict(),
            "best": self.best_weights,
            "history": [asdict(epoch) for epoch in self.history],
            "seconds": self.seconds,
        }

    def resume(self, state: dict[str, Any] | None) -> None:
        """Resume from what `state` returned; start from the beginning if it is None."""
        if state is None:
            return
        try:
            self.optimisation.load_state_dict(state)
            self.best_weights = state["best"]
            self.history = [Epoch(**epoch) for epoch in state["history"]]
            self.seconds = state["seconds"]
        except (KeyError, TypeError, ValueError, RuntimeError) as error:
            raise TrainingError(
                "The checkpoint was written by another version of this code. Delete it to start from scratch."
            ) from error
        print(f"resuming seed {self.seed} after epoch {len(self.history)}", flush=True)

    def best_network(self) -> Classifier:
        """The averaged network of the best epoch, on the CPU."""
        network = deepcopy(self.averaged)
        network.load_state_dict(self.best_weights)
        return network.cpu().eval()

    def _draw_order(self) -> NDArray[np.int64]:
        """Indices of the images of one epoch in random order, in whole batches; the same in all processes.

        All random numbers of an epoch follow from seed and epoch, so that a resumed training draws the same
        numbers without saved generators. They are the same in all processes.
        """
        epoch = len(self.history) + 1
        order = np.random.default_rng((self.seed, epoch, 0))
        seeds = np.random.SeedSequence((self.seed, epoch, 1)).generate_state(2)
        self.numbers.manual_seed(int(seeds[0]))
        torch.manual_seed(int(seeds[1]))  # dropout's
        return order.permutation(len(self.train.labels))[: self.steps * self.batch_size]

    def _step(self, batch: NDArray[np.int64]) -> Tensor:
        """One step of the optimiser on this process's share of a batch, the images with these indices.

        Returns:
            The loss. Its mean over the processes is that of the whole batch, and so are the gradients'.
        """
        with self._sharing():
            maps, targets, cells = self._draw_images(batch) if self.view is None else self._draw_maps(batch)
        maps = maps.to(self.device, memory_format=torch.channels_last)
        targets = targets.to(self.device)
        start = 0 if self.view is None else self.parameters.frozen_blocks
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.precision == "bfloat16"):
            logits, last = self.distributed(maps, start)
        mass = parallel.average(batch_mass(targets, self.class_weights))
        loss = weighted_cross_entropy(
            logits.float(), targets, self.class_weights, self.parameters.label_smoothing, mass
        )
        if cells is not None:
            aid = outline_loss(last, self.network.head, targets, cells.to(self.device))
            share = len(batch) * parallel.world_size() / self.batch_size
            loss = loss + self.parameters.outline_weight * share * aid
        self.optimisation.step(loss)
        return loss.detach()

    def _sharing(self) -> AbstractContextManager[None]:
        """While images are drawn, each process has a share of the batch."""
        return nullcontext() if parallel.world_size() == 1 else self.numbers.shared(self.batch_size)

    def _draw_images(self, batch: NDArray[np.int64]) -> tuple[Tensor, Tensor, Tensor | None]:
        """Augmented, mixed and normalised images (n, C, H, W), shares of the classes (n, K), outlines."""
        images, labels, cells = augmented(self.network, self.train, batch, self.augment)
        images, targets, cells = self._mix(images, labels, cells)
        return self.network.normalise(images), targets, cells

    def _draw_maps(self, batch: NDArray[np.int64]) -> tuple[Tensor, Tensor, Tensor | None]:
        """Mixed maps of the last frozen block (n, C, h, w), shares of the classes (n, K), and outlines.

        Maps are mixed like images (manifold mixup, Verma et al. 2019).
        """
        assert self.view is not None
        return self._mix(*self.view.take(batch))

    def _mix(
        self, images: Tensor, labels: Tensor, cells: Tensor | None
    ) -> tuple[Tensor, Tensor, Tensor | None]:
        """Mix images or maps; mixed ones lose their outlines, because CutMix may cover what is outlined.

        Targets do not show whether a pair was mixed, because both images may be of one class.
        """
        targets = functional.one_hot(labels, len(self.class_weights)).float()
        mixed, targets = self.mix(images, targets)
        return mixed, targets, cells if mixed is images else None

    def _make_views(self, count: int) -> CachedViews:
        blocks = self.parameters.frozen_blocks
        return CachedViews(self.network, self.train, self.augment, count, blocks, self.seed)

    def _train_head(self) -> dict[str, Tensor]:
        # One view suffices: the epochs that follow train the head with others.
        view = (self.views or self._make_views(1)).of_epoch(0)
        pooled = pool_view(self.network, view, self.parameters.frozen_blocks)
        train_head(self.network, pooled, self.parameters, self.class_weights, self.seed)
        return {name: tensor.cpu() for name, tensor in self.network.head.state_dict().items()}

    def _validate(self, validation: Labelled, train_loss: float) -> Epoch:
        logits = predict(self.averaged, validation.pixels, self.precision)
        # With the best temperature, as in the package: label smoothing makes good epochs underconfident.
        _, loss = fit_temperature(logits.double().numpy(), validation.labels, self.correction)
        accuracy = balanced_accuracy(validation.labels, logits.argmax(1).numpy())
        return Epoch(len(self.history) + 1, train_loss, _finite(loss), accuracy)


def _finite(loss: float) -> float:
    if not math.isfinite(loss):
        raise TrainingError("Training diverged: the loss is not finite. Lower --learning-rate.")
    return loss

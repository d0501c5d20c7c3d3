"""The program that test_parallel.py runs in each process; its argument is a shared folder."""

import os
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from chalicelib.hyperparameters import Hyperparameters
from chalicelib.tasks import load_task
from training.data.pixels import Labelled, PixelView
from training.errors import TrainingError
from training.model import parallel
from training.model.checkpoint import Checkpoint
from training.model.fitting import Fit, fit
from training.model.progress import Epoch

IMAGES = 25


class Recorder(PixelView):
    """Records the indices of the images that are read."""

    asked: list[int]

    def __getitem__(self, chosen: slice | NDArray[np.integer[Any]]) -> NDArray[np.uint8]:
        if not isinstance(chosen, slice):
            self.asked = [*getattr(self, "asked", []), *chosen.tolist()]
        return super().__getitem__(chosen)


def make_images(store: Path) -> NDArray[np.uint8]:
    """Store images and the outlines of half of them, shape (IMAGES, 2, 40, 40)."""
    images = np.lib.format.open_memmap(store, "w+", np.uint8, (IMAGES, 2, 40, 40))
    images[:] = np.random.default_rng(0).integers(0, 255, images.shape)
    images[:, 1] = 0
    images[::2, 1, 8:24, 8:24] = 255
    return images


def share(folder: Path) -> NDArray[np.uint8]:
    """The first process of each host creates an array of images, which all processes of the host read."""
    host = parallel.rank() // int(os.environ["LOCAL_WORLD_SIZE"])
    store = folder / f"pixels-{host}.npy"
    maker, images = parallel.from_first_of_host(lambda: (parallel.rank(), make_images(store)))
    assert maker == parallel.rank() - parallel.local_rank()
    assert isinstance(images, np.memmap)
    assert Path(str(images.filename)) == store
    return images


def train(
    images: NDArray[np.uint8],
    checkpoint: Checkpoint | None = None,
    after_epoch: Callable[[Epoch], None] | None = None,
) -> tuple[Fit, list[int]]:
    """Train with everything that is random; also the indices of the images that were read."""
    labels = np.arange(IMAGES) % 5
    rows = np.arange(IMAGES)
    train = Labelled(Recorder(images[:, :1], rows), labels, PixelView(images[:, 1:], rows))
    validation = Labelled(PixelView(images[:, :1], rows), labels)
    parameters = Hyperparameters(
        epochs=2,
        batch_size=5,
        width=4,
        dropout=0.5,
        mixup=0.3,
        cutmix=0.3,
        random_erasing=0.5,
        outline_weight=0.5,
        # Of a higher one AdamW makes more than the bounds allow of rounding, which depends on the processor.
        learning_rate=5e-3,
        precision="float32",
    )
    task = load_task("mammography-views")
    changed = replace(task.augmentation, markers=0.5, blur=0.02, resolution=2.0, inversion=0.3)
    augmented = replace(task, augmentation=changed)
    fitted = fit(augmented, train, validation, parameters, 0, None, checkpoint, after_epoch)
    return fitted, train.pixels.asked  # type: ignore[attr-defined]


def check_errors() -> None:
    """An error in the first process is raised in all of them."""

    def refuse() -> None:
        raise TrainingError("no data")

    with pytest.raises(TrainingError, match="no data"):
        parallel.from_first(refuse)


def check_agreement() -> None:
    """A difference between the processes is an error in all of them."""
    parallel.agree("same", "different")
    with pytest.raises(TrainingError, match="different"):
        parallel.agree(str(parallel.rank()), "different")


def check_batch() -> None:
    """Gradients are the mean over the processes, and a whole batch is gathered from the shares of it."""
    network = torch.nn.Linear(1, 1, bias=False)
    shared = parallel.distribute(network, torch.device("cpu"))
    shared(torch.tensor([[float(parallel.rank() + 1)]])).sum().backward()
    assert network.weight.grad is not None
    assert network.weight.grad.item() == (parallel.world_size() + 1) / 2
    batch = torch.arange(14.0).reshape(7, 2)
    assert torch.equal(parallel.gather(batch[parallel.share()], 7), batch)


def check_training(folder: Path) -> None:
    """Each process trains on its share of every batch, and all end with the same network."""
    images = share(folder)
    fitted, asked = train(images)
    everything: list[list[int]] = [[] for _ in range(parallel.world_size())]
    torch.distributed.all_gather_object(everything, asked)
    # Two epochs have five batches of five images.
    counts = [len(range(5)[rank :: parallel.world_size()]) for rank in range(parallel.world_size())]
    assert [len(numbers) for numbers in everything] == [10 * count for count in counts]
    for epoch in range(2):
        shares = [
            number
            for numbers, count in zip(everything, counts, strict=True)
            for number in numbers[5 * count * epoch :][: 5 * count]
        ]
        assert sorted(shares) == list(range(IMAGES))
    state = fitted.network.state_dict()
    firsts = parallel.from_first(lambda: state)
    assert all(torch.equal(firsts[name], own) for name, own in state.items())
    check_resuming(images, folder, state)
    if parallel.is_first():
        losses = [epoch.train_loss for epoch in fitted.history]
        torch.save({"state": state, "losses": losses}, folder / "trained.pt")


def check_resuming(images: NDArray[np.uint8], folder: Path, state: dict[str, torch.Tensor]) -> None:
    """One process writes checkpoints, and all continue from them, whatever is on their own disks."""
    checkpoint = Checkpoint(folder / f"checkpoints-{parallel.rank()}" / "seed-0.pt", {})

    def interrupt(_: Epoch) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(images, checkpoint, interrupt)
    assert checkpoint.path.exists() == parallel.is_first()
    fitted, _ = train(images, checkpoint)
    assert [epoch.number for epoch in fitted.history] == [1, 2]
    assert all(torch.equal(state[name], own) for name, own in fitted.network.state_dict().items())


def check_threads() -> None:
    """No thread of the process group is left; at the interpreter's end it could abort the process."""
    tasks = Path("/proc/self/task")  # Linux only
    names = [(thread / "comm").read_text().strip() for thread in tasks.glob("*")]
    assert not [name for name in names if "gloo" in name], names


def main(folder: Path) -> None:
    """Check what the processes share."""
    with parallel.processes():
        print("printed by the first process only")
        rank, size = parallel.rank(), parallel.world_size()
        assert parallel.mean(torch.tensor(float(rank))) == (size - 1) / 2
        assert parallel.hosts() == size // int(os.environ["LOCAL_WORLD_SIZE"])
        check_errors()
        check_agreement()
        check_batch()
        check_training(folder)
        (folder / f"done-{rank}").touch()
    assert parallel.world_size() == 1
    check_threads()


if __name__ == "__main__":
    main(Path(sys.argv[1]))

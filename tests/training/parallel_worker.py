"""The program that test_parallel.py runs in each process; its argument is a shared folder."""

import sys
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
from training.model.fitting import fit

IMAGES = 25


class Recorder(PixelView):
    """Records the indices of the images that are read."""

    asked: list[int]

    def __getitem__(self, chosen: slice | NDArray[np.integer[Any]]) -> NDArray[np.uint8]:
        if not isinstance(chosen, slice):
            self.asked = [*getattr(self, "asked", []), *chosen.tolist()]
        return super().__getitem__(chosen)


def share(folder: Path) -> NDArray[np.uint8]:
    """The first process creates an array of images, and all processes can read it."""

    def make() -> tuple[int, NDArray[np.uint8]]:
        store = np.lib.format.open_memmap(folder / "pixels.npy", "w+", np.uint8, (IMAGES, 1, 40, 40))
        store[:] = np.random.default_rng(0).integers(0, 255, store.shape)
        return parallel.rank(), store

    maker, images = parallel.from_first(make)
    assert maker == 0
    assert isinstance(images, np.memmap)
    return images


def check_errors() -> None:
    """An error in the first process is raised in all of them."""

    def refuse() -> None:
        raise TrainingError("no data")

    with pytest.raises(TrainingError, match="no data"):
        parallel.from_first(refuse)


def check_gradients() -> None:
    """Gradients are the mean over the processes."""
    network = torch.nn.Linear(1, 1, bias=False)
    shared = parallel.distribute(network, torch.device("cpu"))
    shared(torch.tensor([[float(parallel.rank() + 1)]])).sum().backward()
    assert network.weight.grad is not None
    assert network.weight.grad.item() == 1.5


def check_training(images: NDArray[np.uint8]) -> None:
    """Each process trains on its share of every batch, and all end with the same network."""
    labels = np.arange(IMAGES) % 5
    train = Labelled(Recorder(images, np.arange(IMAGES)), labels)
    validation = Labelled(PixelView(images, np.arange(IMAGES)), labels)
    parameters = Hyperparameters(epochs=2, batch_size=5, width=4)
    fitted = fit(load_task("mammography-views"), train, validation, parameters, 0)
    asked = train.pixels.asked  # type: ignore[attr-defined]
    (Path(sys.argv[1]) / f"{parallel.rank()}.asked").write_text(" ".join(map(str, asked)))
    torch.distributed.barrier()
    everything = [
        list(map(int, (Path(sys.argv[1]) / f"{rank}.asked").read_text().split())) for rank in range(2)
    ]
    # Of each batch of five images one process takes three, the other two; two epochs have five batches each.
    assert [len(numbers) for numbers in everything] == [30, 20]
    for epoch in range(2):
        halves = everything[0][15 * epoch :][:15] + everything[1][10 * epoch :][:10]
        assert sorted(halves) == list(range(IMAGES))
    # On CPUs each process has its own batch-norm statistics, so only parameters are compared.
    firsts = parallel.from_first(lambda: dict(fitted.network.named_parameters()))
    assert all(torch.equal(firsts[name], own) for name, own in fitted.network.named_parameters())


def check_threads() -> None:
    """No thread of the process group is left; at the interpreter's end it could abort the process."""
    tasks = Path("/proc/self/task")  # Linux only
    names = [(thread / "comm").read_text().strip() for thread in tasks.glob("*")]
    assert not [name for name in names if "gloo" in name], names


with parallel.processes():
    print("printed by the first process only")
    assert parallel.mean(torch.tensor(float(parallel.rank()))) == 0.5
    check_errors()
    check_gradients()
    check_training(share(Path(sys.argv[1])))
    (Path(sys.argv[1]) / str(parallel.rank())).write_text("done")
assert parallel.world_size() == 1
check_threads()

"""Training in several processes, one for each GPU, which `torchrun` starts on one machine.

Without `torchrun` there is one process, the first, and nothing here has an effect.
"""

import copyreg
import gc
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, redirect_stdout
from datetime import timedelta
from importlib import import_module
from mmap import mmap
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from torch import distributed, nn
from torch.nn.parallel import DistributedDataParallel

from training.errors import TrainingError

T = TypeVar("T")

PATIENCE = timedelta(hours=12)
"""How long the other processes wait for the first, which alone prepares the data and validates."""


def launched() -> bool:
    """Whether `torchrun` started this process."""
    return distributed.is_torchelastic_launched()


def rank() -> int:
    """The number of this process; the first is 0."""
    return distributed.get_rank() if distributed.is_initialized() else 0


def world_size() -> int:
    """How many processes train together."""
    return distributed.get_world_size() if distributed.is_initialized() else 1


def is_first() -> bool:
    """Whether this process is the one that prints, validates and writes."""
    return rank() == 0


def local_rank() -> int:
    """The number of this process's GPU."""
    return int(os.environ.get("LOCAL_RANK", "0")) if distributed.is_initialized() else 0


@contextmanager
def processes() -> Iterator[None]:
    """Join the other processes that `torchrun` started, if it did; only the first one prints.

    Raises:
        TrainingError: if they run on more than one machine.
    """
    if not launched():
        yield
        return
    if os.environ["LOCAL_WORLD_SIZE"] != os.environ["WORLD_SIZE"]:
        raise TrainingError("Training runs on one machine; start torchrun with --nnodes 1.")
    on_gpus = torch.cuda.is_available()
    if on_gpus:
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    # This module binds the default group as a default argument. Torch imports it when a network is
    # distributed; then the group's threads outlive the group, and can abort the process at exit.
    import_module("torch.distributed.nn")
    distributed.init_process_group("nccl" if on_gpus else "gloo", timeout=PATIENCE)
    try:
        with Path(os.devnull).open("w") as nowhere, nullcontext() if is_first() else redirect_stdout(nowhere):
            yield
    finally:
        # Networks hold references to the group, and are in reference cycles.
        gc.collect()
        distributed.destroy_process_group()


def from_first(make: Callable[[], T]) -> T:
    """Call `make` in the first process only; all return its result, or raise its `TrainingError`."""
    if world_size() == 1:
        return make()
    outcome: list[Any] = [None]
    if is_first():
        try:
            outcome = [make()]
        except TrainingError as error:
            outcome = [error]
    distributed.broadcast_object_list(outcome)
    if isinstance(outcome[0], TrainingError):
        raise outcome[0]
    result: T = outcome[0]
    return result


def mean(value: torch.Tensor) -> float:
    """The mean of one number per process."""
    if world_size() > 1:
        distributed.all_reduce(value)
    return value.item() / world_size()


def distribute(network: nn.Module, device: torch.device) -> nn.Module:
    """The network with its gradients averaged over the processes; its parameters stay the same objects."""
    if world_size() == 1:
        return network
    if device.type == "cuda":
        # A share of a batch is too small for its own statistics. (Torch can share them between GPUs only.)
        network = nn.SyncBatchNorm.convert_sync_batchnorm(network)  # type: ignore[no-untyped-call]
    return DistributedDataParallel(network, device_ids=[device.index] if device.type == "cuda" else None)


def _reopen(array: "np.memmap[Any, Any]") -> str | tuple[Any, ...]:
    """How to pickle a memory-mapped array: by the name of its file, which other processes can read."""
    if isinstance(array.base, mmap):
        return np.memmap, (array.filename, array.dtype, "r", array.offset, array.shape)
    return np.asarray(array).__reduce__()


copyreg.pickle(np.memmap, _reopen)

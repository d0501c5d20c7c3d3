"""Training in several processes, which `torchrun` starts on one or several hosts; see `training.launch`.

Without `torchrun` there is one process, the first, and nothing here has an effect.
"""

import copyreg
import gc
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, redirect_stdout
from dataclasses import dataclass
from datetime import timedelta
from importlib import import_module
from mmap import mmap
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from torch import distributed, nn
from torch.nn.parallel import DistributedDataParallel

from training.core.hosts import ALONE, Hosts
from training.errors import TrainingError

T = TypeVar("T")

PATIENCE = timedelta(hours=12)
"""How long the other processes wait for the first, which alone prepares the data and validates."""


CLOSED = "Connection closed by peer"
"""What gloo says when another process has ended."""


@dataclass(frozen=True)
class _Groups:
    """Groups of processes that exchange objects."""

    host: Any
    """The processes of this host."""
    leaders: Any
    """The first process of each host."""
    hosts: int


_groups: list[_Groups] = []
"""One entry while several processes are joined."""


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


def share() -> slice:
    """Which images of a batch are this process's."""
    return slice(rank(), None, world_size())


def hosts() -> int:
    """On how many hosts the processes run."""
    return _groups[0].hosts if _groups else 1


def local_rank() -> int:
    """The number of this process's GPU."""
    return int(os.environ.get("LOCAL_RANK", "0")) if distributed.is_initialized() else 0


@contextmanager
def processes() -> Iterator[None]:
    """Join the other processes that `torchrun` started, if it did; only the first one prints.

    Raises:
        TrainingError: if another process ends while this one still depends on it.
    """
    if not launched():
        yield
        return
    on_gpus = torch.cuda.is_available()
    if on_gpus:
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    # This module binds the default group as a default argument. Torch imports it when a network is
    # distributed; then the group's threads outlive the group, and can abort the process at exit.
    import_module("torch.distributed.nn")
    # Objects and images are exchanged in the memory of the CPU.
    distributed.init_process_group("cpu:gloo,cuda:nccl" if on_gpus else "gloo", timeout=PATIENCE)
    _groups.append(_make_groups(int(os.environ["LOCAL_WORLD_SIZE"])))
    try:
        with Path(os.devnull).open("w") as nowhere, nullcontext() if is_first() else redirect_stdout(nowhere):
            yield
    except RuntimeError as error:
        if CLOSED not in str(error):
            raise
        raise TrainingError(
            "Another process of this training has failed: its host's log says why."
        ) from error
    finally:
        # Networks hold references to the group, and are in reference cycles.
        _groups.clear()
        gc.collect()
        distributed.destroy_process_group()


def _make_groups(processes: int) -> _Groups:
    """The groups of a process, for hosts with this many processes each. All processes create all groups."""
    firsts = range(0, world_size(), processes)
    own = [distributed.new_group(list(range(first, first + processes)), backend="gloo") for first in firsts]
    leaders = distributed.new_group(list(firsts), backend="gloo")
    return _Groups(own[rank() // processes], leaders, len(firsts))


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


def from_first_of_host(make: Callable[[], T]) -> T:
    """Call `make` in the first process of each host; the others of the host get its result or TrainingError.

    Hosts share no disk, so what `make` stores can only be read on its own host. A host on which it fails
    ends, and with it the training.
    """
    if not _groups:
        return make()
    outcome: list[Any] = [None]
    if local_rank() == 0:
        try:
            outcome = [make()]
        except TrainingError as error:
            outcome = [error]
    first = rank() - local_rank()
    distributed.broadcast_object_list(outcome, src=first, group=_groups[0].host)
    if isinstance(outcome[0], TrainingError):
        raise outcome[0]
    result: T = outcome[0]
    return result


def reading_hosts() -> Hosts:
    """The hosts, for the first process of each, which reads the images of its host."""
    if not _groups:
        return ALONE
    return Hosts(rank() // int(os.environ["LOCAL_WORLD_SIZE"]), _groups[0].hosts, _gather_from_hosts)


def _gather_from_hosts(own: Any) -> list[Any]:
    everything: list[Any] = [None] * _groups[0].hosts
    distributed.all_gather_object(everything, own, group=_groups[0].leaders)
    return everything


def agree(value: str, problem: str) -> None:
    """Make sure that all processes have the same value.

    Raises:
        TrainingError: with the problem, in all of them, if they have not.
    """
    if _groups:
        values: list[Any] = [None] * world_size()
        distributed.all_gather_object(values, value)
        if len(set(values)) > 1:
            raise TrainingError(problem)


def gather(own: torch.Tensor, total: int) -> torch.Tensor:
    """The whole batch of `total` images, in memory of the CPU, from each process's `share` of it."""
    size = -(-total // world_size())
    padded = own.new_zeros(size, *own.shape[1:])
    padded[: len(own)] = own
    shares = [torch.empty_like(padded) for _ in range(world_size())]
    distributed.all_gather(shares, padded)
    return torch.stack(shares, 1).flatten(0, 1)[:total]


def mean(value: torch.Tensor) -> float:
    """The mean of one number per process."""
    return average(value).item()


def average(value: torch.Tensor) -> torch.Tensor:
    """The mean over all processes, without gradients."""
    if world_size() == 1:
        return value
    total = value.detach().clone()
    distributed.all_reduce(total)
    return total / world_size()


def distribute(network: nn.Module, device: torch.device) -> nn.Module:
    """The network with its gradients averaged over the processes; its parameters stay the same objects."""
    if world_size() == 1:
        return network
    return DistributedDataParallel(network, device_ids=[device.index] if device.type == "cuda" else None)


def _reopen(array: "np.memmap[Any, Any]") -> str | tuple[Any, ...]:
    """How to pickle a memory-mapped array: by the name of its file, which other processes can read."""
    if isinstance(array.base, mmap):
        return np.memmap, (array.filename, array.dtype, "r", array.offset, array.shape)
    return np.asarray(array).__reduce__()


copyreg.pickle(np.memmap, _reopen)

"""What is kept of a training after every epoch, so that an interruption costs one epoch at most."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from chalicelib.retraining.hyperparameters import Hyperparameters
from chalicelib.tasks import Task
from training.model import parallel

AFTER_TRAINING = frozenset({"num_seeds", "ensemble_size", "tta", "distance_quantile", "bootstrap", "weights"})
"""Hyper-parameters that change nothing in the training with one seed."""


@dataclass(frozen=True)
class Checkpoint:
    """The file that holds the state of one training."""

    path: Path
    run: Mapping[str, str | int | float]
    """All that shapes the training. Only the state of a training that was shaped by the same is taken up."""

    def save(self, state: Mapping[str, Any]) -> None:
        """Replace what the file holds; whoever reads it finds the old state or the new one, whole."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = self.path.with_suffix(f".{os.getpid()}.part")
        try:
            torch.save({"run": dict(self.run), "state": dict(state)}, unfinished)
            unfinished.replace(self.path)
        finally:
            unfinished.unlink(missing_ok=True)

    def load(self) -> dict[str, Any] | None:
        """The saved state, tensors on the CPU; None if there is none of this training, and why is printed."""
        if not self.path.exists():
            return None
        try:
            content = torch.load(self.path, map_location="cpu", weights_only=True)
            run, state = content["run"], content["state"]
        except Exception:  # on other files the reader raises whatever it stumbles over
            print(f"starting anew: {self.path} is no checkpoint", flush=True)
            return None
        for name in (*self.run, *run):
            if run.get(name) != self.run.get(name):
                was, is_ = run.get(name), self.run.get(name)
                print(
                    f"starting anew: {self.path} is of another run ({name} was {was}, is {is_})", flush=True
                )
                return None
        found: dict[str, Any] = state
        return found

    def remove(self) -> None:
        """Forget the state."""
        self.path.unlink(missing_ok=True)


def open_checkpoints(
    folder: Path, task: Task, parameters: Hyperparameters, fingerprint: str, start_from: str
) -> dict[int, Checkpoint]:
    """The checkpoint of each training of a run, by its seed.

    Args:
        folder: that holds them.
        task: whose input and augmentation shape the training.
        parameters: of the run.
        fingerprint: of the data and their split.
        start_from: the name of the weights to start from.
    """
    run = {
        **{name: value for name, value in parameters.to_dict().items() if name not in AFTER_TRAINING},
        "task": task.name,
        "input": str(task.input),
        "augmentation": str(task.augmentation),
        "data": fingerprint,
        "start_from": start_from,
        "torch": str(torch.__version__),  # a class of its own, which weights_only refuses
        "processes": parallel.world_size(),
    }
    seeds = range(parameters.seed, parameters.seed + parameters.num_seeds)
    return {seed: Checkpoint(folder / f"seed-{seed}.pt", {**run, "seed": seed}) for seed in seeds}

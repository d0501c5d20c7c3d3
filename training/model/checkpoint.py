"""Checkpoints: the state of a training after every epoch, so that an interruption costs at most one epoch."""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from chalicelib.hyperparameters import CROSS_VALIDATION, Hyperparameters
from chalicelib.tasks import Task
from training.model import parallel
from training.model.progress import Epoch

HISTORY = "epochs-"
"""Beginning of the names of the files with all epochs of one training; then follows its seed."""
AFTER_TRAINING = frozenset({
    "num_seeds", "ensemble_size", "ensemble_average", "tta", "distance_quantile", "bootstrap", "weights",
})  # fmt: skip
"""Hyper-parameters without influence on the training with one seed."""


@dataclass(frozen=True)
class Checkpoint:
    """The file with the state of one training."""

    path: Path
    run: Mapping[str, str | int | float]
    """Everything that the training depends on. A state is loaded only if all of it is equal."""

    def save(self, state: Mapping[str, Any]) -> None:
        """Replace the content of the file atomically."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = self.path.with_suffix(f".{os.getpid()}.part")
        try:
            torch.save({"run": dict(self.run), "state": dict(state)}, unfinished)
            unfinished.replace(self.path)
        finally:
            unfinished.unlink(missing_ok=True)

    def save_history(self, epochs: Sequence[Epoch]) -> None:
        """Write all epochs so far beside the file, for people to follow: SageMaker copies it to S3."""
        path = self.path.with_name(f"{HISTORY}{self.path.stem.rpartition('-')[2]}.json")
        path.write_text(json.dumps([asdict(epoch) for epoch in epochs]), encoding="utf-8")

    def load(self) -> dict[str, Any] | None:
        """The saved state, tensors on the CPU; None, and a line says why, if there is none of this run."""
        if not self.path.exists():
            return None
        try:
            content = torch.load(self.path, map_location="cpu", weights_only=True)
            run, state = content["run"], content["state"]
        except Exception:  # the reader raises many kinds of exceptions on other files
            print(f"starting from scratch: {self.path} is not a checkpoint", flush=True)
            return None
        for name in (*self.run, *run):
            if run.get(name) != self.run.get(name):
                was, is_ = run.get(name), self.run.get(name)
                print(
                    f"starting from scratch: {self.path} is of another run ({name} was {was}, is {is_})",
                    flush=True,
                )
                return None
        found: dict[str, Any] = state
        return found

    def remove(self) -> None:
        """Delete the file."""
        self.path.unlink(missing_ok=True)


def open_checkpoints(
    folder: Path, task: Task, parameters: Hyperparameters, fingerprint: str, start_from: str
) -> dict[int, Checkpoint]:
    """The checkpoint of each training of a run, by its seed.

    Args:
        folder: of the files.
        task: whose input and augmentation apply.
        parameters: of the run.
        fingerprint: of the data and their split.
        start_from: the name of the starting weights; "" for random ones.
    """
    run = {
        **{name: value for name, value in parameters.to_dict().items() if name not in AFTER_TRAINING},
        "task": task.name,
        "input": str(task.input),
        "augmentation": str(task.augmentation),
        "data": fingerprint,
        "start_from": start_from,
        "torch": str(torch.__version__),  # its class is refused by weights_only
        "processes": parallel.world_size(),
    }
    checkpoints = {}
    for number in range(parameters.num_seeds):
        seed = parameters.seed + number
        # With another first seed, the same seed would have another fold.
        fold = {"fold": number} if parameters.validation == CROSS_VALIDATION else {}
        checkpoints[seed] = Checkpoint(folder / f"seed-{seed}.pt", {**run, "seed": seed, **fold})
    return checkpoints

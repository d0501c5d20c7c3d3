"""A model package on disk: the ONNX graph, what is known about it, and proof that the two belong together."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from chalicelib.errors import InvalidModelPackage
from chalicelib.tasks import Task, load_task

BUNDLED_MODELS = Path(__file__).parent
"""Holds a folder for each task with a bundled model, beside the modules of this package."""


@dataclass(frozen=True)
class ModelPackage:
    """One trained model for one task."""

    folder: Path
    facts: Mapping[str, Any]
    """The content of model.json."""

    @classmethod
    def load(cls, folder: Path) -> "ModelPackage":
        """Read and verify the package in `folder`.

        Raises:
            InvalidModelPackage: if a part is missing, or the graph is not the one model.json speaks of.
        """
        try:
            facts = json.loads((folder / "model.json").read_text(encoding="utf-8"))
            graph = (folder / "model.onnx").read_bytes()
        except (OSError, ValueError) as error:
            raise InvalidModelPackage(f"The model package {folder.name} cannot be read: {error}") from error
        package = cls(folder, facts)
        missing = [key for key in _REQUIRED if key not in facts]
        if missing:
            raise InvalidModelPackage(f"model.json of {folder.name} lacks {', '.join(missing)}.")
        if hashlib.sha256(graph).hexdigest() != package.sha256:
            raise InvalidModelPackage(
                f"model.onnx of {folder.name} is not the file that model.json describes (sha256 differs). "
                "Copy both from the same training run."
            )
        return package

    def check_classes(self, task: Task) -> None:
        """Make sure that this is a model for `task`.

        Raises:
            InvalidModelPackage: if it was trained for other classes.
        """
        if self.classes != task.class_names:
            raise InvalidModelPackage(
                f"The model of {task.name} was trained for other classes than its task file lists. "
                "Train it anew."
            )

    @property
    def task(self) -> Task:
        """The task it was trained for, as its file describes it now.

        Raises:
            InvalidModelPackage: if there is no such task any more, or it has other classes by now.
        """
        try:
            task = load_task(self.facts["task"])
        except KeyError as error:
            raise InvalidModelPackage(
                f"The model was trained for the task {error}, which has no file."
            ) from error
        self.check_classes(task)
        return task

    @property
    def graph_path(self) -> Path:
        """The ONNX file."""
        return self.folder / "model.onnx"

    @cached_property
    def classes(self) -> tuple[str, ...]:
        """Class names in the order of the model's outputs."""
        return tuple(self.facts["classes"])

    @property
    def version(self) -> str:
        """What people call this model by."""
        return str(self.facts["version"])

    @property
    def sha256(self) -> str:
        """Hexadecimal digest of the graph."""
        return str(self.facts["sha256"])

    @property
    def distance_threshold(self) -> float:
        """Images further than this from everything seen in training are unfamiliar."""
        return float(self.facts["thresholds"]["distance"])


_REQUIRED = ("task", "classes", "version", "created_at", "sha256", "thresholds", "metrics")


def bundled_package(task: str, models: Path = BUNDLED_MODELS) -> ModelPackage | None:
    """The package that ships with the application for `task`, if there is one.

    Raises:
        InvalidModelPackage: if there is one but it is broken.
    """
    folder = models / task
    return ModelPackage.load(folder) if (folder / "model.json").is_file() else None

"""A model package on disk: an ONNX graph, and model.json with facts about it and its digest."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from chalicelib.errors import InvalidModelPackage
from chalicelib.models.thresholds import Thresholds
from chalicelib.tasks import Task, load_task

BUNDLED_MODELS = Path(__file__).parent
"""Has a folder for each task with a bundled model, beside the modules of this package."""


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
            InvalidModelPackage: if a part is missing, or the graph is not the one that model.json describes.
        """
        try:
            facts = json.loads((folder / "model.json").read_text(encoding="utf-8"))
            with (folder / "model.onnx").open("rb") as graph:
                digest = hashlib.file_digest(graph, "sha256").hexdigest()
        except (OSError, ValueError) as error:
            raise InvalidModelPackage(f"The model package {folder.name} cannot be read: {error}") from error
        package = cls(folder, facts)
        missing = [key for key in _REQUIRED if key not in facts]
        if missing:
            raise InvalidModelPackage(f"model.json of {folder.name} lacks {', '.join(missing)}.")
        if digest != package.sha256:
            raise InvalidModelPackage(
                f"model.onnx of {folder.name} is not the file that model.json describes (sha256 differs). "
                "Copy both from the same training run."
            )
        return package

    def check_fits(self, task: Task) -> None:
        """Make sure that this is a model for `task`.

        Raises:
            InvalidModelPackage: if it was trained for other classes, or takes other images.
        """
        if misfit := describe_misfit(self.facts, task):
            raise InvalidModelPackage(f"The model of {task.name} {misfit}. Train it again.")

    @property
    def task(self) -> Task:
        """The task it was trained for, as its file describes it now.

        Raises:
            InvalidModelPackage: if the task does not exist any more, or has other classes or input now.
        """
        try:
            task = load_task(self.facts["task"])
        except KeyError as error:
            raise InvalidModelPackage(
                f"The model was trained for the task {error}, which has no file."
            ) from error
        self.check_fits(task)
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
        """The name of this version."""
        return str(self.facts["version"])

    @property
    def sha256(self) -> str:
        """Hexadecimal digest of the graph."""
        return str(self.facts["sha256"])

    @property
    def thresholds(self) -> Thresholds:
        """The thresholds of the review rule."""
        return Thresholds.of(self.facts["thresholds"])


_REQUIRED = ("task", "classes", "version", "created_at", "sha256", "thresholds", "metrics")


def describe_misfit(facts: Mapping[str, Any], task: Task) -> str | None:
    """Why a model with this model.json cannot classify for `task` as it is now; None if it can."""
    if tuple(facts.get("classes", ())) != task.class_names:
        return "was trained for other classes than those in the task file"
    taken, prepared = facts.get("input"), asdict(task.input)
    if taken in (None, prepared):
        return None
    return f"takes {_describe_input(taken)}, but the task file asks for {_describe_input(prepared)}"


def _describe_input(spec: Mapping[str, Any]) -> str:
    kind = {1: "grey", 3: "colour"}.get(spec.get("channels", 0), "other")
    return f"{kind} images of {spec.get('width')} x {spec.get('height')} pixels (fit: {spec.get('fit')})"


def bundled_package(task: str, models: Path = BUNDLED_MODELS) -> ModelPackage | None:
    """The package that ships with the application for `task`, if there is one.

    Raises:
        InvalidModelPackage: if it is damaged.
    """
    folder = models / task
    return ModelPackage.load(folder) if (folder / "model.json").is_file() else None

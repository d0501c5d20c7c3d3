"""The test part as files for a batch transform job, and the answers of the job."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chalicelib.models.thresholds import Thresholds
from chalicelib.tasks import Task
from training.core.arrays import Ints
from training.data.dataset import Record
from training.data.manifest import MANIFEST, read_manifest
from training.data.pixels import PixelView
from training.data.storage import Storage
from training.data.streaming import StreamedImages
from training.errors import TrainingError
from training.evaluation.answers import OUTPUTS, Answers, read_outputs

ARRAYS = "test"
"""Folder beside the manifest with the arrays of the test part, named by the digests of their images."""


@dataclass(frozen=True)
class HeldOut:
    """The test part of a preparation, on which a candidate is evaluated."""

    records: tuple[Record, ...]
    digests: tuple[str, ...]
    """SHA-256 of each image's file, in hexadecimal."""
    pixels: PixelView
    """Shape (N, channels, height, width); read when needed, because many exceed the memory."""

    @property
    def labels(self) -> Ints:
        """The true classes, shape (N,)."""
        return np.array([record.label for record in self.records], np.int64)

    @property
    def groups(self) -> list[str]:
        """The group (patient) of each image."""
        return [record.group for record in self.records]


def read_test_part(folder: Path, task: Task) -> HeldOut:
    """The test part of the preparation in `folder`.

    Raises:
        TrainingError: if the folder was not written by `training.prepare --arrays`, or is for another task.
    """
    label_of = {name: label for label, name in enumerate(task.class_names)}
    rows = [row for row in read_manifest(Storage(), str(folder / MANIFEST)) if row.part == "test"]
    paths = [folder / ARRAYS / f"{row.sha256}.npy" for row in rows]
    try:
        for path in paths:
            path.stat()
        records = [
            Record(row.path, label_of[row.class_name], row.group, row.attributes, row.part) for row in rows
        ]
    except (OSError, KeyError) as error:
        raise TrainingError(f"'{folder}' holds no prepared test part for {task.name}: {error}") from error
    digests = [row.sha256 for row in rows]
    images = StreamedImages(Storage(), list(map(str, paths)), list(map(bytes.fromhex, digests)), task.input)
    return HeldOut(tuple(records), tuple(digests), PixelView(images, np.arange(len(rows))))


def read_answers(folder: Path, part: HeldOut, task: Task, model: dict[str, Any]) -> Answers:
    """The answers of a transform job for the images of a test part, in their order.

    Args:
        folder: the output of the job: a DIGEST.npy.out for each array.
        part: the input of the job.
        task: whose review rule applies.
        model: the content of the model.json of the package that the job should have used.

    Raises:
        TrainingError: if an answer is missing, damaged, or of another model.
    """
    found = [_read_answer(folder / f"{digest}.npy.out", model) for digest in part.digests]
    outputs = {name: np.concatenate([answer[name] for answer in found]) for name in OUTPUTS}
    if outputs["probabilities"].shape != (len(found), len(task.classes)):
        raise TrainingError(f"The transform job's answers are for other classes than {task.name} has.")
    return read_outputs(outputs, task, Thresholds.of(model["thresholds"]))


def _read_answer(path: Path, model: dict[str, Any]) -> dict[str, NDArray[np.float32]]:
    try:
        answer = json.loads(path.read_text(encoding="utf-8"))
        digest = answer["model"]["sha256"]
        arrays = {name: np.array(answer[name], np.float32) for name in OUTPUTS}
    except FileNotFoundError:
        raise TrainingError(
            f"The transform job has no answer for {path.name.removesuffix('.out')}. See its log."
        ) from None
    except (OSError, KeyError, ValueError, TypeError) as error:
        raise TrainingError(f"The transform job's answer {path.name} cannot be read: {error}") from error
    if digest != model["sha256"]:
        raise TrainingError(f"{path.name} is an answer of a different model than {model['version']}.")
    return arrays

"""The test images that the current model was not trained on: only these allow a fair comparison."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from chalicelib.tasks import Task
from training.core.facts import Facts
from training.data.dataset import Record
from training.data.manifest import MANIFEST, read_manifest
from training.data.parts import fingerprint
from training.data.split import split_as_given
from training.data.storage import Storage
from training.errors import TrainingError
from training.evaluation.provenance import find_parts
from training.evaluation.transform import HeldOut

RETRAINING = "retraining"
"""The origin of models that were trained without the images of this stage's test part."""


@dataclass(frozen=True)
class Evidence:
    """The images of a comparison."""

    rows: NDArray[np.intp]
    """Indices of the test images in the comparison."""
    remark: str
    """A remark on the other test images; "" without any."""


def find_evidence(model: Facts, origin: str, folder: Path, part: HeldOut, task: Task) -> Evidence:
    """The test images that a model was not trained on.

    Args:
        model: the content of the model.json of the current model.
        origin: of the model, as in its record in the registry; "" if unknown.
        folder: of the preparation.
        part: its test part.
        task: of the model.
    """
    every = np.arange(len(part.records))
    if origin == RETRAINING:
        return Evidence(every, "")
    parts = _parts(model, folder, task)
    if parts is None:
        return Evidence(
            every,
            "It is unknown whether the current model was trained on some of these test images; if it was, it "
            "looks better than it is.",
        )
    unseen = np.flatnonzero([parts.get(digest, "test") == "test" for digest in part.digests])
    seen = len(every) - len(unseen)
    if not seen:
        return Evidence(every, "")
    if not len(unseen):
        return Evidence(
            every, "The current model was trained on all of these test images, so it looks better than it is."
        )
    return Evidence(
        unseen,
        f"The current model was trained on {seen} of the {len(every)} test images; they are not in the "
        "comparison.",
    )


def _parts(model: Facts, folder: Path, task: Task) -> dict[str, str] | None:
    """The part of each image in a model's training, by its digest; None if it was trained on other images."""
    label_of = {name: label for label, name in enumerate(task.class_names)}
    rows = [row for row in read_manifest(Storage(), str(folder / MANIFEST)) if row.class_name in label_of]
    records = [Record(row.path, label_of[row.class_name], row.group, given=row.part) for row in rows]
    digests = [bytes.fromhex(row.sha256) for row in rows]
    try:
        own = split_as_given(records, digests, task.class_names)
        if fingerprint(records, digests, own) == model["data"]["fingerprint"]:
            return {row.sha256: row.part for row in rows}
    except (TrainingError, KeyError):
        pass
    parts = find_parts(model, records, digests, task.class_names)
    return None if parts is None else dict(zip((row.sha256 for row in rows), parts, strict=True))

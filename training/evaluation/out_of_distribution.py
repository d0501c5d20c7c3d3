"""Out-of-distribution (OOD) images: those of other tasks, as counterexamples and to test the distance on."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from chalicelib.tasks import Task, load_tasks
from training.core.arrays import Floats
from training.data.parts import Part
from training.data.pixels import Images, prepare_images
from training.data.preparation import PreparedData, prepare_data
from training.data.sources import dataset_folders
from training.data.storage import Storage
from training.errors import TrainingError
from training.model.candidate import Candidate
from training.model.graph import open_session, run

MAX_IMAGES = 500
"""Of each part of another task; more would not change the second digit."""


@dataclass(frozen=True)
class OODImages:
    """Images of another task, prepared for the model of this task."""

    name: str
    train: Images
    """From the train part of the other task; used as counterexamples."""
    test: Images


def measure_ood(
    graph: Path, threshold: float, in_distribution: Floats, kinds: Sequence[OODImages]
) -> dict[str, Any]:
    """How well the distance of a graph separates OOD images, as `metrics.unfamiliar` in model.json.

    Args:
        graph: the exported model.
        threshold: distance above which an image counts as out-of-distribution.
        in_distribution: distances of the task's own test images, shape (N,).
        kinds: OOD images, of which the test parts are measured.

    Returns:
        By name of the kind: `images`, their number; `auroc`, the probability that the distance of one of them
        is larger than that of an image of the task; and `flagged`, their share above the threshold.
    """
    session = open_session(graph)
    measured = {}
    for kind in kinds:
        distances = run(session, kind.test)["distance"].astype(np.float64)
        measured[kind.name] = {
            "images": len(distances),
            "auroc": _auroc(in_distribution, distances),
            "flagged": float((distances > threshold).mean()),
        }
    return measured


def measure_held_out_ood(candidate: Candidate, own: Images, kinds: Sequence[OODImages]) -> dict[str, float]:
    """AUROC by name of the kind if that kind is held out of the counterexamples.

    This is the AUROC to expect for other kinds of images.

    Args:
        candidate: a model whose counterexamples were the train parts of `kinds`, in this order.
        own: test images of the task.
        kinds: OOD images.
    """
    return {
        kind.name: _auroc(
            candidate.distances_without(number, own), candidate.distances_without(number, kind.test)
        )
        for number, kind in enumerate(kinds)
    }


def _auroc(in_distribution: Floats, ood: Floats) -> float:
    """AUROC of the distances of OOD images against those of the task's own images."""
    from sklearn.metrics import roc_auc_score  # its import takes a second

    is_ood = np.repeat([False, True], [len(in_distribution), len(ood)])
    return float(roc_auc_score(is_ood, np.concatenate([in_distribution, ood])))


def load_ood_images(home: Path, task: Task, split_seed: int, workplace: Path) -> Iterator[OODImages]:
    """Yield images of each other task with images in `home`, unless `task` has a class for them.

    The parts are those of the other task's own training, so that starting weights from its train part have no
    influence on the test. A data set that does not allow a split is skipped.

    Args:
        home: folder with the folders of labelled images of each task.
        task: whose images are left out, and whose input applies.
        split_seed: of the other data sets' splits.
        workplace: folder for large arrays, which must exist while the images are used.
    """
    for other in load_tasks().values():
        folders = dataset_folders(str(home), other.name)
        if other.name in (task.name, *task.covers) or not Path(folders[0]).is_dir():
            continue
        place = workplace / other.name
        place.mkdir()
        try:
            data = prepare_data(folders, other.name, other, split_seed, place)
        except TrainingError as error:
            print(f"{other.name} is not used as out-of-distribution data: {error}", flush=True)
            continue

        def load(part: Part, data: PreparedData = data, place: Path = place) -> Images:
            chosen = np.random.default_rng(split_seed).permutation(data.parts[part])[:MAX_IMAGES]
            records = [data.records[index] for index in sorted(chosen.tolist())]
            return prepare_images(Storage(), data.folder, records, task.input, place / f"{part}.npy").view()

        yield OODImages(other.name, load("train"), load("test"))

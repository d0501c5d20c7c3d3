"""Images that are none of the task's kind: some to learn from, others to test the distance on."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.metrics import roc_auc_score

from chalicelib.tasks import Task, load_tasks
from training.data.pixels import Images, prepare_images
from training.data.preparation import PreparedData, prepare_data
from training.data.split import Part
from training.data.storage import Storage
from training.errors import TrainingError
from training.evaluation.bootstrap import Floats
from training.model.candidate import Candidate
from training.model.export import open_session, run

MAX_IMAGES = 500
"""Of each part of another kind; more would not change the second digit."""


@dataclass(frozen=True)
class OODImages:
    """Some images of another task, as this task's model takes them."""

    name: str
    train: Images
    """Of the part that the other task would train on; to show as counterexamples."""
    test: Images


def measure_ood(
    graph: Path, threshold: float, familiar: Floats, others: Sequence[OODImages]
) -> dict[str, Any]:
    """How well a graph's distance tells images of other kinds, as `metrics.unfamiliar` in model.json.

    Args:
        graph: the exported model.
        threshold: distance beyond which an image is called unfamiliar.
        familiar: distances of the test images of the right kind, shape (N,).
        others: images of other kinds, prepared for this graph; their test parts are asked.

    Returns:
        By name: how many `images`; `auroc`, the chance that one of them lies further away than one of the
        right kind; and `flagged`, the share of them beyond the threshold.
    """
    session = open_session(graph)
    measured = {}
    for other in others:
        distances = run(session, other.test)["distance"].astype(np.float64)
        measured[other.name] = {
            "images": len(distances),
            "auroc": _auroc(familiar, distances),
            "flagged": float((distances > threshold).mean()),
        }
    return measured


def measure_held_out_ood(candidate: Candidate, own: Images, others: Sequence[OODImages]) -> dict[str, float]:
    """How well each other kind would be told apart had it not been a counterexample: AUROC by name.

    Which is what to expect of a kind that nobody thought of.

    Args:
        candidate: a model whose counterexamples were the train parts of `others`, in this order.
        own: test images of the right kind.
        others: images of other kinds.
    """
    return {
        other.name: _auroc(
            candidate.distances_without(number, own), candidate.distances_without(number, other.test)
        )
        for number, other in enumerate(others)
    }


def _auroc(familiar: Floats, foreign: Floats) -> float:
    """The chance that an image of another kind lies further away than one of the right kind."""
    kinds = np.repeat([False, True], [len(familiar), len(foreign)])
    return float(roc_auc_score(kinds, np.concatenate([familiar, foreign])))


def load_ood_images(home: Path, task: Task, split_seed: int, workplace: Path) -> Iterator[OODImages]:
    """Some images of each other task with images in `home`, unless `task` has a class for them.

    The parts are those that the other task's own training would have, so that weights which have seen its
    train part cannot know its test part. A data set that does not allow a split is passed over.

    Args:
        home: folder with one folder of labelled images for each task.
        task: whose images are not wanted, and whose input is.
        split_seed: of the other data sets' splits.
        workplace: folder for large arrays, which must stay while the images are used.
    """
    for other in load_tasks().values():
        folder = home / other.name
        if other.name in (task.name, *task.covers) or not folder.is_dir():
            continue
        place = workplace / other.name
        place.mkdir()
        try:
            data = prepare_data(folder, other.name, other, split_seed, place)
        except TrainingError as error:
            print(f"{other.name} is not tried as another kind of image: {error}", flush=True)
            continue

        def load(part: Part, data: PreparedData = data, folder: Path = folder, place: Path = place) -> Images:
            chosen = np.random.default_rng(split_seed).permutation(data.parts[part])[:MAX_IMAGES]
            records = [data.records[index] for index in sorted(chosen.tolist())]
            return prepare_images(Storage(), str(folder), records, task.input, place / f"{part}.npy").view()

        yield OODImages(other.name, load("train"), load("test"))

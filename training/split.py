"""Who trains, who validates, who tests: no patient on two sides."""

import hashlib
from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Literal

import numpy as np
from sklearn.model_selection import StratifiedGroupKFold

from training.dataset import Record
from training.errors import TrainingError

Part = Literal["train", "validation", "test"]
PARTS: tuple[Part, ...] = ("train", "validation", "test")

FOLDS = 10
TEST_FOLDS = 2
VALIDATION_FOLDS = 1
"""Of ten folds of whole groups two test and one validates, so about 70 : 10 : 20."""


def split_by_group(
    records: Sequence[Record], digests: Sequence[str], class_names: Sequence[str], seed: int
) -> dict[Part, list[int]]:
    """Indices of `records` for each part; all images of a group in one part, classes in equal shares.

    The same contents, labels and groups with the same seed give the same split, in whatever order they come.

    Raises:
        TrainingError: if a class has too few groups to stand in all three parts.
    """
    _check_enough_groups(records, class_names)
    order = sorted(range(len(records)), key=lambda index: digests[index])
    labels = np.array([records[index].label for index in order])
    groups = np.array([records[index].group for index in order])
    folds = StratifiedGroupKFold(FOLDS, shuffle=True, random_state=seed).split(order, labels, groups)
    members = [[order[position] for position in held_out] for _, held_out in folds]
    parts: dict[Part, list[int]] = {
        "test": sorted(chain(*members[:TEST_FOLDS])),
        "validation": sorted(chain(*members[TEST_FOLDS : TEST_FOLDS + VALIDATION_FOLDS])),
        "train": sorted(chain(*members[TEST_FOLDS + VALIDATION_FOLDS :])),
    }
    assert_disjoint(records, parts)
    _check_all_classes(records, parts, class_names)
    return parts


def assert_disjoint(records: Sequence[Record], parts: Mapping[Part, Sequence[int]]) -> None:
    """Make sure that no group stands in two parts.

    Raises:
        TrainingError: naming how many do.
    """
    groups = [{records[index].group for index in members} for members in parts.values()]
    shared = sum(map(len, groups)) - len(set().union(*groups))
    if shared:
        raise TrainingError(
            f"{shared} groups (patients) stand in more than one of {', '.join(parts)}; the test would "
            "measure memory. Split by group."
        )


def fingerprint(
    records: Sequence[Record], digests: Sequence[str], parts: Mapping[Part, Sequence[int]]
) -> str:
    """SHA-256 over contents, labels, groups and parts; their order does not matter."""
    lines = sorted(
        f"{digests[index]} {records[index].label} {records[index].group} {part}"
        for part, members in parts.items()
        for index in members
    )
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def _check_enough_groups(records: Sequence[Record], class_names: Sequence[str]) -> None:
    for label, name in enumerate(class_names):
        count = len({record.group for record in records if record.label == label})
        if count < FOLDS:
            raise TrainingError(
                f"Class '{name}' has images of {count} groups (patients); at least {FOLDS} are needed to "
                "train, validate and test on different ones."
            )


def _check_all_classes(
    records: Sequence[Record], parts: Mapping[Part, Sequence[int]], class_names: Sequence[str]
) -> None:
    for part, members in parts.items():
        missing = set(range(len(class_names))) - {records[index].label for index in members}
        if missing:
            raise TrainingError(
                f"Class '{class_names[min(missing)]}' has no image in the {part} part: its images belong to "
                "too few groups. Add images of other patients, or try another --split-seed."
            )

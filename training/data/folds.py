"""Folds of whole groups, with the classes in about equal shares."""

import warnings
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import chain, islice

import numpy as np

from training.data.dataset import Record
from training.data.parts import PARTS, Part, check_parts, find_absent
from training.errors import TrainingError

FOLDS = 10
TEST_FOLDS = 2
VALIDATION_FOLDS = 1
"""Of ten folds of whole groups two are the test part and one is the validation part: about 70 : 10 : 20."""
MANY_GROUPS = 50_000
"""Above this number the split takes so long that a line announces it."""
MIN_GROUPS = len(PARTS)
"""Of each class: with fewer, a part would have none of its images."""


def check_enough_groups(records: Sequence[Record], class_names: Sequence[str]) -> None:
    """Make sure that every class has enough groups (patients) for all parts.

    Raises:
        TrainingError: naming a class that has too few.
    """
    groups: list[set[str]] = [set() for _ in class_names]
    for record in records:
        groups[record.label].add(record.group)
    for name, members in zip(class_names, groups, strict=True):
        if len(members) < MIN_GROUPS:
            raise TrainingError(
                f"Class '{name}' has images of {len(members)} groups (patients); at least {MIN_GROUPS} "
                "are needed for the train, validation and test part."
            )
    most = max(Counter(record.label for record in records).values())
    if most < FOLDS:
        raise TrainingError(f"No class has more than {most} images; at least {FOLDS} of one are needed.")


def ten_folds(
    records: Sequence[Record], members: Sequence[int], class_names: Sequence[str], seed: int
) -> list[list[int]]:
    """The indices in `members` in ten folds of whole groups, or in one for each of fewer groups.

    Raises:
        TrainingError: if a class has too few groups for all parts.
    """
    check_enough_groups([records[index] for index in members], class_names)
    groups = len({records[index].group for index in members})
    return stratified_folds(records, members, min(FOLDS, groups), seed)


def stratified_folds(
    records: Sequence[Record], members: Sequence[int], folds: int, seed: int
) -> list[list[int]]:
    """The indices in `members` in folds of whole groups, with the classes in about equal shares."""
    # Its import takes a second, and an evaluation splits nothing.
    from sklearn.model_selection import StratifiedGroupKFold

    labels = np.array([records[index].label for index in members])
    # Numbers in the order of the names: a million strings would fill the memory.
    names = sorted({records[index].group for index in members})
    number_of = {name: number for number, name in enumerate(names)}
    groups = np.array([number_of[records[index].group] for index in members])
    if len(number_of) > MANY_GROUPS:
        print(f"splitting {len(number_of)} groups: about a minute for each 100,000", flush=True)
    with warnings.catch_warnings():
        # It warns of classes with fewer images than folds; callers check that parts have every class.
        warnings.filterwarnings("ignore", "The least populated class", UserWarning)
        splitter = StratifiedGroupKFold(folds, shuffle=True, random_state=seed)
        held_out = [positions for _, positions in splitter.split(labels, labels, groups)]
    return [[members[position] for position in positions] for positions in held_out]


def deal(
    records: Sequence[Record], folds: list[list[int]], sizes: Mapping[Part, int], class_names: Sequence[str]
) -> dict[Part, list[int]]:
    """Assign the folds to parts in order, `sizes` of them to each part and the rest to the train part.

    A class with few groups is missing in some folds. The assignment starts at the first fold with which every
    part has every class.

    Raises:
        TrainingError: if there is no such fold.
    """
    for start in range(len(folds)):
        turned = iter(folds[start:] + folds[:start])
        parts: dict[Part, list[int]] = {
            part: sorted(chain(*islice(turned, size))) for part, size in sizes.items()
        }
        parts["train"] = sorted(chain(*turned))
        if find_absent(records, parts, class_names) is None:
            break
    check_parts(records, parts, class_names)
    return parts

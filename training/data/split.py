"""The split into train, validation and test part: all images of a patient are in one part."""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from itertools import chain, product

from training.data.dataset import Record
from training.data.folds import (
    FOLDS,
    TEST_FOLDS,
    VALIDATION_FOLDS,
    deal,
    stratified_folds,
    ten_folds,
)
from training.data.parts import PARTS, Part, assert_disjoint, check_parts
from training.errors import TrainingError


def split_by_group(
    records: Sequence[Record], digests: Sequence[bytes], class_names: Sequence[str], seed: int
) -> dict[Part, list[int]]:
    """Indices of `records` for each part; a group is in one part, and the classes have equal shares.

    The same records with the same seed give the same split.

    Raises:
        TrainingError: if a class has too few groups for three parts.
    """
    folds = ten_folds(records, range(len(records)), class_names, seed)
    # With fewer folds, the test part must leave some for training.
    test_folds = max(1, round(TEST_FOLDS * len(folds) / FOLDS))
    sizes: dict[Part, int] = {"test": test_folds, "validation": VALIDATION_FOLDS}
    parts = deal(records, folds, sizes, class_names)
    assert_disjoint(records, digests, parts)
    return parts


def split_around_test(
    records: Sequence[Record],
    digests: Sequence[bytes],
    class_names: Sequence[str],
    seed: int,
    *,
    every_class: bool = True,
) -> dict[Part, list[int]]:
    """Like `split_by_group`, but with the test part that comes with the data.

    That part may lack classes unless `every_class` is required.

    Raises:
        TrainingError: if a group is both inside and outside that test part, or a class has too few groups.
    """
    test = [index for index, record in enumerate(records) if record.given == "test"]
    rest = [index for index, record in enumerate(records) if record.given != "test"]
    folds = ten_folds(records, rest, class_names, seed)
    parts = {"test": test, **deal(records, folds, {"validation": VALIDATION_FOLDS}, class_names)}
    assert_disjoint(records, digests, parts)
    if every_class:
        check_parts(records, parts, class_names)
    return parts


def split_as_given(
    records: Sequence[Record], digests: Sequence[bytes], class_names: Sequence[str]
) -> dict[Part, list[int]]:
    """The parts that come with the data.

    Raises:
        TrainingError: if an image has no part, a group is in two parts, or a part lacks a class.
    """
    missing = next((record.path for record in records if not record.given), None)
    if missing:
        raise TrainingError(
            f"The manifest does not name the part (train, validation or test) of '{missing}'."
        )
    parts: dict[Part, list[int]] = {
        part: [index for index, record in enumerate(records) if record.given == part] for part in PARTS
    }
    assert_disjoint(records, digests, parts)
    check_parts(records, parts, class_names)
    return parts


def split_further(
    records: Sequence[Record], digests: Sequence[bytes], class_names: Sequence[str], seed: int
) -> dict[Part, list[int]]:
    """Extend an earlier split: images keep their part, new images join their group, new groups get a part.

    A new group gets its part by a hash of its name, whatever other groups are added with it. Only if a part
    then lacks a class, a new group with images of it is moved there. A group with images in the train and in
    the validation part is put into the train part.

    Raises:
        TrainingError: if a part lacks a class, or an image of a test group was in another part before.
    """
    known: dict[str, set[str]] = defaultdict(set)
    labels: dict[str, set[int]] = defaultdict(set)
    for record in records:
        labels[record.group].add(record.label)
        if record.given:
            known[record.group].add(record.given)
    part_of = {group: _strongest(known[group]) for group in known}
    new = {group: _part_of_group(group, seed) for group in labels if group not in known}
    _fill_parts(new, part_of, labels, seed)
    part_of |= new
    parts: dict[Part, list[int]] = {part: [] for part in PARTS}
    for index, record in enumerate(records):
        parts[part_of[record.group]].append(index)
    if any(records[index].given not in ("", "test") for index in parts["test"]):
        raise TrainingError("Images of the train or validation part belong to patients of the test part.")
    assert_disjoint(records, digests, parts)
    check_parts(records, parts, class_names)
    return parts


def _fill_parts(
    new: dict[str, Part], earlier: Mapping[str, Part], labels: Mapping[str, set[int]], seed: int
) -> None:
    """Change the parts of `new` groups so that no part lacks a class, as far as they can.

    Hashes put the three patients of a new class into three parts only by luck. A group leaves its part only
    if its classes stay there; of several, the one with the lowest digest does.
    """
    placed = chain(earlier.items(), new.items())
    groups = Counter((part, label) for group, part in placed for label in labels[group])
    for label, part in product(sorted(set().union(*labels.values())), PARTS):
        if groups[part, label]:
            continue
        spare = [
            group
            for group, own in new.items()
            if label in labels[group] and all(groups[own, other] > 1 for other in labels[group])
        ]
        if spare:
            moved = min(spare, key=lambda group: _digest(group, seed))
            groups.subtract((new[moved], other) for other in labels[moved])
            groups.update((part, other) for other in labels[moved])
            new[moved] = part


def _strongest(parts: set[str]) -> Part:
    return "test" if "test" in parts else "train" if "train" in parts else "validation"


def _part_of_group(group: str, seed: int) -> Part:
    """The part of a new group; parts get about the shares that `split_by_group` gives them."""
    fold = int.from_bytes(_digest(group, seed)[:8], "big") % FOLDS
    return "test" if fold < TEST_FOLDS else "validation" if fold < TEST_FOLDS + VALIDATION_FOLDS else "train"


def _digest(group: str, seed: int) -> bytes:
    return hashlib.sha256(f"{seed} {group}".encode(errors="surrogateescape")).digest()


def cross_validation_splits(
    records: Sequence[Record],
    digests: Sequence[bytes],
    parts: Mapping[Part, Sequence[int]],
    count: int,
    seed: int,
) -> list[dict[Part, list[int]]]:
    """Splits for cross-validation: `parts`, and others that validate on different shares of the train part.

    Every group is in the validation part of at most one split, and in the train part of all others. The test
    part is the same in all.

    Args:
        records: all images.
        digests: their contents.
        parts: the first split.
        count: number of splits.
        seed: of the shares.

    Raises:
        TrainingError: if the train part is too small for this many splits.
    """
    train, validation = list(parts["train"]), list(parts["validation"])
    shares = max(2, round(len(train) / len(validation)))
    groups = len({records[index].group for index in train})
    # A single group cannot be split.
    possible = min(shares, groups) if groups > 1 else 0
    if count - 1 > possible:
        raise TrainingError(
            f"The images outside the test part make {possible + 1} validation parts, not {count}. "
            "Lower --num-seeds and --ensemble-size."
        )
    held_out = [validation, *stratified_folds(records, train, possible, seed)][:count]
    everything = sorted(train + validation)
    splits: list[dict[Part, list[int]]] = [
        {
            "train": sorted(set(everything) - set(members)),
            "validation": sorted(members),
            "test": list(parts["test"]),
        }
        for members in held_out
    ]
    for split in splits:
        assert_disjoint(records, digests, split)
    return splits

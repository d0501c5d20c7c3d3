"""Who trains, who validates, who tests: no patient on two sides."""

import hashlib
import warnings
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from itertools import chain, islice
from typing import Literal

import numpy as np
from sklearn.model_selection import StratifiedGroupKFold

from training.data.dataset import Record
from training.errors import TrainingError

Part = Literal["train", "validation", "test"]
PARTS: tuple[Part, ...] = ("train", "validation", "test")

FOLDS = 10
TEST_FOLDS = 2
VALIDATION_FOLDS = 1
"""Of ten folds of whole groups two test and one validates, so about 70 : 10 : 20."""
MANY_GROUPS = 50_000
"""With more, the split takes so long that a person wants to be told."""
MIN_GROUPS = len(PARTS)
"""Of a class; with fewer it would be absent from a part."""


def split_by_group(
    records: Sequence[Record], digests: Sequence[bytes], class_names: Sequence[str], seed: int
) -> dict[Part, list[int]]:
    """Indices of `records` for each part; all images of a group in one part, classes in equal shares.

    The same contents, labels and groups with the same seed give the same split, in whatever order they come.

    Raises:
        TrainingError: if a class has too few groups to stand in all three parts.
    """
    folds = _folds(records, range(len(records)), class_names, seed)
    sizes: dict[Part, int] = {"test": TEST_FOLDS, "validation": VALIDATION_FOLDS}
    parts = _deal(records, folds, sizes, class_names)
    assert_disjoint(records, digests, parts)
    return parts


def split_around_test(
    records: Sequence[Record], digests: Sequence[bytes], class_names: Sequence[str], seed: int
) -> dict[Part, list[int]]:
    """As `split_by_group`, but the test part is the one that comes with the data.

    Raises:
        TrainingError: if a group stands in that test part and outside of it, or a class has too few groups.
    """
    test = [index for index, record in enumerate(records) if record.given == "test"]
    rest = [index for index, record in enumerate(records) if record.given != "test"]
    folds = _folds(records, rest, class_names, seed)
    parts = {"test": test, **_deal(records, folds, {"validation": VALIDATION_FOLDS}, class_names)}
    assert_disjoint(records, digests, parts)
    _check_classes(records, parts, class_names)
    return parts


def split_as_given(
    records: Sequence[Record], digests: Sequence[bytes], class_names: Sequence[str]
) -> dict[Part, list[int]]:
    """Every image in the part that comes with the data.

    Raises:
        TrainingError: if an image has none, a group stands in two, or a class is absent from one.
    """
    missing = next((record.path for record in records if not record.given), None)
    if missing:
        raise TrainingError(f"The manifest does not say whether '{missing}' trains, validates or tests.")
    parts: dict[Part, list[int]] = {
        part: [index for index, record in enumerate(records) if record.given == part] for part in PARTS
    }
    assert_disjoint(records, digests, parts)
    _check_classes(records, parts, class_names)
    return parts


def split_further(
    records: Sequence[Record], digests: Sequence[bytes], class_names: Sequence[str], seed: int
) -> dict[Part, list[int]]:
    """A split that grows: what has a part keeps it, the rest of a group follows, and new groups are dealt.

    A group is dealt by a hash of its name, so that it gets the same part however many come with it. Of a
    group of which images have trained and others validated, all train.

    Raises:
        TrainingError: if a class is absent from a part, or an image of a test group trained or validated.
    """
    known: dict[str, set[str]] = defaultdict(set)
    for record in records:
        if record.given:
            known[record.group].add(record.given)
    parts: dict[Part, list[int]] = {part: [] for part in PARTS}
    for index, record in enumerate(records):
        earlier = known.get(record.group)
        parts[_strongest(earlier) if earlier else _dealt(record.group, seed)].append(index)
    if any(records[index].given not in ("", "test") for index in parts["test"]):
        raise TrainingError("Images that have trained or validated belong to patients of the test part.")
    assert_disjoint(records, digests, parts)
    _check_classes(records, parts, class_names)
    return parts


def _strongest(parts: set[str]) -> Part:
    return "test" if "test" in parts else "train" if "train" in parts else "validation"


def _dealt(group: str, seed: int) -> Part:
    """About as many groups to each part as `split_by_group` gives it."""
    digest = hashlib.sha256(f"{seed} {group}".encode(errors="surrogateescape")).digest()
    fold = int.from_bytes(digest[:8], "big") % FOLDS
    return "test" if fold < TEST_FOLDS else "validation" if fold < TEST_FOLDS + VALIDATION_FOLDS else "train"


def cross_validation_splits(
    records: Sequence[Record],
    digests: Sequence[bytes],
    parts: Mapping[Part, Sequence[int]],
    count: int,
    seed: int,
) -> list[dict[Part, list[int]]]:
    """Splits for cross-validation: `parts`, and others that validate on another share of the train part.

    Every group is in the validation part of at most one split, and in the train part of all others. The test
    part is the same in all.

    Args:
        records: all images.
        digests: their contents.
        parts: the first split.
        count: number of splits.
        seed: of the shares.

    Raises:
        TrainingError: if the train part is too small for so many splits.
    """
    train, validation = list(parts["train"]), list(parts["validation"])
    shares = max(2, round(len(train) / len(validation)))
    groups = len({records[index].group for index in train})
    if count - 1 > min(shares, groups):
        raise TrainingError(
            f"The images that do not test make {min(shares, groups) + 1} validation parts; {count} are asked "
            "for. Lower --num-seeds and --ensemble-size."
        )
    held_out = [validation, *_stratified(records, train, min(shares, groups), seed)][:count]
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


def assert_disjoint(
    records: Sequence[Record], digests: Sequence[bytes], parts: Mapping[Part, Sequence[int]]
) -> None:
    """Make sure that no group, no file and no content stands in two parts.

    Raises:
        TrainingError: naming how many do.
    """
    for what, key in (
        ("groups (patients)", lambda index: records[index].group),
        ("files", lambda index: records[index].path),
        ("contents", lambda index: digests[index]),
    ):
        members = [{key(index) for index in indices} for indices in parts.values()]
        shared = sum(map(len, members)) - len(set().union(*members))
        if shared:
            raise TrainingError(
                f"{shared} {what} stand in more than one of {', '.join(parts)}; the test would measure "
                "memory. Split by group."
            )


def check_enough_groups(records: Sequence[Record], class_names: Sequence[str]) -> None:
    """Make sure that every class has patients enough for all parts.

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
                "are needed to train, validate and test on different ones."
            )
    most = max(Counter(record.label for record in records).values())
    if most < FOLDS:
        raise TrainingError(f"No class has more than {most} images; at least {FOLDS} of one are needed.")


def fingerprint(
    records: Sequence[Record], digests: Sequence[bytes], parts: Mapping[Part, Sequence[int]]
) -> str:
    """SHA-256 over contents, labels, groups and parts; their order does not matter."""
    part_of = {index: part for part, members in parts.items() for index in members}
    result = hashlib.sha256()
    separator = ""
    for index in sorted(part_of, key=lambda index: digests[index]):
        record = records[index]
        line = f"{separator}{digests[index].hex()} {record.label} {record.group} {part_of[index]}"
        # A group may be the name of a file, which need not be valid Unicode.
        result.update(line.encode(errors="surrogateescape"))
        separator = "\n"
    return result.hexdigest()


def _folds(
    records: Sequence[Record], members: Sequence[int], class_names: Sequence[str], seed: int
) -> list[list[int]]:
    """The indices in `members` in ten folds of whole groups; their order does not matter."""
    check_enough_groups([records[index] for index in members], class_names)
    return _stratified(records, members, FOLDS, seed)


def _stratified(records: Sequence[Record], members: Sequence[int], folds: int, seed: int) -> list[list[int]]:
    """The indices in `members` in folds of whole groups, each with its share of every class if possible."""
    labels = np.array([records[index].label for index in members])
    # Numbers in the order of the names: as strings a million of them would fill the memory.
    names = sorted({records[index].group for index in members})
    number_of = {name: number for number, name in enumerate(names)}
    groups = np.array([number_of[records[index].group] for index in members])
    if len(number_of) > MANY_GROUPS:
        print(f"splitting {len(number_of)} groups: about a minute for each 100,000", flush=True)
    with warnings.catch_warnings():
        # It warns of classes with fewer images than folds; whoever needs every class in each fold looks.
        warnings.filterwarnings("ignore", "The least populated class", UserWarning)
        splitter = StratifiedGroupKFold(folds, shuffle=True, random_state=seed)
        held_out = [positions for _, positions in splitter.split(labels, labels, groups)]
    return [[members[position] for position in positions] for positions in held_out]


def _deal(
    records: Sequence[Record], folds: list[list[int]], sizes: Mapping[Part, int], class_names: Sequence[str]
) -> dict[Part, list[int]]:
    """Give each part its number of folds in turn, and the rest to training.

    A class of few groups is missing in some folds; then the dealing starts at the first fold from which
    every part gets every class.
    """
    for start in range(len(folds)):
        turned = iter(folds[start:] + folds[:start])
        parts: dict[Part, list[int]] = {
            part: sorted(chain(*islice(turned, size))) for part, size in sizes.items()
        }
        parts["train"] = sorted(chain(*turned))
        if _absent(records, parts, class_names) is None:
            break
    _check_classes(records, parts, class_names)
    return parts


def _check_classes(
    records: Sequence[Record], parts: Mapping[Part, Sequence[int]], class_names: Sequence[str]
) -> None:
    absent = _absent(records, parts, class_names)
    if absent:
        raise TrainingError(
            f"Class '{absent[1]}' has no image in the {absent[0]} part: its images belong to too few groups. "
            "Add images of other patients, or try another --split-seed."
        )


def _absent(
    records: Sequence[Record], parts: Mapping[Part, Sequence[int]], class_names: Sequence[str]
) -> tuple[Part, str] | None:
    """A part and the name of a class that it has no image of, if there is one."""
    for part, members in parts.items():
        missing = set(range(len(class_names))) - {records[index].label for index in members}
        if missing:
            return part, class_names[min(missing)]
    return None

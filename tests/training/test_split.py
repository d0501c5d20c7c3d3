"""The split: disjoint by patient, stratified, and the same every time."""

from collections import Counter

import pytest

from training.dataset import Record
from training.errors import TrainingError
from training.split import PARTS, assert_disjoint, fingerprint, split_by_group

CLASSES = ("first", "second")
RECORDS = [
    Record(f"{group}-{view}.png", group % 2, f"patient-{group}") for group in range(60) for view in range(3)
]
DIGESTS = [f"{index:064x}" for index in range(len(RECORDS))]


def groups_of(members: list[int]) -> set[str]:
    return {RECORDS[index].group for index in members}


@pytest.mark.parametrize("seed", range(5))
def test_no_patient_stands_in_two_parts_and_nobody_is_lost(seed: int) -> None:
    parts = split_by_group(RECORDS, DIGESTS, CLASSES, seed)

    train, validation, test = (groups_of(parts[part]) for part in PARTS)
    assert not train & validation
    assert not train & test
    assert not validation & test
    assert sorted(parts["train"] + parts["validation"] + parts["test"]) == list(range(len(RECORDS)))


def test_parts_have_the_sizes_and_class_shares_asked_for() -> None:
    parts = split_by_group(RECORDS, DIGESTS, CLASSES, 0)

    assert {part: len(parts[part]) for part in PARTS} == {"train": 126, "validation": 18, "test": 36}
    for part in PARTS:
        counts = Counter(RECORDS[index].label for index in parts[part])
        assert counts[0] == counts[1]


def test_same_seed_same_split_and_another_seed_another_split() -> None:
    first, again, other = (split_by_group(RECORDS, DIGESTS, CLASSES, seed) for seed in (0, 0, 1))

    assert first == again
    assert first != other


def test_the_order_of_the_files_changes_neither_split_nor_fingerprint() -> None:
    parts = split_by_group(RECORDS, DIGESTS, CLASSES, 0)
    turned, turned_digests = RECORDS[::-1], DIGESTS[::-1]
    turned_parts = split_by_group(turned, turned_digests, CLASSES, 0)

    assert {RECORDS[index] for index in parts["test"]} == {turned[index] for index in turned_parts["test"]}
    assert fingerprint(RECORDS, DIGESTS, parts) == fingerprint(turned, turned_digests, turned_parts)


def test_fingerprint_changes_with_content_label_group_and_split() -> None:
    parts = split_by_group(RECORDS, DIGESTS, CLASSES, 0)
    moved = {**parts, "train": parts["train"][1:], "test": [*parts["test"], parts["train"][0]]}
    prints = {
        fingerprint(RECORDS, DIGESTS, parts),
        fingerprint(RECORDS, ["f" * 64, *DIGESTS[1:]], parts),
        fingerprint([Record("0-0.png", 1, "patient-0"), *RECORDS[1:]], DIGESTS, parts),
        fingerprint([Record("0-0.png", 0, "patient-x"), *RECORDS[1:]], DIGESTS, parts),
        fingerprint(RECORDS, DIGESTS, moved),
    }

    assert len(prints) == 5


def test_a_shared_patient_is_caught() -> None:
    with pytest.raises(TrainingError, match="1 groups"):
        assert_disjoint(RECORDS, {"train": [0], "validation": [3], "test": [1]})


def test_too_few_patients_of_a_class_are_refused_by_name() -> None:
    few = RECORDS[:40]

    with pytest.raises(TrainingError, match="Class 'first' has images of 7 groups"):
        split_by_group(few, DIGESTS[:40], CLASSES, 0)

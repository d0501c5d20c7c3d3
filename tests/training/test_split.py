"""The split: disjoint by patient, stratified and reproducible."""

from collections import Counter
from dataclasses import replace
from random import Random

import pytest

from training.data.dataset import Record
from training.data.parts import PARTS, Part, assert_disjoint, fingerprint
from training.data.split import (
    cross_validation_splits,
    split_around_test,
    split_as_given,
    split_by_group,
    split_further,
)
from training.errors import TrainingError

CLASSES = ("first", "second")
RECORDS = [
    Record(f"{group}-{view}.png", group % 2, f"patient-{group}") for group in range(60) for view in range(3)
]
DIGESTS = [index.to_bytes(32, "big") for index in range(len(RECORDS))]


def groups_of(members: list[int]) -> set[str]:
    return {RECORDS[index].group for index in members}


@pytest.mark.parametrize("seed", range(5))
def test_split_keeps_every_patient_in_one_part(seed: int) -> None:
    parts = split_by_group(RECORDS, DIGESTS, CLASSES, seed)

    train, validation, test = (groups_of(parts[part]) for part in PARTS)
    assert not train & validation
    assert not train & test
    assert not validation & test
    assert sorted(parts["train"] + parts["validation"] + parts["test"]) == list(range(len(RECORDS)))


@pytest.mark.parametrize("seed", range(30))
def test_parts_are_disjoint_complete_and_contain_every_class(seed: int) -> None:
    """Groups have any size and mixture of classes; both with and without a given test part."""
    random = Random(seed)
    names = [f"class-{number}" for number in range(random.randint(2, 5))]
    records = []
    for group in range(random.randint(40, 80)):
        label = group % len(names)
        for view in range(random.choice([1, 1, 2, 3, 9])):
            other = random.randrange(len(names)) if random.random() < 0.1 else label
            given = "test" if group // len(names) % 4 == 0 else random.choice(["train", "", "validation"])
            records.append(Record(f"{group}/{view}", other, f"g{group}", given=given))
    digests = [random.randbytes(32) for _ in records]

    for split in (split_by_group, split_around_test):
        parts = split(records, digests, names, seed)
        assert_disjoint(records, digests, parts)
        assert sorted(index for members in parts.values() for index in members) == list(range(len(records)))
        for members in parts.values():
            assert {records[index].label for index in members} == set(range(len(names)))
        if split is split_around_test:
            assert all((record.given == "test") == (n in parts["test"]) for n, record in enumerate(records))


def test_parts_have_the_expected_sizes_and_class_shares() -> None:
    parts = split_by_group(RECORDS, DIGESTS, CLASSES, 0)

    assert {part: len(parts[part]) for part in PARTS} == {"train": 126, "validation": 18, "test": 36}
    for part in PARTS:
        counts = Counter(RECORDS[index].label for index in parts[part])
        assert counts[0] == counts[1]


def test_split_is_reproducible_by_seed() -> None:
    first, again, other = (split_by_group(RECORDS, DIGESTS, CLASSES, seed) for seed in (0, 0, 1))

    assert first == again
    assert first != other


def test_class_with_few_patients_is_in_every_part() -> None:
    """Like retinal artery occlusion, the class has four patients, so most of the ten folds lack it."""
    rare = [Record(f"rare-{group}.png", 2, f"rare-{group}") for group in range(4)]
    records = [*RECORDS, *rare]
    digests = [index.to_bytes(32, "big") for index in range(len(records))]

    for seed in range(8):
        parts = split_by_group(records, digests, (*CLASSES, "rare"), seed)
        for part in PARTS:
            assert 2 in {records[index].label for index in parts[part]}


@pytest.mark.parametrize("patients", range(3, 10))
def test_few_patients_with_all_classes_are_enough(patients: int) -> None:
    """Each patient is a fold; the train part has most of them."""
    records = [Record(f"{n}.png", n % 2, f"p{n % (2 * patients) // 2}") for n in range(8 * patients)]
    digests = [index.to_bytes(32, "big") for index in range(len(records))]
    outside = [
        replace(record, path=f"other {record.path}", group=f"other {record.group}") for record in records
    ]
    given = [*(replace(record, given="test") for record in records), *outside]

    drawn = split_by_group(records, digests, CLASSES, 0)
    around = split_around_test(given, [index.to_bytes(32, "big") for index in range(len(given))], CLASSES, 0)

    sizes = {part: len({records[index].group for index in members}) for part, members in drawn.items()}
    assert sizes["validation"] == 1
    assert sizes["test"] == (1 if patients < 8 else 2)
    assert sizes["train"] == patients - 1 - sizes["test"]
    assert len({given[index].group for index in around["validation"]}) == 1


def test_split_and_fingerprint_are_independent_of_file_order() -> None:
    parts = split_by_group(RECORDS, DIGESTS, CLASSES, 0)
    order = Random(0).sample(range(len(RECORDS)), len(RECORDS))
    turned, turned_digests = [RECORDS[index] for index in order], [DIGESTS[index] for index in order]
    turned_parts = split_by_group(turned, turned_digests, CLASSES, 0)

    assert {RECORDS[index] for index in parts["test"]} == {turned[index] for index in turned_parts["test"]}
    assert fingerprint(RECORDS, DIGESTS, parts) == fingerprint(turned, turned_digests, turned_parts)


def test_fingerprint_changes_with_content_label_group_and_split() -> None:
    parts = split_by_group(RECORDS, DIGESTS, CLASSES, 0)
    moved = {**parts, "train": parts["train"][1:], "test": [*parts["test"], parts["train"][0]]}
    prints = {
        fingerprint(RECORDS, DIGESTS, parts),
        fingerprint(RECORDS, [b"f" * 32, *DIGESTS[1:]], parts),
        fingerprint([Record("0-0.png", 1, "patient-0"), *RECORDS[1:]], DIGESTS, parts),
        fingerprint([Record("0-0.png", 0, "patient-x"), *RECORDS[1:]], DIGESTS, parts),
        fingerprint(RECORDS, DIGESTS, moved),
    }

    assert len(prints) == 5


def test_fingerprint_accepts_names_that_are_not_unicode() -> None:
    records = [Record("a\udcff.png", 0, "a\udcff.png"), Record("b.png", 1, "b.png")]

    assert len(fingerprint(records, DIGESTS[:2], {"train": [0], "test": [1]})) == 64


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ({"train": [0], "validation": [3], "test": [1]}, r"1 groups \(patients\)"),
        ({"train": [0], "validation": [3], "test": [6, 9]}, "1 contents"),
    ],
)
def test_patient_or_content_in_two_parts_is_rejected(parts: dict[Part, list[int]], message: str) -> None:
    digests = [*DIGESTS[:9], DIGESTS[0]]

    with pytest.raises(TrainingError, match=message):
        assert_disjoint(RECORDS, digests, parts)


def test_class_with_too_few_patients_is_rejected_by_name() -> None:
    with pytest.raises(TrainingError, match="Class 'second' has images of 2 groups"):
        split_by_group(RECORDS[:15], DIGESTS[:15], CLASSES, 0)


def test_too_few_images_of_all_classes_are_rejected() -> None:
    few = [Record(f"{number}.png", number % 2, str(number)) for number in range(8)]

    with pytest.raises(TrainingError, match="No class has more than 4 images; at least 10"):
        split_by_group(few, DIGESTS[:8], CLASSES, 0)


def test_given_test_part_that_shares_patients_is_rejected() -> None:
    records = [
        Record(record.path, record.label, record.group, given="test" if index < 4 else "train")
        for index, record in enumerate(RECORDS)
    ]

    with pytest.raises(TrainingError, match=r"1 groups \(patients\)"):
        split_around_test(records, DIGESTS, CLASSES, 0)


def test_given_test_part_that_lacks_a_class_is_rejected_by_name() -> None:
    records = [
        Record(record.path, record.label, record.group, given="test" if record.group == "patient-2" else "")
        for record in RECORDS
    ]

    with pytest.raises(TrainingError, match="Class 'second' has no image in the test part"):
        split_around_test(records, DIGESTS, CLASSES, 0)


def test_cross_validation_splits_vary_validation_and_keep_the_test_part() -> None:
    parts = split_by_group(RECORDS, DIGESTS, CLASSES, 0)

    turns = cross_validation_splits(RECORDS, DIGESTS, parts, 8, 0)

    assert turns[0] == parts
    assert all(turn["test"] == parts["test"] for turn in turns)
    validated = [groups_of(turn["validation"]) for turn in turns]
    assert sum(map(len, validated)) == len(set().union(*validated))
    assert set().union(*validated) == groups_of(parts["train"]) | groups_of(parts["validation"])
    for turn in turns:
        assert_disjoint(RECORDS, DIGESTS, turn)
        assert sorted(index for part in PARTS for index in turn[part]) == list(range(len(RECORDS)))
        assert {RECORDS[index].label for index in turn["validation"]} == {0, 1}


def test_cross_validation_with_too_many_splits_is_rejected() -> None:
    parts = split_by_group(RECORDS, DIGESTS, CLASSES, 0)

    with pytest.raises(TrainingError, match=r"make 8 validation parts, not 9. Lower --num-seeds"):
        cross_validation_splits(RECORDS, DIGESTS, parts, 9, 0)


def test_train_part_of_one_patient_allows_no_cross_validation() -> None:
    records = [Record(f"{n}.png", n % 2, f"p{n // 10}") for n in range(30)]
    digests = [index.to_bytes(32, "big") for index in range(len(records))]
    parts = split_by_group(records, digests, CLASSES, 0)

    with pytest.raises(TrainingError, match="make 1 validation parts, not 2"):
        cross_validation_splits(records, digests, parts, 2, 0)


def with_parts(records: list[Record], parts: dict[Part, list[int]]) -> list[Record]:
    part_of = {index: part for part, members in parts.items() for index in members}
    return [replace(record, given=part_of.get(index, "")) for index, record in enumerate(records)]


def test_manifest_with_all_parts_determines_the_split() -> None:
    parts = split_by_group(RECORDS, DIGESTS, CLASSES, 3)

    assert split_as_given(with_parts(RECORDS, parts), DIGESTS, CLASSES) == parts


def test_manifest_with_a_missing_part_or_a_divided_patient_is_rejected() -> None:
    parts = split_by_group(RECORDS, DIGESTS, CLASSES, 0)
    records = with_parts(RECORDS, parts)

    with pytest.raises(TrainingError, match=r"does not name the part .* of '7-1\.png'"):
        split_as_given([*records[:22], replace(records[22], given=""), *records[23:]], DIGESTS, CLASSES)
    moved = parts["train"][0]
    records[moved] = replace(records[moved], given="test")
    with pytest.raises(TrainingError, match=r"1 groups \(patients\) are in more than one"):
        split_as_given(records, DIGESTS, CLASSES)


def test_growing_data_keep_their_parts_and_new_images_join_their_patient() -> None:
    parts = split_by_group(RECORDS, DIGESTS, CLASSES, 0)
    known = with_parts(RECORDS, parts)
    follow = [replace(record, path=f"again-{record.path}", given="") for record in known[::3]]
    new = [Record(f"new-{number}.png", number % 2, f"new-{number}") for number in range(300)]
    records = [*known, *follow, *new]
    digests = [index.to_bytes(32, "big") for index in range(len(records))]

    grown = split_further(records, digests, CLASSES, 0)

    part_of = {index: part for part, members in grown.items() for index in members}
    assert all(part_of[index] == record.given for index, record in enumerate(known))
    assert all(part_of[len(known) + number] == known[3 * number].given for number in range(len(follow)))
    dealt = Counter(part_of[index] for index in range(len(known) + len(follow), len(records)))
    assert dealt["test"] == pytest.approx(60, abs=20)
    assert dealt["validation"] == pytest.approx(30, abs=15)


def test_part_of_a_new_patient_is_independent_of_others() -> None:
    parts = split_by_group(RECORDS, DIGESTS, CLASSES, 0)
    new = [Record(f"new-{number}.png", number % 2, f"new-{number}") for number in range(50)]
    many = [*with_parts(RECORDS, parts), *new]
    few = many[:-40]
    digests = [index.to_bytes(32, "big") for index in range(len(many))]

    both = [split_further(records, digests[: len(records)], CLASSES, 0) for records in (many, few)]

    parts_of = [{index: part for part, members in split.items() for index in members} for split in both]
    assert all(parts_of[0][index] == parts_of[1][index] for index in range(len(few)))


@pytest.mark.parametrize("count", [3, 5, 10])
def test_new_class_with_few_patients_is_in_every_part(count: int) -> None:
    """A fresh split of the same patients succeeds, too."""
    known = with_parts(RECORDS, split_by_group(RECORDS, DIGESTS, CLASSES, 0))
    digests = [index.to_bytes(32, "big") for index in range(len(known) + count)]

    for name in range(40):
        records = [*known, *(Record(f"new-{one}.png", 2, f"new-{name}-{one}") for one in range(count))]
        parts = split_further(records, digests, (*CLASSES, "third"), 0)

        part_of = {index: part for part, members in parts.items() for index in members}
        assert all(part_of[index] == record.given for index, record in enumerate(known))
        assert {part_of[index] for index in range(len(known), len(records))} == set(PARTS)


def test_new_patient_fills_the_part_that_lost_its_last_image_of_a_class() -> None:
    """A review has changed the class of the only test image, and patients of the train part stay there."""
    parts = split_by_group(RECORDS, DIGESTS, CLASSES, 0)
    known = with_parts(RECORDS, parts)
    known = [replace(record, label=0) if record.given == "test" else record for record in known]
    with pytest.raises(TrainingError, match="no image in the test part"):
        split_further(known, DIGESTS, CLASSES, 0)

    for name in range(20):
        records = [*known, Record("new.png", 1, f"new-{name}")]
        grown = split_further(records, [*DIGESTS, b"new"], CLASSES, 0)

        assert len(known) in grown["test"]
        assert sorted(grown["test"]) == sorted([*parts["test"], len(known)])


def test_new_patients_with_images_of_several_classes_leave_none_behind() -> None:
    """Two new classes with three patients each, one of whom has images of both."""
    known = with_parts(RECORDS, split_by_group(RECORDS, DIGESTS, CLASSES, 0))
    images = [("a", 2), ("b", 2), ("c", 2), ("c", 3), ("d", 3), ("e", 3)]
    digests = [index.to_bytes(32, "big") for index in range(len(known) + len(images))]
    for name in range(200):
        new = [Record(f"new-{one}-{label}.png", label, f"new-{name}-{one}") for one, label in images]

        parts = split_further([*known, *new], digests, (*CLASSES, "third", "fourth"), 0)

        for members in parts.values():
            assert {[*known, *new][index].label for index in members} == {0, 1, 2, 3}


def test_patient_in_train_and_validation_is_moved_to_train() -> None:
    parts = split_by_group(RECORDS, DIGESTS, CLASSES, 0)
    records = with_parts(RECORDS, parts)
    one, other = parts["train"][0], parts["validation"][0]
    name, lost = records[one].group, records[other].group
    records = [replace(record, group=name) if record.group == lost else record for record in records]

    grown = split_further(records, DIGESTS, CLASSES, 0)

    assert other in grown["train"]


def test_patient_in_train_and_test_is_rejected() -> None:
    parts = split_by_group(RECORDS, DIGESTS, CLASSES, 0)
    records = with_parts(RECORDS, parts)
    name = records[parts["test"][0]].group
    records[parts["train"][0]] = replace(records[parts["train"][0]], group=name)

    with pytest.raises(TrainingError, match="train or validation part belong to patients of the test part"):
        split_further(records, DIGESTS, CLASSES, 0)

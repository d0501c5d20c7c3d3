"""The parts of a data set: no group, file or content is in two of them, and every class is in each."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Literal

from training.data.dataset import Record
from training.errors import TrainingError

Part = Literal["train", "validation", "test"]
PARTS: tuple[Part, ...] = ("train", "validation", "test")


def assert_disjoint(
    records: Sequence[Record], contents: Sequence[bytes], parts: Mapping[Part, Sequence[int]]
) -> None:
    """Make sure that no group, file or content is in two parts.

    Raises:
        TrainingError: with the number of those that are.
    """
    for what, key in (
        ("groups (patients)", lambda index: records[index].group),
        ("files", lambda index: records[index].path),
        ("contents", lambda index: contents[index]),
    ):
        members = [{key(index) for index in indices} for indices in parts.values()]
        shared = sum(map(len, members)) - len(set().union(*members))
        if shared:
            raise TrainingError(
                f"{shared} {what} are in more than one of {', '.join(parts)}: the test would measure "
                "memory. Split by group."
            )


def check_parts(
    records: Sequence[Record], parts: Mapping[Part, Sequence[int]], class_names: Sequence[str]
) -> None:
    """Make sure that every class has images in every part.

    Raises:
        TrainingError: naming a class and a part without an image of it.
    """
    absent = find_absent(records, parts, class_names)
    if absent:
        raise TrainingError(
            f"Class '{absent[1]}' has no image in the {absent[0]} part: its images belong to too few groups. "
            "Add images of other patients, or try another --split-seed."
        )


def find_absent(
    records: Sequence[Record], parts: Mapping[Part, Sequence[int]], class_names: Sequence[str]
) -> tuple[Part, str] | None:
    """A part and the name of a class without images in it, if there is one."""
    for part, members in parts.items():
        missing = set(range(len(class_names))) - {records[index].label for index in members}
        if missing:
            return part, class_names[min(missing)]
    return None


def fingerprint(
    records: Sequence[Record], digests: Sequence[bytes], parts: Mapping[Part, Sequence[int]]
) -> str:
    """SHA-256 of contents, labels, groups and parts, in hexadecimal; independent of their order."""
    part_of = {index: part for part, members in parts.items() for index in members}
    result = hashlib.sha256()
    separator = ""
    for index in sorted(part_of, key=lambda index: digests[index]):
        record = records[index]
        line = f"{separator}{digests[index].hex()} {record.label} {record.group} {part_of[index]}"
        # A group may be a file name, which need not be valid Unicode.
        result.update(line.encode(errors="surrogateescape"))
        separator = "\n"
    return result.hexdigest()

"""Images that occur more than once, byte for byte or nearly so, and what becomes of them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from training.data.dataset import Record
from training.data.groups import merge
from training.data.similarity import Similar

CONTRADICTORY = 0.99
"""Correlation of thumbnails above which two images with different labels are one image with a wrong label.

All such pairs in BUSI (4) and OCTDL (5) were looked at: each shows one frame twice. Below are neighbouring
frames, which may be labelled differently for good reasons. The other data sets have none.
"""


@dataclass(frozen=True)
class Contradiction:
    """Images that show the same and are labelled differently."""

    paths: tuple[str, ...]
    correlation: float
    """Of their thumbnails; 1 if they are identical byte for byte."""


@dataclass(frozen=True)
class Deduplication:
    """Which images of a listing to keep."""

    kept: tuple[int, ...]
    """Indices of the records that stay."""
    renamed: dict[str, str]
    """Groups that are one, because they share an image, and their common name."""
    copies: tuple[str, ...]
    """Paths left out because a byte-identical file with the same label stays."""
    contradictions: tuple[Contradiction, ...]
    """Byte-identical files with different labels, all left out: nobody knows which is right."""


def deduplicate(records: Sequence[Record], digests: Sequence[bytes], prefer_test: bool) -> Deduplication:
    """Keep one of each set of byte-identical files, and none where their labels differ.

    Args:
        records: sorted by path; of identical files the first stays.
        digests: of each record's file.
        prefer_test: keep the one in the given test part, if there is one.
    """
    order = sorted(range(len(records)), key=digests.__getitem__)
    kept, copies, contradictions, same = [], [], [], []
    for _, equal in groupby(order, key=digests.__getitem__):
        indices = list(equal)
        same += [(records[indices[0]].group, records[index].group) for index in indices[1:]]
        if len({records[index].label for index in indices}) > 1:
            contradictions.append(Contradiction(tuple(records[index].path for index in indices), 1.0))
            continue
        if prefer_test:
            indices.sort(key=lambda index: records[index].given != "test")
        kept.append(indices[0])
        copies += [records[index].path for index in indices[1:]]
    return Deduplication(
        tuple(sorted(kept)),
        merge(pair for pair in same if pair[0] != pair[1]),
        tuple(sorted(copies)),
        tuple(sorted(contradictions, key=lambda contradiction: contradiction.paths)),
    )


def rename_groups(records: Sequence[Record], names: dict[str, str]) -> list[Record]:
    """The records, with groups called by their common names."""
    return [
        replace(record, group=names[record.group])
        if names.get(record.group, record.group) != record.group
        else record
        for record in records
    ]


def find_contradictions(records: Sequence[Record], pairs: Sequence[Similar]) -> list[Contradiction]:
    """The pairs that show nearly the same and are labelled differently."""
    return [
        Contradiction((records[first].path, records[second].path), correlation)
        for first, second, correlation in pairs
        if correlation > CONTRADICTORY and records[first].label != records[second].label
    ]

"""Images that occur more than once, byte for byte or nearly so, and what becomes of them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from training.data.dataset import Record, Review
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
    reviewed: dict[int, tuple[int, Review]]
    """By index, label and review of an image that stays and that, or a copy of which, somebody reviewed."""


def deduplicate(records: Sequence[Record], digests: Sequence[bytes], prefer_test: bool) -> Deduplication:
    """Keep one of each set of byte-identical files, and none where their labels differ.

    Where somebody has looked at one of them, all have the label that this person gave; of several people's,
    the newest counts.

    Args:
        records: sorted by path; of identical files the first stays.
        digests: of each record's file.
        prefer_test: keep the one in the given test part, if there is one.
    """
    order = sorted(range(len(records)), key=digests.__getitem__)
    kept, copies, contradictions, same = [], [], [], []
    reviewed: dict[int, tuple[int, Review]] = {}
    for _, equal in groupby(order, key=digests.__getitem__):
        indices = list(equal)
        # What a reviewer adds has no patient of its own; if the data set has the image, that one knows.
        own = [index for index in indices if records[index].review != "added"] or indices
        same += [(records[own[0]].group, records[index].group) for index in own[1:]]
        verdicts = _newest_verdicts([records[index] for index in indices if records[index].review])
        if len(verdicts or {records[index].label for index in indices}) > 1:
            contradictions.append(Contradiction(tuple(records[index].path for index in indices), 1.0))
            continue
        if prefer_test:
            own.sort(key=lambda index: records[index].given != "test")
        stays = own[0]
        if verdicts:
            reviewed[stays] = _judge(records[stays], verdicts.pop())
        kept.append(stays)
        copies += [records[index].path for index in indices if index != stays]
    return Deduplication(
        tuple(sorted(kept)),
        merge(pair for pair in same if pair[0] != pair[1]),
        tuple(sorted(copies)),
        tuple(sorted(contradictions, key=lambda contradiction: contradiction.paths)),
        reviewed,
    )


def _newest_verdicts(reviewed: Sequence[Record]) -> set[int]:
    """The labels that were given last: more than one if people disagreed at the same, or at no noted time."""
    newest = max((record.reviewed_at for record in reviewed), default="")
    return {record.label for record in reviewed if record.reviewed_at == newest}


def _judge(record: Record, verdict: int) -> tuple[int, Review]:
    """Label and review of a record about which the last word is `verdict`."""
    if record.review == "added":
        return verdict, "added"
    return verdict, "changed" if record.label != verdict else record.review or "confirmed"


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

"""Duplicates: images that occur more than once, with the same pixels or nearly so."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from training.data.dataset import Record, Review
from training.data.groups import merge
from training.data.similarity import Similar

CONTRADICTORY = 0.99
"""Correlation of thumbnails above which two images with different labels are one image with a wrong label.

All such pairs in BUSI (4) and OCTDL (5) were inspected: each shows one frame twice. Pairs below are
neighbouring frames, which may have different labels for good reasons. The other data sets have no such pairs.
"""


@dataclass(frozen=True)
class Contradiction:
    """Images with the same content and different labels."""

    paths: tuple[str, ...]
    correlation: float
    """Of their thumbnails; 1 if all pixels are equal."""


@dataclass(frozen=True)
class Deduplication:
    """Which images of a listing to keep."""

    kept: tuple[int, ...]
    """Indices of the records that stay."""
    renamed: dict[str, str]
    """Groups that share an image, and the name of the group they are merged into."""
    copies: tuple[str, ...]
    """Paths left out because an identical image with the same label is kept."""
    contradictions: tuple[Contradiction, ...]
    """Identical images with different labels, all left out: the right label is unknown."""
    reviewed: dict[int, tuple[int, Review]]
    """By index, label and review of each kept image of which a copy was reviewed."""


def deduplicate(records: Sequence[Record], contents: Sequence[bytes], prefer_test: bool) -> Deduplication:
    """Keep one of each set of identical images, and none where their labels differ.

    If one of them was reviewed, all have the label of the review; the newest of several reviews counts.

    Args:
        records: sorted by path; of identical images the first is kept.
        contents: equal for identical images.
        prefer_test: keep the one in the given test part, if there is one.
    """
    order = sorted(range(len(records)), key=contents.__getitem__)
    kept, copies, contradictions, same = [], [], [], []
    reviewed: dict[int, tuple[int, Review]] = {}
    for _, equal in groupby(order, key=contents.__getitem__):
        indices = list(equal)
        # An image added by a review has no patient; a copy in the data set may have one.
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
            reviewed[stays] = _apply_review(records[stays], verdicts.pop())
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
    """The labels of the newest reviews: several if reviews disagree and have the same time, or none."""
    newest = max((record.reviewed_at for record in reviewed), default="")
    return {record.label for record in reviewed if record.reviewed_at == newest}


def _apply_review(record: Record, verdict: int) -> tuple[int, Review]:
    """Label and review of a record whose newest review says `verdict`."""
    if record.review == "added":
        return verdict, "added"
    return verdict, "changed" if record.label != verdict else record.review or "confirmed"


def rename_groups(records: Sequence[Record], names: dict[str, str]) -> list[Record]:
    """The records with the merged groups' names."""
    return [
        replace(record, group=names[record.group])
        if names.get(record.group, record.group) != record.group
        else record
        for record in records
    ]


def find_contradictions(records: Sequence[Record], pairs: Sequence[Similar]) -> list[Contradiction]:
    """The pairs of nearly identical images with different labels."""
    return [
        Contradiction((records[first].path, records[second].path), correlation)
        for first, second, correlation in pairs
        if correlation > CONTRADICTORY and records[first].label != records[second].label
    ]

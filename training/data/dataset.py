"""Labelled images before any is opened: files, classes, patients."""

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from training.data.groups import merge
from training.data.manifest_row import Row, Vocabulary
from training.data.sources import DataSource
from training.errors import TrainingError

Review = Literal["", "confirmed", "changed", "added"]
"""The effect of a review on the label of an image; "added" if the image was not in the data."""


@dataclass(frozen=True, slots=True)
class Record:
    """One labelled image file. There may be millions, hence the slots."""

    path: str
    """Relative to the data folder, with forward slashes; a full address if the file lies elsewhere."""
    label: int
    """Index into the task's classes."""
    group: str
    """What a split must not separate: the patient, or a cluster of near-identical frames."""
    attributes: tuple[tuple[str, str], ...] = ()
    """Further properties of the image, as name and value, for tables by subgroup."""
    given: str = ""
    """The part of the source's own split (train, validation or test), if it has one."""
    review: Review = ""
    reviewed_at: str = ""
    """In ISO 8601; empty if unknown."""


@dataclass(frozen=True)
class Listing:
    """The files of a data set, before any is opened."""

    folder: str
    """Address to which the paths are relative."""
    how: str
    """How the files were read, in words."""
    records: tuple[Record, ...]
    """Sorted by path."""
    ungrouped: int
    """Number of images that are groups by themselves, because their patient is unknown."""
    left_out: dict[str, tuple[str, ...]]
    """Paths of the files left out, by reason (a key of findings.FINDINGS)."""


class Collector:
    """Turns rows into records; equal groups and equal attributes share one object."""

    def __init__(self, source: DataSource, vocabulary: Vocabulary, how: str):
        """Take the description of the data set, the names of the classes, and how the rows are read."""
        self.group_patterns = [re.compile(pattern) for pattern in source.group_patterns]
        self.attribute_patterns = {
            name: re.compile(pattern) for name, pattern in source.attribute_patterns.items()
        }
        self.vocabulary = vocabulary
        self.how = how
        self.groups: dict[str, str] = {}
        self.attributes: dict[tuple[tuple[str, str], ...], tuple[tuple[str, str], ...]] = {}
        self.same: list[tuple[str, str]] = []

    def collect(self, folder: str, rows: Iterable[Row]) -> Listing:
        """Make the listing of `folder` from its rows.

        Raises:
            TrainingError: if a row has a class that the task does not have.
        """
        records = []
        left_out: dict[str, list[str]] = defaultdict(list)
        ungrouped = 0
        for row in rows:
            if row.left_out:
                left_out[row.left_out].append(row.path)
                continue
            if self.vocabulary.leaves_out(row.class_name):
                left_out["other_class"].append(row.path)
                continue
            group = self._group(row)
            ungrouped += not group
            label = self.vocabulary.label(row, self.how)
            review = self._review(row, label)
            records.append(
                Record(
                    row.path,
                    label,
                    group or row.path,
                    self._attributes(row),
                    row.part,
                    review,
                    row.reviewed_at if review else "",
                )
            )
        merged = merge(self.same)
        records = [
            replace(record, group=merged[record.group]) if record.group in merged else record
            for record in records
        ]
        records.sort(key=lambda record: (record.path, record.label, record.group))
        return Listing(
            folder,
            self.how,
            tuple(records),
            ungrouped,
            {reason: tuple(sorted(paths)) for reason, paths in left_out.items()},
        )

    def _review(self, row: Row, label: int) -> Review:
        if not row.reviewed:
            return ""
        if not row.before:
            return "added"
        return "confirmed" if self.vocabulary.find(row.before) == label else "changed"

    def _group(self, row: Row) -> str:
        name = row.path.rpartition("/")[2]
        found = next((match[1] for pattern in self.group_patterns if (match := pattern.search(name))), "")
        if found and row.group and found != row.group:
            self.same.append((found, row.group))
        group = found or row.group
        return self.groups.setdefault(group, group)

    def _attributes(self, row: Row) -> tuple[tuple[str, str], ...]:
        name = row.path.rpartition("/")[2]
        found = {
            attribute: match[1]
            for attribute, pattern in self.attribute_patterns.items()
            if (match := pattern.search(name))
        }
        attributes = tuple((found | dict(row.attributes)).items())
        return self.attributes.setdefault(attributes, attributes)


def check_classes(listing: Listing, class_names: Sequence[str]) -> None:
    """Make sure that there are images of every class.

    Raises:
        TrainingError: naming a class that has none.
    """
    present = {record.label for record in listing.records}
    empty = [name for index, name in enumerate(class_names) if index not in present]
    if empty:
        raise TrainingError(
            f"'{listing.folder}' holds no image of class '{empty[0]}'. Every class of the task needs images: "
            f"{', '.join(class_names)}. It was read as: {listing.how}."
        )


def attributes(records: Iterable[Record]) -> list[str]:
    """Names of all attributes that any record has."""
    different = {record.attributes for record in records}
    return sorted({name for pairs in different for name, _ in pairs})


def subgroups(records: Sequence[Record], names: Sequence[str]) -> dict[str, list[str]]:
    """For each of the attributes in `names`, its value for each record ("" if unknown)."""
    return {name: [dict(record.attributes).get(name, "") for record in records] for name in names}

"""Labelled images on disk: which files, which class, which patient."""

import csv
import hashlib
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from training.errors import TrainingError

MANIFEST = "manifest.csv"
IMAGE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".tif", ".tiff", ".dcm", ""})


@dataclass(frozen=True)
class Record:
    """One labelled image file."""

    path: str
    """Relative to the data folder, with forward slashes."""
    label: int
    """Index into the task's classes."""
    group: str
    """What must not be parted by a split: the patient, or a cluster of near-identical frames."""


@dataclass(frozen=True)
class Listing:
    """What a data folder holds, before anything is left out."""

    records: tuple[Record, ...]
    ungrouped: int
    """Images that stand for themselves because nothing says which patient they show."""


@dataclass(frozen=True)
class Deduplication:
    """A listing in which every image content occurs once, with one label."""

    records: tuple[Record, ...]
    digests: tuple[str, ...]
    """SHA-256 of each record's file, in the order of `records`."""
    copies: tuple[str, ...]
    """Paths left out because a byte-identical file with the same label stays."""
    contradictions: tuple[str, ...]
    """Paths left out because byte-identical files carry different labels: nobody knows which is right."""


def read_folder(folder: Path, class_names: Sequence[str], group_patterns: Sequence[str] = ()) -> Listing:
    """List the labelled images of `folder`, sorted by path.

    The folder holds either a `manifest.csv` with the columns path and class (and group, where patients are
    known), or one folder of images per class. Where a file's name matches one of `group_patterns` (regular
    expressions with one capturing group), what it captures is the group, whatever the manifest says.

    Raises:
        TrainingError: if the folder is missing or empty, a class is unknown or without images, or a listed
            file does not exist.
    """
    if not folder.is_dir():
        raise TrainingError(
            f"There is no data folder '{folder}'. Name one with --data: it holds a {MANIFEST} with the "
            "columns path, class and group, or one folder of images per class."
        )
    manifest = folder / MANIFEST
    rows = sorted(_manifest_rows(manifest) if manifest.exists() else _class_folder_rows(folder, class_names))
    labels = {name: index for index, name in enumerate(class_names)}
    patterns = [re.compile(pattern) for pattern in group_patterns]
    records = []
    ungrouped = 0
    for path, class_name, group in rows:
        if class_name not in labels:
            raise TrainingError(
                f"{manifest} gives '{path}' the class '{class_name}', which the task does not have. "
                f"Its classes: {', '.join(class_names)}."
            )
        found = _group_in_name(path, patterns) or group
        ungrouped += not found
        records.append(Record(path, labels[class_name], found or path))
    _check_complete(folder, records, class_names)
    return Listing(tuple(records), ungrouped)


def deduplicate(folder: Path, records: Sequence[Record]) -> Deduplication:
    """Keep one of each set of byte-identical files, and none where their labels differ.

    Two groups that hold the same file are one patient under two names, so they become one group.
    """
    by_digest: dict[str, list[Record]] = defaultdict(list)
    for record in records:
        by_digest[hashlib.sha256((folder / record.path).read_bytes()).hexdigest()].append(record)
    group_of = _merge_groups([[record.group for record in same] for same in by_digest.values()])
    kept, digests, copies, contradictions = [], [], [], []
    for digest, same in by_digest.items():
        if len({record.label for record in same}) > 1:
            contradictions += [record.path for record in same]
            continue
        first, *others = same
        kept.append(Record(first.path, first.label, group_of[first.group]))
        digests.append(digest)
        copies += [record.path for record in others]
    return Deduplication(tuple(kept), tuple(digests), tuple(copies), tuple(contradictions))


def _manifest_rows(manifest: Path) -> Iterator[tuple[str, str, str]]:
    with manifest.open(newline="", encoding="utf-8") as file:
        reader = csv.DictReader(file)
        missing = sorted({"path", "class"} - set(reader.fieldnames or ()))
        if missing:
            raise TrainingError(
                f"{manifest} lacks the column '{missing[0]}'; its first line names the columns."
            )
        for row in reader:
            yield row["path"], row["class"], row.get("group") or ""


def _class_folder_rows(folder: Path, class_names: Sequence[str]) -> Iterator[tuple[str, str, str]]:
    for name in class_names:
        for path in (folder / name).rglob("*"):
            if path.is_file() and path.suffix.lower() in IMAGE_SUFFIXES and not path.name.startswith("."):
                yield path.relative_to(folder).as_posix(), name, ""


def _group_in_name(path: str, patterns: Sequence[re.Pattern[str]]) -> str:
    name = path.rpartition("/")[2]
    return next((match[1] for pattern in patterns if (match := pattern.search(name))), "")


def _check_complete(folder: Path, records: Sequence[Record], class_names: Sequence[str]) -> None:
    absent = [record.path for record in records if not (folder / record.path).is_file()]
    if absent:
        raise TrainingError(
            f"{len(absent)} of {len(records)} files that {folder / MANIFEST} lists do not exist, the first "
            f"being '{absent[0]}'. Paths are relative to the manifest's folder."
        )
    present = {record.label for record in records}
    empty = [name for index, name in enumerate(class_names) if index not in present]
    if empty:
        raise TrainingError(
            f"'{folder}' holds no image of class '{empty[0]}'. Every class of the task needs images: "
            f"{', '.join(class_names)}."
        )


def _merge_groups(together: Sequence[Sequence[str]]) -> dict[str, str]:
    """For each group, the name of the merged group it belongs to (union-find)."""
    parent: dict[str, str] = {}

    def root(name: str) -> str:
        parent.setdefault(name, name)
        while parent[name] != name:
            name = parent[name]
        return name

    for names in together:
        for name in names:
            parent[root(name)] = root(names[0])
    return {name: root(name) for name in parent}

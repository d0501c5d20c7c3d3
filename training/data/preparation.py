"""From labelled images to arrays for training, validation and test."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from chalicelib.tasks import Task
from training.core.hosts import ALONE, Hosts
from training.data.cleaning import CleanData, clean
from training.data.dataset import Listing, Record, attributes, check_classes, subgroups
from training.data.earlier_split import mark_earlier
from training.data.folds import check_enough_groups
from training.data.leave_out import LeftOut, mark_left_out, outside_test
from training.data.listing import Location, Places, list_images
from training.data.manifest import MANIFEST
from training.data.parts import PARTS, Part, fingerprint
from training.data.pixels import Labelled, PixelView, prepare_images, stream_images
from training.data.sources import DataSource, TestSplit, load_source
from training.data.split import (
    cross_validation_splits,
    split_around_test,
    split_as_given,
    split_by_group,
    split_further,
)
from training.data.storage import Storage
from training.errors import TrainingError

Split = Literal[TestSplit, "earlier", "left_out"]
"""As a TestSplit says, by extending an earlier preparation, or around the source that is left out."""


@dataclass(frozen=True)
class PreparedData(CleanData):
    """A data set, decoded, cleaned and split."""

    folder: str
    """Address to which the paths of the records are relative."""
    source: DataSource
    class_names: tuple[str, ...]
    split_seed: int
    parts: dict[Part, list[int]]
    """Indices into `records`."""
    fingerprint: str
    """Of contents, labels, groups and parts; the same for the same data, seed and split."""
    left_out_source: LeftOut | None = None
    """The source that is the test part; None if no source was left out."""

    def folds(self, count: int) -> list["PreparedData"]:
        """`count` splits for cross-validation with different validation parts; this is the first.

        Raises:
            TrainingError: if the train part is too small for this many folds.
        """
        splits = cross_validation_splits(self.records, self.contents, self.parts, count, self.split_seed)
        return [replace(self, parts=parts) for parts in splits]

    def labelled(self, part: Part, outlines: NDArray[np.uint8] | None = None) -> Labelled:
        """Images, labels and outlines of one part; the images are read when they are indexed.

        `outlines` are those of all records, shape (N, H, W).
        """
        indices = self.parts[part]
        labels = np.array([self.records[index].label for index in indices], np.int64)
        own = None if outlines is None else PixelView(outlines[:, None], np.array(indices, np.int64))
        return Labelled(self.pixels.view(indices), labels, own)

    def groups(self, part: Part) -> list[str]:
        """The group of each image of one part."""
        return [self.records[index].group for index in self.parts[part]]

    def subgroups(self, part: Part) -> dict[str, list[str]]:
        """For each attribute in the data set, its value for each image of a part ("" if unknown)."""
        return subgroups([self.records[index] for index in self.parts[part]], attributes(self.records))

    def describe_split(self) -> dict[str, Any]:
        """Sizes of the parts, as `model.json` holds them."""
        return {
            part: {
                "images": len(self.parts[part]),
                "groups": len(set(self.groups(part))),
                "classes": self._count(part),
            }
            for part in PARTS
        }

    def describe_given_test(self) -> str | None:
        """The test part that was left out or came with the data, in words; None if there is none."""
        removed = self.findings.get("leaks", 0)
        if self.left_out_source:
            return self.left_out_source.describe(self._count("test"), removed)
        return self.given_split.describe(self.keeps_test, removed) if self.given_split else None

    def _count(self, part: Part) -> dict[str, int]:
        counts = Counter(self.records[index].label for index in self.parts[part])
        return {name: counts[label] for label, name in enumerate(self.class_names)}


@dataclass(frozen=True)
class EvaluationData:
    """Labelled images to test a model on, without a split; classes may be absent."""

    folder: str
    """Address to which the paths of the records are relative."""
    records: tuple[Record, ...]
    digests: tuple[bytes, ...]
    """SHA-256 of each record's file."""
    contents: tuple[bytes, ...]
    """SHA-256 of each record's pixels."""
    labelled: Labelled
    groups: list[str]
    """The group (patient) of each image."""
    subgroups: dict[str, list[str]]
    """For each attribute in the data set, its value for each image ("" if unknown)."""
    findings: dict[str, int]
    """Numbers of images found and left out, by the keys of findings.FINDINGS."""


def prepare_data(
    location: Places,
    dataset: str,
    task: Task,
    split_seed: int,
    workplace: Path,
    *,
    labels: str | Path | None = None,
    layout: str | None = None,
    min_confidence: float = 0.0,
    near_duplicates: float | None = None,
    test_split: TestSplit | None = None,
    earlier: str | Path | None = None,
    leave_out: str | None = None,
    stream: bool = False,
    hosts: Hosts = ALONE,
    client: Any = None,
) -> PreparedData:
    """List, read, clean and split labelled images.

    Args:
        location: a folder or s3:// prefix (with manifest.csv, output.manifest, class folders or a known
            layout), or a Ground Truth output manifest; several of them are one data set.
        dataset: entry of datasets.toml.
        task: whose classes and input.
        split_seed: of the split.
        workplace: folder for large arrays, which must exist while the data are used.
        labels: a Ground Truth output manifest that adds to `location` and corrects its labels.
        layout: how the folder is laid out; None to recognise it.
        min_confidence: the lowest confidence with which a Ground Truth label is used.
        near_duplicates: correlation of thumbnails above which images count as one patient's; 0 skips the
            search, None uses the value in datasets.toml.
        test_split: "given" to test on the test part that comes with the data, "own" to draw one, "fixed" to
            keep all parts of the data's manifest; None uses the value in datasets.toml.
        earlier: manifest.csv of an earlier preparation, whose images keep their parts.
        leave_out: ATTRIBUTE=VALUE of the images that become the test part, to test on an unseen source.
        stream: read each image whenever it is needed, and keep none on the disk. Those of a preparation whose
            parts are kept ("fixed") are not read here at all.
        hosts: all that call this function with the same arguments, and share the reading.
        client: S3 client; None to create one if needed.

    Raises:
        TrainingError: if the data do not allow training; the message says what is missing.
    """
    source = load_source(dataset, task.name)
    place = Location(location, labels, layout, min_confidence)
    storage = Storage(client)
    listing = list_images(storage, place, task.class_names, source)
    check_classes(listing, task.class_names)
    how = _choose_split(listing, source, test_split, earlier, leave_out)
    left_out = None
    if leave_out is not None:
        listing, left_out = mark_left_out(listing, place, leave_out, task.class_names)
    # Before reading, which may take hours.
    check_enough_groups(outside_test(listing.records) if left_out else listing.records, task.class_names)
    if stream and how == "fixed" and listing.how == MANIFEST:
        images = stream_images(storage, listing.folder, listing.records, task.input)
    else:
        store = None if stream else workplace / "pixels.npy"
        images = prepare_images(storage, listing.folder, listing.records, task.input, store, hosts)
    if earlier:
        listing = mark_earlier(storage, str(earlier), listing, images)
    # The groups of a manifest with all parts are final.
    threshold = 0.0 if how == "fixed" else _threshold(source, near_duplicates)
    keep_test = how in ("given", "earlier", "left_out")
    data = clean(listing, images, threshold, keep_test, workplace, grows=how == "earlier")
    parts = _split(data, task.class_names, split_seed, how)
    return PreparedData(
        **vars(data) | {"keeps_test": keep_test or how == "fixed"},
        folder=listing.folder,
        source=source,
        class_names=task.class_names,
        split_seed=split_seed,
        parts=parts,
        fingerprint=fingerprint(data.records, data.digests, parts),
        left_out_source=left_out,
    )


def prepare_evaluation_data(
    location: Places,
    dataset: str,
    task: Task,
    workplace: Path,
    *,
    labels: str | Path | None = None,
    layout: str | None = None,
    min_confidence: float = 0.0,
    near_duplicates: float | None = None,
    client: Any = None,
) -> EvaluationData:
    """List, read and clean labelled images to test a model on; for the arguments see `prepare_data`.

    Raises:
        TrainingError: if there is nothing to evaluate; the message says what is missing.
    """
    source = load_source(dataset, task.name)
    place = Location(location, labels, layout, min_confidence)
    storage = Storage(client)
    listing = list_images(storage, place, task.class_names, source)
    if not listing.records:
        raise TrainingError(
            f"'{listing.folder}' holds no image of any class ({', '.join(task.class_names)}). It was read "
            f"as: {listing.how}."
        )
    images = prepare_images(storage, listing.folder, listing.records, task.input, workplace / "pixels.npy")
    data = clean(listing, images, _threshold(source, near_duplicates), False, workplace)
    return EvaluationData(
        listing.folder,
        data.records,
        data.digests,
        data.contents,
        Labelled(data.pixels, np.array([record.label for record in data.records], np.int64)),
        [record.group for record in data.records],
        subgroups(data.records, attributes(data.records)),
        data.findings,
    )


def _split(data: CleanData, class_names: Sequence[str], seed: int, how: Split) -> dict[Part, list[int]]:
    if how == "fixed":
        return split_as_given(data.records, data.contents, class_names)
    if how == "left_out":
        return split_around_test(data.records, data.contents, class_names, seed, every_class=False)
    split = {"own": split_by_group, "given": split_around_test, "earlier": split_further}[how]
    return split(data.records, data.contents, class_names, seed)


def _threshold(source: DataSource, asked: float | None) -> float:
    threshold = (source.near_duplicates or 0.0) if asked is None else asked
    if not 0 <= threshold < 1:
        raise TrainingError(f"--near-duplicates is a correlation from 0 to below 1, not {threshold}.")
    return threshold


def _choose_split(
    listing: Listing,
    source: DataSource,
    asked: TestSplit | None,
    earlier: str | Path | None,
    left_out: str | None,
) -> Split:
    """How to split; an entry of datasets.toml may ask for a given test part that the data do not have."""
    if left_out is not None:
        if asked or earlier:
            other = "--earlier" if earlier else f"--test-split {asked}"
            raise TrainingError(f"--leave-out sets the test part: leave out {other}.")
        return "left_out"
    if earlier:
        if asked:
            raise TrainingError(f"--earlier sets the parts: leave out --test-split {asked}.")
        return "earlier"
    choice = asked or source.test_split
    if choice == "own" or any(record.given == "test" for record in listing.records):
        return choice
    if asked:
        raise TrainingError(
            f"'{listing.folder}' has no test part: no folder called test, and no manifest line with the "
            "split test. Draw one with --test-split own."
        )
    return "own"

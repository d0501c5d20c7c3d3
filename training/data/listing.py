"""Listing labelled images: from manifests, folders, or labelling jobs."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from training.data.dataset import Collector, Listing
from training.data.folders import read_folder
from training.data.ground_truth import MANIFEST as OUTPUT_MANIFEST
from training.data.ground_truth import SUFFIXES, read_output_manifest
from training.data.manifest import MANIFEST, read_manifest
from training.data.rows import Row, Vocabulary
from training.data.sources import DataSource
from training.data.storage import S3, Storage, join, parent
from training.errors import TrainingError


@dataclass(frozen=True)
class Location:
    """Where labelled images are, and how to read them."""

    data: str | Path
    """A folder or s3:// prefix, or a Ground Truth output manifest."""
    labels: str | Path | None = None
    """A Ground Truth output manifest that adds to the images of `data` and corrects their labels."""
    layout: str | None = None
    """Name of the folder's layout; None to recognise it."""
    min_confidence: float = 0.0
    """The lowest confidence with which a Ground Truth label is used."""


def list_images(
    storage: Storage, location: Location, class_names: Sequence[str], source: DataSource
) -> Listing:
    """List the labelled images at `location`.

    A folder holds a `manifest.csv`, or a Ground Truth `output.manifest`, or images in a known layout. The
    group of an image comes from its source and from the `group_patterns` that match its name; images that
    either of them calls one patient are one group. A label in `location.labels` replaces that of the data.

    Raises:
        TrainingError: if nothing is there, a class is unknown, or a listed file does not exist.
    """
    data = str(location.data)
    folder = parent(data) if data.endswith(SUFFIXES) else data
    vocabulary = Vocabulary(class_names, source.aliases)
    how, rows, listed = _read(storage, location, folder, class_names, vocabulary)
    if location.labels:
        labels = str(location.labels)
        corrected = {
            row.path: row._replace(reviewed=True)
            for row in read_output_manifest(storage, labels, folder, location.min_confidence)
        }
        how = f"{how}; labels of {len(corrected)} images from {labels}"
        rows = _correct(rows, corrected)
        listed = True
    listing = Collector(source, vocabulary, how).collect(folder, rows)
    if listed:
        _check_files(storage, listing)
    return listing


def _read(
    storage: Storage, location: Location, folder: str, class_names: Sequence[str], vocabulary: Vocabulary
) -> tuple[str, Iterator[Row], bool]:
    """How the data are read, their rows, and whether they come from a list, which may name absent files."""
    named = str(location.data)
    manifest, output_manifest = join(folder, MANIFEST), join(folder, OUTPUT_MANIFEST)
    if named != folder:
        output_manifest = named
    elif location.layout:
        return *read_folder(storage, folder, class_names, vocabulary, location.layout), False
    elif storage.exists(manifest):
        return MANIFEST, read_manifest(storage, manifest), True
    elif not storage.exists(output_manifest):
        return *read_folder(storage, folder, class_names, vocabulary), False
    rows = read_output_manifest(storage, output_manifest, folder, location.min_confidence)
    return f"Ground Truth manifest {output_manifest}", rows, True


def _correct(rows: Iterable[Row], corrected: dict[str, Row]) -> Iterator[Row]:
    """Replace the rows whose path is in `corrected`, and append the rest of `corrected`."""
    for row in rows:
        if row.path not in corrected or row.left_out in ("foreign", "skipped"):
            yield row
            continue
        label = corrected.pop(row.path)
        if label.left_out:
            yield row
        else:
            yield label._replace(
                group=label.group or row.group,
                part=label.part or row.part,
                attributes=row.attributes + label.attributes,
                before=row.class_name,
            )
    yield from corrected.values()


def _check_files(storage: Storage, listing: Listing) -> None:
    # Asking S3 for each of a million objects takes longer than reading them, so absence shows on reading.
    absent = [
        record.path
        for record in listing.records
        if not (address := join(listing.folder, record.path)).startswith(S3) and not storage.exists(address)
    ]
    if absent:
        raise TrainingError(
            f"{len(absent)} of {len(listing.records)} files listed in {listing.how} do not exist, for "
            f"example '{absent[0]}'. Paths are relative to the folder of the list."
        )

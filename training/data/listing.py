"""Listing labelled images: from manifests, folders, or labelling jobs."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from training.data.dataset import Collector, Listing
from training.data.folders import read_folder
from training.data.ground_truth import MANIFEST as OUTPUT_MANIFEST
from training.data.ground_truth import SUFFIXES, read_output_manifest
from training.data.manifest import MANIFEST, read_manifest
from training.data.manifest_row import Row, Vocabulary
from training.data.sources import DataSource
from training.data.storage import S3, Storage, absolute, common_folder, join, parent, relative
from training.errors import TrainingError

Places = str | Path | Sequence[str | Path]
"""One or several addresses."""


@dataclass(frozen=True)
class Location:
    """Where labelled images are, and how to read them."""

    data: Places
    """Folders or s3:// prefixes, or Ground Truth output manifests, which are one data set."""
    labels: str | Path | None = None
    """A Ground Truth output manifest that adds to the images of `data` and corrects their labels."""
    layout: str | None = None
    """Name of the folder's layout; None to recognise it."""
    min_confidence: float = 0.0
    """The lowest confidence with which a Ground Truth label is used."""

    @property
    def places(self) -> list[str]:
        """All addresses in `data`."""
        return [str(self.data)] if isinstance(self.data, str | Path) else list(map(str, self.data))


def list_images(
    storage: Storage, location: Location, class_names: Sequence[str], source: DataSource
) -> Listing:
    """List the labelled images at `location`.

    A folder holds a `manifest.csv`, or a Ground Truth `output.manifest`, or images in a known layout. The
    group of an image comes from its source and from the `group_patterns` that match its name; images that
    either of them calls one patient are one group, in whatever folder they are. A label in `location.labels`
    replaces that of the data.

    Raises:
        TrainingError: if nothing is there, a class is unknown, or a listed file does not exist.
    """
    vocabulary = Vocabulary(class_names, source.aliases)
    folder, readings = _read_all(storage, location, class_names, vocabulary)
    how = "; ".join(reading.how for reading in readings)
    rows: Iterable[Row] = chain.from_iterable(reading.rows for reading in readings)
    listed = any(reading.listed for reading in readings)
    if location.labels:
        labels = str(location.labels)
        found = read_output_manifest(storage, labels, folder, location.min_confidence)
        # Of several labels of one image the newest is the last.
        corrected = {
            row.path: row._replace(reviewed=True) for row in sorted(found, key=lambda row: row.reviewed_at)
        }
        how = f"{how}; labels of {len(corrected)} images from {labels}"
        rows = _correct(rows, corrected)
        listed = True
    listing = Collector(source, vocabulary, how).collect(folder, rows)
    if listed:
        _check_files(storage, listing)
    return listing


@dataclass(frozen=True)
class _Reading:
    """How one folder or manifest was read."""

    how: str
    """In words."""
    rows: Iterator[Row]
    listed: bool
    """Whether the rows come from a list, which may name absent files."""


def _read_all(
    storage: Storage, location: Location, class_names: Sequence[str], vocabulary: Vocabulary
) -> tuple[str, list[_Reading]]:
    """The folder to which all paths are relative, and the reading of each folder or manifest."""
    places = location.places
    if len(places) == 1:
        folder = data_folder(places[0])
        return folder, [_read(storage, location, places[0], class_names, vocabulary)]
    places = [absolute(place) for place in places]
    if len(set(places)) < len(places):
        raise TrainingError("The same data are named twice. Name each folder once.")
    common = common_folder(list(dict.fromkeys(map(data_folder, places))))
    readings = []
    for place in places:
        reading = _read(storage, location, place, class_names, vocabulary)
        rows = _move(reading.rows, data_folder(place), common)
        readings.append(_Reading(f"{relative(place, common)}: {reading.how}", rows, reading.listed))
    return common, readings


def data_folder(place: str) -> str:
    """The folder to which the paths of the images at `place` are relative."""
    return parent(place) if place.endswith(SUFFIXES) else place


def _move(rows: Iterator[Row], folder: str, common: str) -> Iterator[Row]:
    """The rows with paths that are relative to `common` instead of `folder`."""
    for row in rows:
        yield row._replace(path=relative(join(folder, row.path), common))


def _read(
    storage: Storage, location: Location, place: str, class_names: Sequence[str], vocabulary: Vocabulary
) -> _Reading:
    folder = data_folder(place)
    manifest, output_manifest = join(folder, MANIFEST), join(folder, OUTPUT_MANIFEST)
    if place != folder:
        output_manifest = place
    elif location.layout:
        return _Reading(*read_folder(storage, folder, class_names, vocabulary, location.layout), False)
    elif storage.exists(manifest):
        return _Reading(MANIFEST, read_manifest(storage, manifest), True)
    elif not storage.exists(output_manifest):
        return _Reading(*read_folder(storage, folder, class_names, vocabulary), False)
    rows = read_output_manifest(storage, output_manifest, folder, location.min_confidence)
    return _Reading(f"Ground Truth manifest {output_manifest}", rows, True)


def _correct(rows: Iterable[Row], corrected: dict[str, Row]) -> Iterator[Row]:
    """Replace the rows whose path is in `corrected`, and append the rest of `corrected`."""
    for row in rows:
        if row.path not in corrected or row.left_out in ("not_images", "skipped"):
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

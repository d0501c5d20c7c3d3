"""Folders of labelled images, on disk or in S3: classes from the paths of files."""

import csv
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import partial

from chalicelib.labelled_data.class_paths import (
    CLASS_FOLDERS,
    FindClass,
    class_folder,
    is_image,
    layouts_for,
    recognise,
    sample,
    share_found,
    without_masks,
)
from chalicelib.labelled_data.layouts import Layout
from chalicelib.labelled_data.masks import masks_among
from training.data.manifest_row import Row, Vocabulary, given_part
from training.data.storage import Storage, explained_csv, join
from training.errors import TrainingError


def read_folder(
    storage: Storage,
    folder: str,
    class_names: Sequence[str],
    vocabulary: Vocabulary,
    wanted: str | None = None,
) -> tuple[str, Iterator[Row]]:
    """Read `folder` in the layout called `wanted` or, if that is None, in the one that fits.

    Images that a described layout does not place may be in folders of classes, as those that were added to a
    public data set. Masks of images are skipped.

    Returns how the folder was read, in words, and a row for every file.

    Raises:
        TrainingError: if the layout is unknown or none fits; the message says what was found.
    """
    layouts = layouts_for(class_names)
    known = ", ".join([*layouts, CLASS_FOLDERS])
    if wanted and wanted not in (*layouts, CLASS_FOLDERS):
        raise TrainingError(f"There is no layout '{wanted}' for the classes of this task. Known: {known}.")
    paths = sorted(storage.paths(folder))
    masks = masks_among(paths)
    images = [path for path in paths if is_image(path) and path not in masks]
    sampled = sample(images)
    find_class_folder = partial(_class_folder, vocabulary=vocabulary)
    name = wanted or recognise(layouts, find_class_folder, sampled)
    if not name:
        raise TrainingError(
            f"'{folder}' fits no known layout: {_describe(images)}, {len(paths) - len(images)} other files. "
            "It should hold manifest.csv (path, class, group), or a folder for each class "
            f"({', '.join(class_names)}), or be one of: {known}. If a Ground Truth output manifest has the "
            "classes, name the manifest instead of the folder."
        )
    if name == CLASS_FOLDERS:
        how = f"one folder per class; {_share(find_class_folder, sampled)}"
        return how, _rows(paths, find_class_folder, masks.__contains__)
    layout = layouts[name]

    def find_class(path: str) -> str:
        return layout.find_class(path) or find_class_folder(path)

    how = f"layout {name}: {layout.title}; {_share(find_class, without_masks(layout, sampled))}"
    rows = _rows(paths, find_class, lambda path: path in masks or layout.skips(path))
    return how, rows if layout.table is None else _with_table(rows, layout, storage, folder, paths)


def _rows(paths: Sequence[str], find_class: FindClass, skips: Callable[[str], bool]) -> Iterator[Row]:
    for path in paths:
        if not is_image(path):
            yield Row(path, "", left_out="not_images")
        elif skips(path):
            yield Row(path, "", left_out="skipped")
        elif class_name := find_class(path):
            yield Row(path, class_name, part=given_part(path))
        else:
            yield Row(path, "", left_out="unplaced")


def _with_table(
    rows: Iterator[Row], layout: Layout, storage: Storage, folder: str, paths: Sequence[str]
) -> Iterator[Row]:
    """Add patient and attributes from the layout's table; leave out files whose folder contradicts it."""
    table = layout.table
    assert table is not None
    file = next((path for path in paths if path.rpartition("/")[2] == table.file), None)
    if file is None:
        yield from rows
        return
    address = join(folder, file)
    with explained_csv(address):
        reader = csv.DictReader(storage.lines(address), restval="", strict=True)
        needed = (table.key, table.class_column, table.group, *table.attributes)
        missing = [column for column in needed if column not in (reader.fieldnames or ())]
        if missing:
            raise TrainingError(
                f"{address} has no column '{missing[0]}'. Take the table that comes with the data set."
            )
        lines = {line[table.key]: line for line in reader}
    for row in rows:
        name = row.path.rpartition("/")[2]
        line = lines.get(name.rpartition(".")[0]) or lines.get(name)
        if line is None or row.left_out:
            yield row
            continue
        told = layout.find_class(f"{line[table.class_column]}/{name}")
        known = [(column, line[column]) for column in table.attributes if line[column] != table.unknown]
        group = "" if line[table.group] == table.unknown else line[table.group]
        yield row._replace(
            group=group, attributes=tuple(known), left_out="" if told == row.class_name else "disputed"
        )


def _class_folder(path: str, vocabulary: Vocabulary) -> str:
    folder = class_folder(path)
    return folder if vocabulary.find(folder) is not None else ""


def _share(find_class: FindClass, paths: Sequence[str]) -> str:
    return f"the path gives the class of {share_found(find_class, paths):.0%} of {len(paths)} images sampled"


def _describe(images: Sequence[str]) -> str:
    """Numbers of images by folder."""
    counts = Counter("/".join(path.split("/")[:-1]) or "(top)" for path in images)
    found = ", ".join(f"{place} ({count})" for place, count in counts.most_common(8))
    return f"{len(images)} images in {len(counts)} folders{f', most of them in {found}' if found else ''}"

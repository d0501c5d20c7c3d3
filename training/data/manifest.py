"""manifest.csv: one line per image."""

import csv
from collections.abc import Iterator, Mapping

from chalicelib.labelled_data.class_paths import GIVEN_PARTS
from training.data.manifest_row import Row
from training.data.parts import PARTS, Part
from training.data.storage import Storage, explained_csv
from training.errors import TrainingError

MANIFEST = "manifest.csv"
COLUMNS = frozenset({"path", "class", "group", "split", "part", "source_sha256", "sha256", "pixels_sha256"})
"""Columns that are not attributes of the image."""


def read_manifest(storage: Storage, address: str) -> Iterator[Row]:
    """Yield a row per line. The columns path and class are required; group, split and others are optional.

    Other columns are attributes, such as sex or scanner, for tables by subgroup. The case of those four names
    does not matter, nor do blanks around columns, groups and attributes: they must not make two patients of
    one, nor two scanners.

    Raises:
        TrainingError: if a column is missing, or a line has no path or class, or an unknown part.
    """
    with explained_csv(address):
        yield from _read_rows(storage, address)


def _read_rows(storage: Storage, address: str) -> Iterator[Row]:
    reader = csv.DictReader(storage.lines(address), strict=True)
    columns = [_column(name) for name in reader.fieldnames or ()]
    if twice := next((name for name in columns if name in COLUMNS and columns.count(name) > 1), None):
        raise TrainingError(f"{address} has the column '{twice}' twice.")
    reader.fieldnames = columns
    missing = sorted({"path", "class"} - set(columns))
    if missing:
        raise TrainingError(f"{address} has no column '{missing[0]}'; the first line must name the columns.")
    extra = [column for column in columns if column not in COLUMNS]
    for line in reader:
        part = (line.get("split") or line.get("part") or "").strip()
        if part and part.lower() not in GIVEN_PARTS:
            raise TrainingError(
                f"{address}, line {reader.line_num}: the split '{part}' is not one of "
                f"{', '.join(GIVEN_PARTS)}."
            )
        if not line["path"] or not line["class"]:
            raise TrainingError(f"{address}, line {reader.line_num}: path or class is empty.")
        yield Row(
            line["path"],
            line["class"],
            group=(line.get("group") or "").strip(),
            part=GIVEN_PARTS.get(part.lower(), ""),
            attributes=tuple((column, value) for column in extra if (value := (line[column] or "").strip())),
            sha256=line.get("sha256") or "",
        )


def _column(name: str) -> str:
    name = name.strip()
    return name.lower() if name.lower() in ("path", "class", "group", "split") else name


def read_digests(storage: Storage, address: str) -> dict[str, tuple[bytes, bytes]]:
    """The SHA-256 of each file in the manifest.csv of a preparation, and that of its pixels, by its path.

    Raises:
        TrainingError: if the manifest cannot be read or was not written by a preparation.
    """
    return {line["path"]: digests for _, line, digests in _read_preparation(storage, address)}


def _read_preparation(
    storage: Storage, address: str
) -> Iterator[tuple[str, Mapping[str, str], tuple[bytes, bytes]]]:
    """For each line its place, its columns, and the SHA-256 of the file and of its pixels."""
    with explained_csv(address):
        reader = csv.DictReader(storage.lines(address, "surrogateescape"), restval="", strict=True)
        missing = [column for column in ("sha256", "part") if column not in (reader.fieldnames or ())]
        if missing:
            raise TrainingError(
                f"{address} has no column '{missing[0]}': it was not written by a preparation."
            )
        for line in reader:
            place = f"{address}, line {reader.line_num}"
            # Earlier versions did not write that of the pixels.
            texts = line["sha256"], line.get("pixels_sha256") or line["sha256"]
            try:
                digests = bytes.fromhex(texts[0]), bytes.fromhex(texts[1])
            except ValueError as error:
                raise TrainingError(f"{place}: {texts} are not hexadecimal digests.") from error
            yield place, line, digests


def read_parts(storage: Storage, address: str) -> dict[bytes, Part]:
    """The part of each image in the manifest.csv of a preparation, by the SHA-256 of its file and pixels.

    Raises:
        TrainingError: if the manifest cannot be read or was not written by a preparation.
    """
    parts: dict[bytes, Part] = {}
    for place, line, digests in _read_preparation(storage, address):
        if line["part"] not in PARTS:
            raise TrainingError(f"{place}: '{line['part']}' is not a part.")
        parts |= dict.fromkeys(digests, line["part"])
    return parts

"""manifest.csv: one line per image."""

import csv
from collections.abc import Iterator

from training.data.rows import GIVEN_PARTS, Row
from training.data.storage import Storage
from training.errors import TrainingError

MANIFEST = "manifest.csv"
COLUMNS = frozenset({"path", "class", "group", "split", "part", "source_sha256", "sha256"})
"""What is no attribute of the image."""


def read_manifest(storage: Storage, address: str) -> Iterator[Row]:
    """One row per line. The columns path and class must be there; group, split and any others may.

    Other columns are attributes: sex, scanner and the like, for tables by subgroup.

    Raises:
        TrainingError: if a column is missing or a line says nothing of its class or part.
    """
    reader = csv.DictReader(storage.lines(address))
    columns = reader.fieldnames or ()
    missing = sorted({"path", "class"} - set(columns))
    if missing:
        raise TrainingError(f"{address} lacks the column '{missing[0]}'; its first line names the columns.")
    extra = [column for column in columns if column not in COLUMNS]
    for line in reader:
        part = (line.get("split") or line.get("part") or "").strip()
        if part and part.lower() not in GIVEN_PARTS:
            raise TrainingError(
                f"{address}, line {reader.line_num}: the split '{part}' is none of {', '.join(GIVEN_PARTS)}."
            )
        if not line["path"] or not line["class"]:
            raise TrainingError(f"{address}, line {reader.line_num}: path or class is empty.")
        yield Row(
            line["path"],
            line["class"],
            group=line.get("group") or "",
            part=GIVEN_PARTS.get(part.lower(), ""),
            attributes=tuple((column, line[column]) for column in extra if line[column]),
        )

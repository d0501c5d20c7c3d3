"""The files that describe a prepared data set: report, manifest, findings, contact sheet."""

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np

from training.data.contact_sheet import draw_contact_sheet
from training.data.dataset import attributes
from training.data.manifest import MANIFEST
from training.data.parts import PARTS
from training.data.preparation import PreparedData
from training.data.report import render_report
from training.data.storage import S3, join

AT_ONCE = 64
"""Arrays that are read at once."""


def write_arrays(data: PreparedData, folder: Path) -> None:
    """Write each prepared image of the test part into `folder` as SHA256.npy."""
    folder.mkdir(parents=True, exist_ok=True)
    test = data.parts["test"]
    images = data.pixels.view(test)
    for start in range(0, len(test), AT_ONCE):
        members = test[start : start + AT_ONCE]
        for index, image in zip(members, images[start : start + AT_ONCE], strict=True):
            np.save(folder / f"{data.digests[index].hex()}.npy", image)


def write_files(data: PreparedData, folder: Path) -> None:
    """Write data.md, data.json, manifest.csv and contact-sheet.png into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    write_manifest(data, folder / MANIFEST)
    (folder / "data.json").write_text(json.dumps(_facts(data), indent=2) + "\n", encoding="utf-8")
    draw_contact_sheet(data, folder / "contact-sheet.png")
    (folder / "data.md").write_bytes(render_report(data).encode(errors="surrogateescape"))


def write_manifest(data: PreparedData, path: Path) -> None:
    """Write one line per image that is used: path, digests, class, group, part and every attribute.

    Images in S3 have their full address, so that the manifest can be used from anywhere. On disk, paths are
    relative to the data, which may be moved as a whole.
    """
    in_s3 = data.folder.startswith(S3)
    part_of = {index: part for part in PARTS for index in data.parts[part]}
    names = attributes(data.records)
    # File names need not be valid Unicode.
    with path.open("w", newline="", encoding="utf-8", errors="surrogateescape") as file:
        writer = csv.writer(file)
        writer.writerow(("path", "sha256", "pixels_sha256", "class", "group", "part", *names))
        for index, record in enumerate(data.records):
            known = dict(record.attributes)
            values = (known.get(name, "") for name in names)
            address = join(data.folder, record.path) if in_s3 else record.path
            digests = data.digests[index].hex(), data.contents[index].hex()
            class_name = data.class_names[record.label]
            writer.writerow((address, *digests, class_name, record.group, part_of[index], *values))


def _facts(data: PreparedData) -> dict[str, Any]:
    given, left_out = data.given_split, data.left_out_source
    return {
        "title": data.source.title,
        "how": data.how,
        "fingerprint": data.fingerprint,
        "split_seed": data.split_seed,
        "split": data.describe_split(),
        "findings": data.findings,
        "left_out_source": left_out and vars(left_out),
        "given_split": given and {**vars(given), "kept": data.keeps_test},
        "shapes": [
            {"format": name, "width": width, "height": height, "files": count}
            for (name, width, height), count in sorted(data.shapes.items())
        ],
        "contradictions": [
            {"paths": contradiction.paths, "correlation": round(contradiction.correlation, 4)}
            for contradiction in data.contradictions
        ],
        "problems": data.problems,
        "left_out": data.left_out,
    }

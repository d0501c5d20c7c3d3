"""Provenance: the part of a model's training data in which each image was."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from training.core.facts import Facts
from training.data.dataset import Record
from training.data.manifest import read_parts
from training.data.parts import PARTS, fingerprint
from training.data.split import split_around_test, split_by_group
from training.data.storage import Storage
from training.errors import TrainingError

NONE = "none"
"""Marks an image that was in no part."""
UNKNOWN = (
    "unknown, because a package has no list of its images. If they were, the results below are too good. To "
    "find out, give the manifest.csv from the reports of the training with --manifest"
)


def look_up_parts(manifest: Path, digests: Sequence[bytes], contents: Sequence[bytes]) -> list[str]:
    """The part of each image in the manifest.csv of a training; `NONE` if it is not listed.

    An image is found by its file or, if it was saved again in another format, by its pixels.

    Raises:
        TrainingError: if the manifest cannot be read, or is not that of a training.
    """
    part_of = read_parts(Storage(), str(manifest))
    return [
        part_of.get(digest, part_of.get(content, NONE))
        for digest, content in zip(digests, contents, strict=True)
    ]


def find_parts(
    model: Facts, records: Sequence[Record], digests: Sequence[bytes], class_names: Sequence[str]
) -> list[str] | None:
    """The part of each image if these are exactly the images of a model's training, else None.

    They are split like those of its training. If the fingerprint is that in `model`, the content of a
    model.json, then images, labels, groups and parts are the same.
    """
    for split in (split_by_group, split_around_test):
        try:
            parts = split(records, digests, class_names, model["training"]["split_seed"])
            found = fingerprint(records, digests, parts)
        except (TrainingError, KeyError, ValueError):
            continue  # too few images for a training, or a package of another origin
        if found == model["data"]["fingerprint"]:
            part_of = {index: part for part, members in parts.items() for index in members}
            return [part_of[index] for index in range(len(records))]
    return None


def describe_parts(parts: Sequence[str] | None) -> str:
    """For the report: the numbers of images in each part of the training data."""
    if parts is None:
        return UNKNOWN
    counts = Counter(parts)
    listed = ", ".join(f"{counts[part]} in {part}" for part in (*PARTS, NONE))
    seen = counts["train"] + counts["validation"]
    if not seen:
        return f"no, by their content ({listed})"
    return (
        f"**yes** ({listed}). The results below are too good: they measure memory. With --part test only the "
        "images of the test part are scored"
    )

"""Whether a model has seen images before: in which part of its training data each of them stood."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from training.core.facts import Facts
from training.data.dataset import Record
from training.data.manifest import read_parts
from training.data.split import PARTS, fingerprint, split_around_test, split_by_group
from training.data.storage import Storage
from training.errors import TrainingError

NONE = "none"
"""The part of an image that was in no part."""
UNKNOWN = (
    "that cannot be told: a package keeps no list of its images. If they were, the results below are too "
    "good. The manifest.csv among the reports of the training, given as --manifest, tells"
)


def look_up_parts(manifest: Path, digests: Sequence[bytes]) -> list[str]:
    """The part in which a training's manifest.csv lists each image, by its content; `NONE` if it does not.

    Raises:
        TrainingError: if the manifest cannot be read, or is none of a training.
    """
    part_of = read_parts(Storage(), str(manifest))
    return [part_of.get(digest, NONE) for digest in digests]


def find_parts(
    model: Facts, records: Sequence[Record], digests: Sequence[bytes], class_names: Sequence[str]
) -> list[str] | None:
    """The part of each image, if these are exactly the images of a model's training; None if they are not.

    They are split as its training was; if the fingerprint is that of `model`, the content of a model.json, so
    are images, labels, groups and parts.
    """
    for split in (split_by_group, split_around_test):
        try:
            parts = split(records, digests, class_names, model["training"]["split_seed"])
            found = fingerprint(records, digests, parts)
        except (TrainingError, KeyError, ValueError):
            continue  # too few images to have been those of a training, or a package of another origin
        if found == model["data"]["fingerprint"]:
            part_of = {index: part for part, members in parts.items() for index in members}
            return [part_of[index] for index in range(len(records))]
    return None


def describe_parts(parts: Sequence[str] | None) -> str:
    """For the report: how many of the images were seen in training."""
    if parts is None:
        return UNKNOWN
    counts = Counter(parts)
    listed = ", ".join(f"{counts[part]} in {part}" for part in (*PARTS, NONE))
    seen = counts["train"] + counts["validation"]
    if not seen:
        return f"no, by their content ({listed})"
    return (
        f"**yes** ({listed}). The results below are too good: they tell how well it remembers. With --part "
        "test only the images of the test part are scored"
    )

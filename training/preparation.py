"""From a folder of labelled images to arrays for training, validation and test."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chalicelib.tasks import Task
from training.card import describe_findings
from training.dataset import Record, deduplicate, read_folder
from training.fitting import Labelled
from training.pixels import prepare_images
from training.sources import DataSource, load_source
from training.split import PARTS, Part, fingerprint, split_by_group


@dataclass(frozen=True)
class PreparedData:
    """A data set, decoded, cleaned and split."""

    source: DataSource
    records: tuple[Record, ...]
    pixels: NDArray[np.uint8]
    """Shape (N, channels, height, width), in the order of `records`."""
    parts: dict[Part, list[int]]
    """Indices into `records`."""
    fingerprint: str
    findings: dict[str, int]
    """How many images were found and left out; see card.FINDINGS for the keys."""
    left_out: dict[str, tuple[str, ...]]
    """Paths of the images left out, by reason."""

    def labelled(self, part: Part) -> Labelled:
        """Images and labels of one part."""
        indices = self.parts[part]
        return Labelled(self.pixels[indices], np.array([self.records[index].label for index in indices]))

    def groups(self, part: Part) -> list[str]:
        """The group of each image of one part."""
        return [self.records[index].group for index in self.parts[part]]

    def describe_split(self, class_names: Sequence[str]) -> dict[str, Any]:
        """Sizes of the parts, as `model.json` holds them."""
        return {
            part: {
                "images": len(self.parts[part]),
                "groups": len(set(self.groups(part))),
                "classes": dict(zip(class_names, self._count(part, len(class_names)), strict=True)),
            }
            for part in PARTS
        }

    def _count(self, part: Part, classes: int) -> list[int]:
        counts = Counter(self.records[index].label for index in self.parts[part])
        return [counts[label] for label in range(classes)]


def prepare_data(folder: Path, dataset: str, task: Task, split_seed: int, workplace: Path) -> PreparedData:
    """Read, clean, decode and split the images of `folder`; the arrays lie in `workplace`.

    Raises:
        TrainingError: if the data do not allow training; the message says what is missing.
    """
    source = load_source(dataset)
    listing = read_folder(folder, task.class_names, source.group_patterns)
    unique = deduplicate(folder, listing.records)
    images = prepare_images(folder, unique.records, task.input, workplace / "pixels.npy")
    records = tuple(unique.records[index] for index in images.readable)
    digests = tuple(unique.digests[index] for index in images.readable)
    parts = split_by_group(records, digests, task.class_names, split_seed)
    unreadable = {record.path for record in unique.records} - {record.path for record in records}
    findings = {
        "listed": len(listing.records),
        "copies": len(unique.copies),
        "contradictions": len(unique.contradictions),
        "unreadable": len(unreadable),
        "used": len(records),
        "ungrouped": listing.ungrouped,
    }
    left_out = {
        "copies": unique.copies,
        "contradictions": unique.contradictions,
        "unreadable": tuple(sorted(unreadable)),
    }
    return PreparedData(
        source, records, images.pixels, parts, fingerprint(records, digests, parts), findings, left_out
    )


def summary(data: PreparedData, class_names: Sequence[str]) -> str:
    """A table a person can check: what was found, and who stands where."""
    split = data.describe_split(class_names)
    width = max(map(len, [*class_names, "groups (patients)"]))
    rows: dict[str, list[Any]] = {
        "": list(PARTS),
        **{name: [split[part]["classes"][name] for part in PARTS] for name in class_names},
        "images": [split[part]["images"] for part in PARTS],
        "groups (patients)": [split[part]["groups"] for part in PARTS],
    }
    table = [f"{title:{width}}" + "".join(f"{cell:>12}" for cell in row) for title, row in rows.items()]
    return "\n".join([f"{data.source.title}: {describe_findings(data.findings)}", *table])

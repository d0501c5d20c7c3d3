"""The numbers that a preparation counts, with their descriptions."""

from collections.abc import Mapping

FINDINGS = {
    "listed": "files listed",
    "skipped": "masks and the like skipped",
    "not_images": "files that are not images skipped",
    "unplaced": "images skipped because their class is unknown",
    "other_class": "left out because the task has no class for them",
    "disputed": "left out because the table of the data set contradicts their folder",
    "unlabelled": "left out because the labelling job failed on them",
    "unsure": "left out because the confidence of their label is too low",
    "copies": "copies left out",
    "contradictions": "left out because identical images have different labels",
    "near_contradictions": "left out because nearly identical images have different labels",
    "unreadable": "left out because they cannot be read",
    "outdated": "reviewed images left out because the input of the task has changed since they were prepared",
    "leaks": "left out of training and validation because their patient is in the test part",
    "used": "images used",
    "confirmed": "labels confirmed in reviews",
    "changed": "labels changed in reviews",
    "added": "images added in reviews",
    "ungrouped": "files without a group, each a group by itself",
    "clustered": "files without a patient, of which nearly identical ones form a group",
}
"""By key, the words after the number. `listed` are labelled images only."""


def describe_findings(findings: Mapping[str, int]) -> str:
    """The findings in one line."""
    return ", ".join(f"{findings[key]} {title}" for key, title in FINDINGS.items() if findings.get(key))

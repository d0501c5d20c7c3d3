"""What is counted when a data set is prepared, in words."""

from collections.abc import Mapping

FINDINGS = {
    "listed": "files listed",
    "skipped": "masks and the like passed over",
    "foreign": "files of other kinds passed over",
    "unplaced": "images passed over because nothing tells their class",
    "disputed": "left out because the data set's table contradicts their folder",
    "unlabelled": "left out because the labelling job failed on them",
    "unsure": "left out because their label is not sure enough",
    "copies": "byte-identical copies left out",
    "contradictions": "left out because identical files carry different labels",
    "near_contradictions": "left out because nearly identical images carry different labels",
    "unreadable": "left out because they cannot be read",
    "leaks": "left out of training and validation because their patient stands in the given test part",
    "used": "images used",
    "confirmed": "of the labels confirmed by somebody who looked",
    "changed": "of the labels changed by somebody who looked",
    "added": "of the images used were added by somebody who looked",
    "ungrouped": "of the files listed have no group, so each stands for itself",
    "clustered": "of the files listed name no patient, so nearly identical ones form a group",
}
"""By key: after its number, what was found. `listed` are labelled images; what is not labelled is extra."""


def describe_findings(findings: Mapping[str, int]) -> str:
    """What was found in a data set, in one line."""
    return ", ".join(f"{findings[key]} {title}" for key, title in FINDINGS.items() if findings.get(key))

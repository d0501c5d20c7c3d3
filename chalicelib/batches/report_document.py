"""The report of a batch."""

from typing import TypedDict


class Change(TypedDict):
    """Images whose class is not the one of the earlier answer."""

    before: str
    after: str
    images: int


class BatchReport(TypedDict):
    """What became of the images of a batch, as its latest pass found them."""

    name: str
    task: str
    images: int
    """All that were listed; the following five numbers add up to it."""
    classified: int
    """By this batch."""
    current: int
    """They had an answer of the current model before, so nothing was done."""
    deleted: int
    """An admin has deleted their results, so they are not classified again."""
    skipped: int
    """Empty objects that stand for folders, and images without a classification that could be replaced."""
    failed: int
    """Files without a result."""
    failures: dict[str, int]
    """Their number by the code of the reason; NotProcessed for those in parts that could not be finished."""
    changes: list[Change]
    """What is different from the answers before, the most frequent first."""
    written_at: str

"""What a batch is asked to do: the input of its executions."""

from typing import Literal, TypedDict

Kind = Literal["folder", "list", "inventory", "again"]
"""All objects in a folder, those in a CSV file, those in an inventory of S3, or images that have a result."""


class Batch(TypedDict):
    """The input of an execution of the state machine."""

    name: str
    """Of the batch. Its passes have the same."""
    task: str
    kind: Kind
    source: str
    """The folder, which ends in a slash, or the key of the CSV file or of an inventory's manifest."""
    concurrency: int
    """Parts that are worked on at the same time."""
    requested_at: str
    """When the batch began, ISO 8601. What was classified since then is not classified again."""

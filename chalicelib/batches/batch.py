"""What a batch is asked to do: the input of its executions."""

from typing import Literal, NotRequired, TypedDict

Kind = Literal["folder", "list", "inventory", "again"]
"""All objects in a folder, those in a CSV file, those in an inventory of S3, or images that have a result."""


class TransformPlan(TypedDict):
    """The transform job of a pass."""

    images: bool
    """Whether there are prepared images; without any, there is no job, and nothing else is said."""
    model: NotRequired[str]
    """SageMaker's name of the model that the task's endpoint serves."""
    sha256: NotRequired[str]
    """Digest of its graph."""
    job: NotRequired[str]
    """Name of the job."""


class Written(TypedDict):
    """What a Map has written."""

    manifest: str
    """Key of the manifest of its results."""


class Batch(TypedDict):
    """The input of an execution of the state machine, and what its states add."""

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
    transform: NotRequired[bool]
    """Whether a transform job classifies. False: it did so in an earlier pass; that pass may have left
    prepared images."""
    plan: NotRequired[TransformPlan]
    recorded: NotRequired[Written]
    """The results of recording the answers of the transform job."""

"""What the API tells about batches."""

from typing import Annotated, Literal, NotRequired, TypedDict

from chalicelib import limits
from chalicelib.batches.batch import Kind
from chalicelib.batches.report_document import BatchReport
from chalicelib.json_schema import Schema

BatchStatus = Literal["running", "stopped", "failed", "ended"]
BatchStep = Literal["classify", "prepare", "transform", "record"]
"""What a pass is at: Lambdas classify; or they prepare images, a transform job classifies them, and Lambdas
record its answers."""


class BatchBody(TypedDict):
    """A batch to start."""

    task: Annotated[str, Schema(maxLength=limits.PATH_PARAMETERS["task"])]
    source: NotRequired[Annotated[str, Schema(minLength=1, maxLength=limits.MAX_FILENAME)]]
    """In `archive/` of the data bucket: a folder, with a slash at its end; a CSV file whose column `Key`
    names images; or the `manifest.json` of an S3 inventory."""
    again: NotRequired[bool]
    """Instead of `source`: classify all images of the task again that an earlier model has answered."""
    concurrency: NotRequired[
        Annotated[int, Schema(minimum=limits.CONCURRENCY.low, maximum=limits.CONCURRENCY.high)]
    ]
    """Parts that are worked on at the same time. Each takes up to five Lambdas."""
    transform: NotRequired[bool]
    """Whether a transform job of SageMaker classifies; by default, if a retraining has deployed the task's
    model on an endpoint."""
    dry_run: NotRequired[bool]
    """Only estimate what the batch would cost."""


class Estimate(TypedDict):
    """What a batch would take if every image had to be classified. Nothing of it was measured on AWS."""

    images: int | None
    """Those that are listed. Null for an inventory, which is not read before the batch."""
    complete: bool
    """False if counting took too long, so that there are more images."""
    dollars: float | None
    """At the list prices of us-east-1, without storage."""
    seconds: float | None
    transform: bool
    """Whether a transform job classifies."""


class StartedBatch(TypedDict):
    """The batch that was started, or would be."""

    name: str | None
    """Null if only an estimate was wanted."""
    task: str
    kind: Kind
    source: str
    estimate: Estimate


class BatchRecord(TypedDict):
    """One batch."""

    name: str
    task: str
    kind: Kind
    source: str
    concurrency: int
    requested_at: str
    requested_by: str
    """The user's id."""
    status: BatchStatus
    outcome: str | None
    """Why it failed; null if it did not."""
    passes: int
    """How often it was started: once, and each time somebody resumed it."""


class Progress(TypedDict):
    """The images of the latest pass, in the step that it is at. Those of a part change together."""

    step: BatchStep
    images: int
    done: int
    """In parts that have ended."""
    failed: int
    """In parts that failed after all tries."""
    running: int
    pending: int


class FollowedBatch(BatchRecord):
    """One batch in detail."""

    estimate: Estimate
    progress: Progress | None
    """Null until the images are listed, and when Step Functions has forgotten the batch, after 90 days."""
    report: BatchReport | None
    """Null until a pass has reached its end."""
    failures: str | None
    """A link to the list of files without a result, JSON in each line, valid for 15 minutes; null without a
    report."""


class BatchPage(TypedDict):
    """One page of batches."""

    batches: list[BatchRecord]
    cursor: str | None
    """For the next page; null on the last one."""


class BatchState(TypedDict):
    """What a batch does now."""

    name: str
    status: BatchStatus

"""Routes of batches."""

from chalicelib import dependencies, limits
from chalicelib.api import queries
from chalicelib.api.http import api, json_body
from chalicelib.api.queries import find_task
from chalicelib.api.route import Errors
from chalicelib.batches.record import BatchBody, BatchPage, BatchState, FollowedBatch, StartedBatch
from chalicelib.errors import (
    BatchesNotDeployed,
    InvalidModelPackage,
    TaskHasNoModel,
    UnknownModel,
    UnknownTask,
)
from chalicelib.fields import required_str

STARTING: Errors = (TaskHasNoModel, UnknownTask, UnknownModel, InvalidModelPackage, BatchesNotDeployed)


@api.post("/batches", group="admin", body=BatchBody, status=201, errors=STARTING)
def start_batch() -> StartedBatch:
    """Classify archived images, or those of an earlier model again; members of the group admin only.

    With `dry_run`, nothing is started, and the answer tells what it would take.
    """
    body = json_body(api.request)
    task = find_task(required_str(body, "task", limits.PATH_PARAMETERS["task"]))
    return dependencies.batch_service().start(body, task, api.user)


@api.get("/batches", group="admin", query=queries.BATCH_PAGE, errors=(BatchesNotDeployed,))
def list_batches() -> BatchPage:
    """List batches, newest first; members of the group admin only."""
    wanted = queries.page(api.query, queries.BATCHES_PER_PAGE)
    page, cursor = dependencies.batch_service().page(*wanted)
    return {"batches": page, "cursor": cursor}


@api.get("/batches/{batch}", group="admin", errors=(BatchesNotDeployed,))
def follow_batch(batch: str) -> FollowedBatch:
    """Get one batch: its progress, and its report if it has ended; members of the group admin only."""
    return dependencies.batch_service().follow(batch)


@api.post("/batches/{batch}/stop", group="admin", errors=(BatchesNotDeployed,))
def stop_batch(batch: str) -> BatchState:
    """Stop a batch; members of the group admin only. Parts that are being worked on are finished."""
    return dependencies.batch_service().stop(batch, api.user)


@api.post("/batches/{batch}/continue", group="admin", errors=(BatchesNotDeployed,))
def continue_batch(batch: str) -> BatchState:
    """Resume a batch that was stopped, has failed or has ended; members of the group admin only.

    What has its result is left alone.
    """
    return dependencies.batch_service().resume(batch, api.user)

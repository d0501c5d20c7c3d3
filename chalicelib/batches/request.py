"""Checks what a request for a batch asks for."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from chalicelib.batches.batch import Kind
from chalicelib.batches.locations import ARCHIVE
from chalicelib.errors import InvalidRequest
from chalicelib.fields import optional_bool, raw_str, refuse_unknown
from chalicelib.limits import CONCURRENCY, MAX_FILENAME
from chalicelib.storage.inbox import PREPARED
from chalicelib.tasks import Task


@dataclass(frozen=True)
class BatchRequest:
    """A request that makes sense."""

    task: Task
    kind: Kind
    source: str
    concurrency: int
    dry_run: bool
    transform: bool | None
    """Whether a transform job classifies; None if the task decides."""


def parse_request(body: Mapping[str, Any], task: Task) -> BatchRequest:
    """The request in a body.

    Raises:
        InvalidRequest: saying what is wrong.
    """
    refuse_unknown(body, "task", "source", "again", "concurrency", "dry_run", "transform")
    source, again = raw_str(body, "source", MAX_FILENAME), optional_bool(body, "again")
    if again == bool(source):
        raise InvalidRequest(f"Give either 'source', which is in {ARCHIVE}, or 'again': true.")
    concurrency = body.get("concurrency", CONCURRENCY.default)
    if type(concurrency) is not int or not CONCURRENCY.low <= concurrency <= CONCURRENCY.high:
        raise InvalidRequest(
            f"'concurrency' must be a whole number from {CONCURRENCY.low} to {CONCURRENCY.high}."
        )
    kind: Kind = "again"
    if source:
        kind = _kind(source)
    else:
        source = f"{PREPARED}{task.name}/"
    transform = optional_bool(body, "transform") if "transform" in body else None
    return BatchRequest(task, kind, source, concurrency, optional_bool(body, "dry_run"), transform)


def _kind(source: str) -> Kind:
    if source.startswith(ARCHIVE):
        for ending, kind in _ENDINGS.items():
            if source.endswith(ending):
                return kind
    raise InvalidRequest(
        f"'source' must be in {ARCHIVE}: a folder, with a slash at its end, a file that ends in .csv, or the "
        "manifest.json of an inventory."
    )


_ENDINGS: Mapping[str, Kind] = {"/": "folder", ".csv": "list", "/manifest.json": "inventory"}

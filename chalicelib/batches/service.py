"""The API's operations on batches: estimate, start, list, follow, stop, resume."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import Any, TypedDict

from chalicelib.batches.batch import Batch
from chalicelib.batches.estimate import Estimator
from chalicelib.batches.executions import BatchExecutions
from chalicelib.batches.locations import (
    BATCHES,
    failures_key,
    passes_folder,
    report_key,
    request_key,
)
from chalicelib.batches.record import (
    BatchRecord,
    BatchState,
    Estimate,
    FollowedBatch,
    StartedBatch,
)
from chalicelib.batches.report_document import BatchReport
from chalicelib.batches.request import BatchRequest, parse_request
from chalicelib.errors import InvalidRequest, UnknownBatch
from chalicelib.storage.audit import Audit
from chalicelib.storage.bucket import DataBucket
from chalicelib.storage.errors import AccessDenied, ObjectChanged, ObjectMissing
from chalicelib.storage.inbox import random_token
from chalicelib.storage.items import invalid_cursor
from chalicelib.tasks import Task, load_tasks
from chalicelib.timestamps import timestamp


class _Request(TypedDict):
    """What is stored of a batch when it begins."""

    batch: Batch
    requested_by: str
    estimate: Estimate


@dataclass(frozen=True)
class BatchService:
    """What people can do with batches."""

    bucket: DataBucket
    executions: BatchExecutions
    require_model: Callable[[Task], None]
    """Raises TaskHasNoModel if a task has none."""
    is_served: Callable[[Task], bool]
    """Whether a transform job can run the task's model: a retraining has deployed it on an endpoint."""

    def start(self, body: Mapping[str, Any], task: Task, user: str) -> StartedBatch:
        """Start a batch, or only estimate what it would take.

        Raises:
            InvalidRequest: if the request is not valid, or there is nothing at its source.
            TaskHasNoModel: if the task cannot be classified.
            BatchesNotDeployed: if the stage has no state machine.
        """
        request = parse_request(body, task)
        self.executions.required()
        self.require_model(task)
        transform = self._transforms(request)
        estimate = Estimator(self.bucket).estimate(request, transform=transform)
        answer: StartedBatch = {
            "name": None,
            "task": task.name,
            "kind": request.kind,
            "source": request.source,
            "estimate": estimate,
        }
        if request.dry_run:
            return answer
        moment = datetime.now(UTC)
        name = f"{moment:%Y%m%d-%H%M%S}-{task.name}-{random_token()[:4]}"
        batch: Batch = {
            "name": name,
            "task": task.name,
            "kind": request.kind,
            "source": request.source,
            "concurrency": request.concurrency,
            "requested_at": timestamp(moment),
        }
        if transform:
            batch["transform"] = True
        Audit(self.bucket).record(user, "start-batch", name, task=task.name)
        stored: _Request = {"batch": batch, "requested_by": user, "estimate": estimate}
        self.bucket.write_json(request_key(name), stored)
        self._begin(batch, 1)
        return {**answer, "name": name}

    def page(self, limit: int, cursor: str | None) -> tuple[list[BatchRecord], str | None]:
        """The newest batches, and the cursor of the page after them; None at the end.

        Raises:
            InvalidRequest: if `cursor` was not made by this method.
        """
        names = sorted(self.bucket.folders(BATCHES), reverse=True)
        if cursor and cursor not in names:
            raise invalid_cursor()
        left = names[names.index(cursor) + 1 :] if cursor else names
        shown = left[:limit]
        records = []
        for name in shown:
            try:
                records.append(self._record(name, self._request(name)))
            except UnknownBatch:  # it was started without this API
                continue
        return records, shown[-1] if len(left) > limit else None

    def follow(self, name: str) -> FollowedBatch:
        """One batch in detail.

        Raises:
            UnknownBatch: if there is no such batch.
        """
        request = self._request(name)
        record = self._record(name, request)
        report = self._report(name)
        failures = self.bucket.presign_download(failures_key(name), f"{name}.jsonl") if report else None
        return {
            **record,
            # Earlier versions did not store who classifies.
            "estimate": {**request["estimate"], "transform": "transform" in request["batch"]},
            "progress": self.executions.progress(name, record["passes"]),
            "report": report,
            "failures": failures,
        }

    def stop(self, name: str, user: str) -> BatchState:
        """Stop a batch, if it is running.

        Raises:
            UnknownBatch: if there is no such batch.
        """
        record = self._record(name, self._request(name))
        if record["status"] == "running":
            Audit(self.bucket).record(user, "stop-batch", name)
            self.executions.stop(name, record["passes"])
        return {"name": name, "status": self.executions.status(name, record["passes"])[0]}

    def resume(self, name: str, user: str) -> BatchState:
        """Start another pass of a batch that is not running: it does what is missing.

        Raises:
            UnknownBatch: if there is no such batch.
        """
        request = self._request(name)
        record = self._record(name, request)
        if record["status"] != "running":
            Audit(self.bucket).record(user, "continue-batch", name)
            self._begin(self._as_served(request["batch"]), record["passes"] + 1)
        return {"name": name, "status": "running"}

    def _transforms(self, request: BatchRequest) -> bool:
        """Whether a transform job classifies.

        Raises:
            InvalidRequest: if one is wanted, but cannot run the task's model.
        """
        served = self.is_served(request.task)
        if request.transform and not served:
            raise InvalidRequest(
                f"A transform job cannot run the model of {request.task.title}: no retraining has deployed "
                "it on an endpoint. Leave out 'transform'."
            )
        return served if request.transform is None else request.transform

    def _as_served(self, batch: Batch) -> Batch:
        """The batch for another pass: Lambdas go on if the task's model is not on an endpoint any more."""
        if not batch.get("transform"):
            return batch
        task = load_tasks().get(batch["task"])
        return {**batch, "transform": task is not None and self.is_served(task)}

    def _begin(self, batch: Batch, number: int) -> None:
        """Start a pass. Of two who do so at the same time, one starts it."""
        try:
            self.bucket.create(f"{passes_folder(batch['name'])}{number:06d}", b"", "text/plain")
        except ObjectChanged:
            return
        self.executions.start(batch, number)

    def _record(self, name: str, request: _Request) -> BatchRecord:
        batch = request["batch"]
        passes = sum(1 for _ in islice(self.bucket.keys(passes_folder(name)), 1000))
        status, outcome = self.executions.status(name, passes)
        return {
            "name": name,
            "task": batch["task"],
            "kind": batch["kind"],
            "source": batch["source"],
            "concurrency": batch["concurrency"],
            "requested_at": batch["requested_at"],
            "requested_by": request["requested_by"],
            "status": status,
            "outcome": outcome,
            "passes": passes,
        }

    def _request(self, name: str) -> _Request:
        try:
            stored: _Request = json.loads(self.bucket.read(request_key(name)).body)
        except (ObjectMissing, AccessDenied):
            raise unknown_batch() from None
        return stored

    def _report(self, name: str) -> BatchReport | None:
        try:
            report: BatchReport = json.loads(self.bucket.read(report_key(name)).body)
        except (ObjectMissing, AccessDenied):
            return None
        return report


def unknown_batch() -> UnknownBatch:
    """The error for a name without a batch."""
    return UnknownBatch("There is no batch with this name. GET /batches lists them.")

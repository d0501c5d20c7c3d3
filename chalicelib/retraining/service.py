"""The API's operations on retrainings: start, list, follow, approve."""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from chalicelib.errors import (
    AlreadyRetraining,
    InvalidRequest,
    NothingToApprove,
    UnknownRetraining,
)
from chalicelib.fields import optional_str, refuse_unknown
from chalicelib.retraining.executions import Executions, end_of
from chalicelib.retraining.locations import (
    CHECKPOINTS,
    EVALUATION,
    EVALUATION_BEFORE,
    retraining_folder,
)
from chalicelib.retraining.record import FollowedRetraining, RetrainingRecord, StartedRetraining
from chalicelib.retraining.repository import RUNNING, RetrainingRepository, empty_record
from chalicelib.retraining.request import parse_request
from chalicelib.retraining.training_jobs import TrainingJobs
from chalicelib.storage.audit import Audit
from chalicelib.storage.bucket import DataBucket
from chalicelib.storage.errors import ObjectMissing
from chalicelib.storage.inbox import random_token
from chalicelib.tasks import Task

REPORT = "report.md"
EPOCHS = re.compile(r"epochs-[0-9]+\.json")
"""Files with all epochs of the training of one network."""


@dataclass(frozen=True)
class RetrainingService:
    """Starts, lists and follows retrainings, and passes on approvals."""

    repository: RetrainingRepository
    executions: Executions
    bucket: DataBucket
    jobs: TrainingJobs
    names_of: Callable[[Iterable[str | None]], dict[str, str]] = lambda _ids: {}
    """Names of users by id."""

    def start(self, body: dict[str, Any], user: str) -> StartedRetraining:
        """Start a retraining.

        Raises:
            InvalidRequest: if the request is not valid.
            AlreadyRetraining: if the task is being retrained.
            RetrainingNotDeployed: if the stage has no state machine.
        """
        if "requested_by" in body:
            raise InvalidRequest("'requested_by' cannot be set: it is the user who is signed in.")
        task = parse_request(body).task
        self.check_idle(task)
        name = f"{task.name}-{datetime.now(UTC):%Y%m%d-%H%M%S}-{random_token()[:4]}"
        Audit(self.bucket).record(user, "start-retraining", name)
        self.executions.start(name, body | {"requested_by": user})
        return {"name": name, "task": task.name, "status": RUNNING}

    def check_idle(self, task: Task) -> None:
        """Make sure that no retraining is about to change the current model of a task.

        Raises:
            AlreadyRetraining: if it is being retrained.
        """
        holder = self.repository.holder(task.name)
        if holder and self.executions.is_running(holder):
            raise AlreadyRetraining(
                f"{task.title} is being retrained by {holder.rpartition(':')[2]}. Follow that one, and try "
                "again when it has ended."
            )

    def page(
        self, limit: int, cursor: str | None, tasks: Sequence[str] | None = None
    ) -> tuple[list[RetrainingRecord], str | None]:
        """The newest retrainings (of `tasks`, None for all), and the cursor of the page after them.

        A page may be short, and still have a cursor; None at the end.

        Raises:
            InvalidRequest: if `cursor` was not made by this method.
        """
        records, following = self.repository.page(limit, cursor, tasks)
        return [self._up_to_date(record) for record in records], following

    def task_of(self, name: str) -> str:
        """Name of the task of a retraining, as it was requested.

        Raises:
            UnknownRetraining: if there is no such retraining.
        """
        return self._record(name)["task"]

    def follow(self, name: str) -> FollowedRetraining:
        """One retraining with its `states`, latest `metrics` of training, and names of `files`.

        Raises:
            UnknownRetraining: if there is no such retraining.
        """
        record = self._record(name)
        return {
            **record,
            "states": self.executions.states(record["execution"]),
            "metrics": self._metrics(record),
            "files": self._files(record),
            "names": self.names_of((record["requested_by"], record.get("stopped_by"))),
        }

    def file(self, name: str, file: str) -> bytes:
        """A file of a retraining, as `follow` lists them.

        Raises:
            UnknownRetraining: if there is no such retraining, or it has no such file.
        """
        record = self._record(name)
        keys = self._epochs(record)
        if file not in keys:
            folder, names = self._evaluation(record)
            path = file if file == REPORT else f"plots/{file}"
            keys = {file: f"{folder}{path}"} if path in names else {}
        if file in keys:
            try:
                return self.bucket.read(keys[file]).body
            except ObjectMissing:
                pass
        raise UnknownRetraining(f"This retraining has no file '{file}' (yet).")

    def approve(self, name: str, body: dict[str, Any], user: str) -> None:
        """Approve or decline the model of a retraining that waits for it.

        Raises:
            InvalidRequest: if `approved` is missing, or the comment is not a short text.
            NothingToApprove: if it does not wait for an approval.
            UnknownRetraining: if there is no such retraining.
        """
        refuse_unknown(body, "approved", "comment")
        if not isinstance(body.get("approved"), bool):
            raise InvalidRequest("'approved' must be true or false.")
        comment = optional_str(body, "comment") or ""
        self.repository.get(name)
        token = self.repository.token(name)
        if token is None:
            raise NothingToApprove("This retraining does not wait for an approval.")
        Audit(self.bucket).record(user, "approve-model" if body["approved"] else "decline-model", name)
        self.executions.answer(token, {"approved": body["approved"], "by": user, "comment": comment})
        self.repository.update(name, task_token="", waiting_for=None)

    def _record(self, name: str) -> RetrainingRecord:
        """The record of a retraining, or if it has none yet (or was refused), what its execution tells."""
        try:
            return self._up_to_date(self.repository.get(name))
        except UnknownRetraining:
            arn = self.executions.arn(name)
            execution = self.executions.describe(arn)
            if execution is None:
                raise
        given = execution["input"] if isinstance(execution["input"], dict) else {}
        started: str = execution["started_at"]
        record = empty_record(name, arn, given) | {"started_at": started}
        return {**record, **end_of(execution)}

    def _up_to_date(self, record: RetrainingRecord) -> RetrainingRecord:
        """A record with the end of its execution: one that was stopped could not record it."""
        if record["status"] != RUNNING:
            return record
        execution = self.executions.describe(record["execution"])
        return {**record, **end_of(execution)} if execution else record

    def _metrics(self, record: RetrainingRecord) -> dict[str, float]:
        """The latest metrics that the training job has printed."""
        if not record["job"] or (record["trials"] and not record["candidate"]):
            return {}  # not started yet, or the best job of the search is not known yet
        return self.jobs.metrics(record["job"])

    def _files(self, record: RetrainingRecord) -> list[str]:
        _, names = self._evaluation(record)
        plots = [name.removeprefix("plots/") for name in names if name.startswith("plots/")]
        return sorted(self._epochs(record)) + sorted(plots) + ([REPORT] if REPORT in names else [])

    def _epochs(self, record: RetrainingRecord) -> dict[str, str]:
        """The keys of the files with the epochs of each network, by their names."""
        folder = f"{retraining_folder(record['task'], record['name'])}{CHECKPOINTS}"
        # Training puts them below the name of its job, and a search below one more folder of that name.
        keys = [key for key in self.bucket.keys(folder) if f"/{record['job']}/" in key]
        names = {key.rpartition("/")[2]: key for key in keys}
        return {name: key for name, key in names.items() if EPOCHS.fullmatch(name)}

    def _evaluation(self, record: RetrainingRecord) -> tuple[str, list[str]]:
        """The folder with the evaluation of the candidate, and the names of the files in it."""
        for name in (EVALUATION, EVALUATION_BEFORE):
            folder = f"{retraining_folder(record['task'], record['name'])}{name}"
            names = [key.removeprefix(folder) for key in self.bucket.keys(folder)]
            if names:
                break
        return folder, names

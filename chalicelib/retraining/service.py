"""What people do with retrainings: start one, list and follow them, approve its model."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from chalicelib.errors import (
    AlreadyRetraining,
    InvalidRequest,
    NothingToApprove,
    UnknownRetraining,
)
from chalicelib.fields import optional_text, refuse_unknown
from chalicelib.retraining.executions import Executions, end_of
from chalicelib.retraining.jobs import TrainingJobs
from chalicelib.retraining.planning import EVALUATION, EVALUATION_BEFORE, RETRAININGS
from chalicelib.retraining.repository import RUNNING, RetrainingRecord, RetrainingRepository, empty_record
from chalicelib.retraining.request import parse_request
from chalicelib.storage.bucket import DataBucket
from chalicelib.storage.errors import ObjectMissing
from chalicelib.storage.inbox import random_token
from chalicelib.tasks import Task

REPORT = "report.md"


@dataclass(frozen=True)
class RetrainingService:
    """What the API's routes about retrainings need."""

    repository: RetrainingRepository
    executions: Executions
    bucket: DataBucket
    jobs: TrainingJobs

    def start(self, body: dict[str, Any], user: str) -> RetrainingRecord:
        """Start a retraining: `{"name", "task", "status"}`.

        Raises:
            InvalidRequest: saying what is wrong with the request.
            AlreadyRetraining: if the task is being retrained.
            RetrainingNotDeployed: if the stage has no retraining.
        """
        if "requested_by" in body:
            raise InvalidRequest("'requested_by' is who is signed in.")
        task = parse_request(body).task
        self.check_idle(task)
        name = f"{task.name}-{datetime.now(UTC):%Y%m%d-%H%M%S}-{random_token()[:4]}"
        self.executions.start(name, body | {"requested_by": user})
        return {"name": name, "task": task.name, "status": RUNNING}

    def check_idle(self, task: Task) -> None:
        """Make sure that nobody else is about to change what classifies for a task.

        Raises:
            AlreadyRetraining: if it is being retrained.
        """
        holder = self.repository.holder(task.name)
        if holder and self.executions.is_running(holder):
            raise AlreadyRetraining(
                f"{task.title} is being retrained by {holder.rpartition(':')[2]}. Follow that one, and try "
                "again when it has ended."
            )

    def page(self, limit: int, cursor: str | None) -> tuple[list[RetrainingRecord], str | None]:
        """The newest retrainings, and the cursor of the page after them (None at the end).

        Raises:
            InvalidRequest: if `cursor` was not made by this method.
        """
        records, following = self.repository.page(limit, cursor)
        return [self._up_to_date(record) for record in records], following

    def follow(self, name: str) -> RetrainingRecord:
        """One retraining with `states`, `metrics` of its training job so far, and `files` to look at.

        Raises:
            UnknownRetraining: if there is none of that name.
        """
        record = self._entry(name)
        return record | {
            "states": self.executions.states(record["execution"]),
            "metrics": self._metrics(record),
            "files": self._files(record),
        }

    def file(self, name: str, file: str) -> bytes:
        """A file of a retraining, as `follow` lists them.

        Raises:
            UnknownRetraining: if there is no such retraining, or it has no such file.
        """
        record = self._entry(name)
        folder, names = self._evaluation(record)
        path = file if file == REPORT else f"plots/{file}"
        if path in names:
            try:
                return self.bucket.read(f"{folder}{path}").body
            except ObjectMissing:
                pass
        raise UnknownRetraining(f"This retraining has no file '{file}' (yet).")

    def approve(self, name: str, body: dict[str, Any], user: str) -> None:
        """Answer the retraining that asks whether its model may be deployed.

        Raises:
            InvalidRequest: if `approved` is missing, or the comment is not a short text.
            NothingToApprove: if it asks nothing.
            UnknownRetraining: if there is none of that name.
        """
        refuse_unknown(body, "approved", "comment")
        if not isinstance(body.get("approved"), bool):
            raise InvalidRequest("'approved' must be true or false.")
        comment = optional_text(body, "comment") or ""
        self.repository.get(name)
        token = self.repository.token(name)
        if token is None:
            raise NothingToApprove("This retraining does not wait for an approval.")
        self.executions.answer(token, {"approved": body["approved"], "by": user, "comment": comment})
        self.repository.update(name, task_token="", waiting_for=None)

    def _entry(self, name: str) -> RetrainingRecord:
        """What is known of a retraining, if only that it has just been started, or was refused."""
        try:
            return self._up_to_date(self.repository.get(name))
        except UnknownRetraining:
            arn = self.executions.arn(name)
            execution = self.executions.describe(arn)
            if execution is None:
                raise
        given = execution["input"] if isinstance(execution["input"], dict) else {}
        record = empty_record(name, arn, given) | {"started_at": execution["started_at"]}
        return record | end_of(execution)

    def _up_to_date(self, record: RetrainingRecord) -> RetrainingRecord:
        """An execution that was stopped could not write down its end."""
        if record["status"] != RUNNING:
            return record
        execution = self.executions.describe(record["execution"])
        return record | end_of(execution) if execution else record

    def _metrics(self, record: RetrainingRecord) -> dict[str, float]:
        """The latest values that the training job printed."""
        if not record["job"] or (record["trials"] and not record["candidate"]):
            return {}  # there is none yet, or which of the search's jobs is the best, turns out later
        return self.jobs.metrics(record["job"])

    def _files(self, record: RetrainingRecord) -> list[str]:
        _, names = self._evaluation(record)
        plots = [name.removeprefix("plots/") for name in names if name.startswith("plots/")]
        return sorted(plots) + ([REPORT] if REPORT in names else [])

    def _evaluation(self, record: RetrainingRecord) -> tuple[str, list[str]]:
        """The folder with the evaluation of a retraining's candidate, and the names of the files in it."""
        for name in (EVALUATION, EVALUATION_BEFORE):
            folder = f"{RETRAININGS}{record['task']}/{record['name']}/{name}"
            names = [key.removeprefix(folder) for key in self.bucket.keys(folder)]
            if names:
                break
        return folder, names

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
from chalicelib.retraining.planning import RETRAININGS
from chalicelib.retraining.repository import RUNNING, Entry, Journal, empty_entry
from chalicelib.retraining.request import read_wish
from chalicelib.storage.bucket import DataBucket
from chalicelib.storage.errors import ObjectMissing
from chalicelib.storage.inbox import random_token
from chalicelib.tasks import Task

REPORT = "report.md"


@dataclass(frozen=True)
class Requests:
    """What the API's routes about retrainings need."""

    journal: Journal
    executions: Executions
    bucket: DataBucket
    jobs: TrainingJobs

    def start(self, body: dict[str, Any], user: str) -> Entry:
        """Start a retraining: `{"name", "task", "status"}`.

        Raises:
            InvalidRequest: saying what is wrong with the request.
            AlreadyRetraining: if the task is being retrained.
            RetrainingNotDeployed: if the stage has no retraining.
        """
        if "requested_by" in body:
            raise InvalidRequest("'requested_by' is who is signed in.")
        task = read_wish(body).task
        self.check_idle(task)
        name = f"{task.name}-{datetime.now(UTC):%Y%m%d-%H%M%S}-{random_token()[:4]}"
        self.executions.start(name, body | {"requested_by": user})
        return {"name": name, "task": task.name, "status": RUNNING}

    def check_idle(self, task: Task) -> None:
        """Make sure that nobody else is about to change what classifies for a task.

        Raises:
            AlreadyRetraining: if it is being retrained.
        """
        holder = self.journal.holder(task.name)
        if holder and self.executions.is_running(holder):
            raise AlreadyRetraining(
                f"{task.title} is being retrained by {holder.rpartition(':')[2]}. Follow that one, and try "
                "again when it has ended."
            )

    def page(self, limit: int, cursor: str | None) -> tuple[list[Entry], str | None]:
        """The newest retrainings, and the cursor of the page after them (None at the end).

        Raises:
            InvalidRequest: if `cursor` was not made by this method.
        """
        entries, following = self.journal.page(limit, cursor)
        return [self._up_to_date(entry) for entry in entries], following

    def follow(self, name: str) -> Entry:
        """One retraining with `states`, `metrics` of its training job so far, and `files` to look at.

        Raises:
            UnknownRetraining: if there is none of that name.
        """
        entry = self._entry(name)
        return entry | {
            "states": self.executions.states(entry["execution"]),
            "metrics": self._metrics(entry),
            "files": self._files(entry),
        }

    def file(self, name: str, file: str) -> bytes:
        """A file of a retraining, as `follow` lists them.

        Raises:
            UnknownRetraining: if there is no such retraining, or it has no such file.
        """
        entry = self._entry(name)
        path = file if file == REPORT else f"plots/{file}"
        if file in self._files(entry):
            try:
                return self.bucket.read(f"{_folder(entry)}{path}").body
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
        self.journal.get(name)
        token = self.journal.token(name)
        if token is None:
            raise NothingToApprove("This retraining does not wait for an approval.")
        self.executions.answer(token, {"approved": body["approved"], "by": user, "comment": comment})
        self.journal.note(name, task_token="", waiting_for=None)

    def _entry(self, name: str) -> Entry:
        """What is known of a retraining, if only that it has just been started, or was refused."""
        try:
            return self._up_to_date(self.journal.get(name))
        except UnknownRetraining:
            arn = self.executions.arn(name)
            execution = self.executions.describe(arn)
            if execution is None:
                raise
        given = execution["input"] if isinstance(execution["input"], dict) else {}
        entry = empty_entry(name, arn, given) | {"started_at": execution["started_at"]}
        return entry | end_of(execution)

    def _up_to_date(self, entry: Entry) -> Entry:
        """An execution that was stopped could not write down its end."""
        if entry["status"] != RUNNING:
            return entry
        execution = self.executions.describe(entry["execution"])
        return entry | end_of(execution) if execution else entry

    def _metrics(self, entry: Entry) -> dict[str, float]:
        """The latest values that the training job printed."""
        if not entry["job"] or (entry["trials"] and not entry["candidate"]):
            return {}  # there is none yet, or which of the search's jobs is the best, turns out later
        return self.jobs.metrics(entry["job"])

    def _files(self, entry: Entry) -> list[str]:
        folder = _folder(entry)
        names = [key.removeprefix(folder) for key in self.bucket.keys(folder)]
        plots = [name.removeprefix("plots/") for name in names if name.startswith("plots/")]
        return sorted(plots) + ([REPORT] if REPORT in names else [])


def _folder(entry: Entry) -> str:
    return f"{RETRAININGS}{entry['task']}/{entry['name']}/judgement/"

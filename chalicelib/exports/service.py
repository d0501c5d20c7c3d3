"""Starts, lists, follows and stops exports.

An export is an execution of a state machine. What was asked of it, and its file, are in a folder of the
bucket that only its user is shown: `exports/USER/NAME/`.
"""

import json
from dataclasses import dataclass
from datetime import UTC, datetime

from chalicelib.errors import ExportsNotDeployed, TooManyRequests, UnknownExport
from chalicelib.exports.export_document import Export, FollowedExport, Status, Step
from chalicelib.exports.request import SUMMARY, ExportRequest
from chalicelib.retraining.executions import Executions
from chalicelib.storage.audit import Audit
from chalicelib.storage.bucket import DataBucket
from chalicelib.storage.errors import ObjectMissing
from chalicelib.storage.inbox import random_token

MAX_RUNNING = 2
"""Exports of one user at the same time: each reads the whole table."""
MAX_LISTED = 20
REQUEST = "request.json"

_STATUSES: dict[str, Status] = {"RUNNING": "running", "SUCCEEDED": "finished", "ABORTED": "stopped"}
"""By status of the execution; all others have failed."""
WRITING = "Write file"
"""The state in which the file is written; in those before it, DynamoDB exports the table."""


@dataclass(frozen=True)
class ExportService:
    """Exports of the users of a stage."""

    bucket: DataBucket
    executions: Executions
    deployed: bool
    """Whether the stage has the state machine."""

    def start(self, request: ExportRequest, user: str) -> Export:
        """Start an export.

        Raises:
            ExportsNotDeployed: if the stage has no state machine for it.
            TooManyRequests: if `MAX_RUNNING` exports of the user are running.
        """
        if not self.deployed:
            raise ExportsNotDeployed(
                "Exports of any size are not deployed in this stage: `make deploy STAGE=...` sets them up. "
                "Until then, GET /results.csv exports results in parts."
            )
        if sum(one["status"] == "running" for one in self.list(user)) >= MAX_RUNNING:
            raise TooManyRequests(
                f"{MAX_RUNNING} of your exports are running. Wait until one of them has ended, or stop one."
            )
        name = f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{random_token()[:8]}"
        selected = request.selection.task or "all"
        Audit(self.bucket).record(user, "export-results", selected, export=name, format=request.format)
        folder = _folder(user, name)
        self.bucket.write(f"{folder}{REQUEST}", json.dumps(request.to_json()).encode(), "application/json")
        self.executions.start(name, {"folder": folder})
        return self._export(user, name)

    def list(self, user: str) -> list[Export]:
        """The newest exports of a user, the newest first, at most `MAX_LISTED`."""
        folder = _folder(user)
        paths = (key.removeprefix(folder).split("/") for key in self.bucket.keys(folder))
        names = sorted((path[0] for path in paths if path[1:] == [REQUEST]), reverse=True)
        found = []
        for name in names[:MAX_LISTED]:
            try:
                found.append(self._export(user, name))
            except UnknownExport:  # its start was interrupted
                continue
        return found

    def follow(self, name: str, user: str) -> FollowedExport:
        """An export of a user, with its file.

        Raises:
            UnknownExport: if the user has none of this name, or it has been deleted.
        """
        export = self._export(user, name)
        url = None
        if export["rows"] is not None:
            file = ExportRequest.from_json({"filters": {}, "format": export["format"]}).file
            task = export["filters"].get("task", "results")
            download = f"negatoscope-{task}-{name}.{export['format']}"
            url = self.bucket.presign_download(f"{_folder(user, name)}{file}", download)
        return {**export, "url": url}

    def stop(self, name: str, user: str) -> Export:
        """Stop an export if it is running.

        Raises:
            UnknownExport: if the user has none of this name.
        """
        self._export(user, name)
        self.executions.stop(self.executions.arn(name), "A person stopped the export.")
        return self._export(user, name)

    def _export(self, user: str, name: str) -> Export:
        try:
            request = ExportRequest.parse(self.bucket.read(f"{_folder(user, name)}{REQUEST}").body)
        except ObjectMissing:
            raise unknown_export() from None
        arn = self.executions.arn(name)
        execution = self.executions.describe(arn)
        if execution is None:
            raise unknown_export()
        status = _STATUSES.get(execution["status"], "failed")
        summary = self._summary(user, name) if status == "finished" else {}
        return {
            "name": name,
            "format": request.format,
            "filters": request.parameters,
            "status": status,
            "step": self._step(arn) if status == "running" else None,
            "started_at": execution["started_at"],
            "ended_at": execution["ended_at"],
            "rows": summary.get("rows"),
            "bytes": summary.get("bytes"),
        }

    def _step(self, arn: str) -> Step:
        entered = {state["name"] for state in self.executions.states(arn)}
        return "writing" if WRITING in entered else "reading"

    def _summary(self, user: str, name: str) -> dict[str, int]:
        """Of the file; empty if the file has been deleted."""
        try:
            found: dict[str, int] = json.loads(self.bucket.read(f"{_folder(user, name)}{SUMMARY}").body)
        except ObjectMissing:
            return {}
        return found


def unknown_export() -> UnknownExport:
    """The error for a name that is no export of the user's."""
    return UnknownExport("You have no export of this name. Exports are deleted after seven days.")


def _folder(user: str, name: str | None = None) -> str:
    return f"exports/{user}/" + (f"{name}/" if name else "")

"""Locks a task for a retraining; before that, finishes the one that was stopped while it held the lock.

Nobody tells an execution that is stopped, or runs out of time, to clean up after itself.
"""

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from chalicelib.errors import (
    AlreadyRetraining,
    EndpointNotChanged,
    UnknownModel,
    UnknownRetraining,
)
from chalicelib.models.registry import Registry
from chalicelib.retraining.executions import Executions, end_of
from chalicelib.retraining.planning import plan_key
from chalicelib.retraining.repository import RUNNING, RetrainingRecord, RetrainingRepository
from chalicelib.retraining.rollout import Rollout
from chalicelib.storage.bucket import DataBucket
from chalicelib.storage.errors import ObjectMissing
from chalicelib.tasks import Task


@dataclass(frozen=True)
class TaskLock:
    """Where one retraining follows another."""

    bucket: DataBucket
    repository: RetrainingRepository
    registry: Registry
    rollout: Rollout
    executions: Executions

    def lock(self, task: Task, execution: str) -> str | None:
        """Take a task's lock for an execution (ARN).

        Returns:
            None; or the name of the retraining that was stopped and has left something that takes a while to
            be undone. Then the lock is not taken: try again.

        Raises:
            AlreadyRetraining: if another one runs.
            EndpointNotChanged: if the endpoint cannot go back to the deployed version.
        """
        while holder := self.repository.lock(task.name, execution):
            name = holder.rpartition(":")[2]
            if self.executions.is_running(holder):
                raise AlreadyRetraining(
                    f"{task.title} is being retrained by {name}. Wait for its end, or stop that execution."
                )
            if not self._finish(task.name, name):
                return name
            # Last: until then it is known whose end has to be made up for, and all of it can be done again.
            self.repository.release(task.name, holder)
        return None

    def _finish(self, task: str, name: str) -> bool:
        """Note the end of a retraining, and take away what it has left; True once nothing is left."""
        try:
            record = self.repository.get(name)
        except UnknownRetraining:
            return True  # it came to no plan, so it has made nothing
        deployed = self._is_deployed(task, record)
        record = self._note_end(record, deployed)
        return deployed or self._undo(task, record)

    def _is_deployed(self, task: str, record: RetrainingRecord) -> bool:
        """Whether its model was promoted. Nothing but rollbacks can have happened to it since."""
        current = self.registry.current(task)
        return current is not None and current.has_deployed(record["candidate"])

    def _note_end(self, record: RetrainingRecord, deployed: bool) -> RetrainingRecord:
        if record["status"] != RUNNING:
            return record
        end = end_of(self.executions.describe(record["execution"]))
        if deployed:
            said = f"{record['candidate']} was deployed; what was left to be done was cut short."
            end |= {"status": "deployed", "outcome": said}
        self.repository.update(record["name"], **end, task_token="", waiting_for=None)
        return record | end

    def _undo(self, task: str, record: RetrainingRecord) -> bool:
        try:
            plan = json.loads(self.bucket.read(plan_key(task, record["name"])).body)
        except ObjectMissing:
            return True  # somebody has cleared away what is known of it
        if not self._restore(plan):
            return False
        self.rollout.endpoint_manager.forget(plan["name"])
        if record["candidate"]:
            with suppress(UnknownModel):
                self.registry.decide(task, record["candidate"], accepted=False, reasons=[record["outcome"]])
        return True

    def _restore(self, plan: Mapping[str, Any]) -> bool:
        current, endpoint = self.registry.current(plan["task"]), plan["serving"]["endpoint"]
        try:
            return self.rollout.restore(plan, current.config_on(endpoint) if current else None)
        except EndpointNotChanged as error:
            found = self.rollout.endpoint_manager.find(endpoint)
            if found is None or found.is_changing:
                return False  # somebody else was faster
            raise EndpointNotChanged(
                f"{error.message} It serves what {plan['run']} left there, which nobody has tested. Delete "
                "the endpoint, then start again; until there is a new one, the deployed package answers."
            ) from error

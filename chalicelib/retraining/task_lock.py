"""Lets one retraining at a time change a task, and recovers the lock of one that was stopped.

An execution that is stopped, or exceeds its time limit, cannot clean up. The next one does that first.
"""

import json
from collections.abc import Callable
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
from chalicelib.retraining.jobs import stop_jobs
from chalicelib.retraining.locations import plan_key
from chalicelib.retraining.planning.plan import Plan
from chalicelib.retraining.record import RetrainingRecord
from chalicelib.retraining.repository import RUNNING, RetrainingRepository
from chalicelib.retraining.rollout import Rollout
from chalicelib.storage.bucket import DataBucket
from chalicelib.storage.errors import ObjectMissing
from chalicelib.tasks import Task


@dataclass(frozen=True)
class TaskLock:
    """The locks of all tasks."""

    bucket: DataBucket
    repository: RetrainingRepository
    registry: Registry
    rollout: Rollout
    executions: Executions
    sagemaker: Callable[[], Any]
    """Makes the boto3 client."""

    def acquire(self, task: Task, execution: str) -> str | None:
        """Lock a task for an execution (ARN), after cleaning up what a stopped retraining has left.

        Returns:
            None if the task is locked. Otherwise the name of a stopped retraining whose cleanup takes a
            while: try again later.

        Raises:
            AlreadyRetraining: if another retraining of the task is running.
            EndpointNotChanged: if the endpoint cannot be brought back to the deployed version.
        """
        while holder := self.repository.lock(task.name, execution):
            name = holder.rpartition(":")[2]
            if self.executions.is_running(holder):
                raise AlreadyRetraining(
                    f"{task.title} is being retrained by {name}. Wait for its end, or stop that execution."
                )
            if not self._clean_up(task.name, name):
                return name
            # Only now: as long as the lock names the holder, its cleanup can be repeated.
            self.repository.release(task.name, holder)
        return None

    def _clean_up(self, task: str, name: str) -> bool:
        """Record the end of a stopped retraining and remove what it has left; True once nothing is left."""
        try:
            record = self.repository.get(name)
        except UnknownRetraining:
            return True  # it was stopped before it had a plan, so it has created nothing
        deployed = self._is_deployed(task, record)
        record = self._record_end(record, deployed)
        return deployed or self._roll_back(task, record)

    def _is_deployed(self, task: str, record: RetrainingRecord) -> bool:
        """Whether its model was promoted, even if it was rolled back since."""
        current = self.registry.current(task)
        return current is not None and current.has_deployed(record["candidate"])

    def _record_end(self, record: RetrainingRecord, deployed: bool) -> RetrainingRecord:
        if record["status"] != RUNNING:
            return record
        end = end_of(self.executions.describe(record["execution"]))
        if deployed:
            outcome = f"{record['candidate']} was deployed; the retraining was stopped after that."
            end |= {"status": "deployed", "outcome": outcome}
        self.repository.update(record["name"], **end, task_token="", waiting_for=None)
        return {**record, **end}

    def _roll_back(self, task: str, record: RetrainingRecord) -> bool:
        try:
            plan: Plan = json.loads(self.bucket.read(plan_key(task, record["name"])).body)
        except ObjectMissing:
            return True  # its folder was deleted, so there is nothing to go by
        stop_jobs(plan, self.sagemaker())
        if not self._restore_endpoint(plan):
            return False
        self.rollout.endpoint_manager.forget(plan["name"])
        if record["candidate"]:
            with suppress(UnknownModel):
                self.registry.decide(
                    task, record["candidate"], accepted=False, reasons=[record["outcome"] or ""]
                )
        return True

    def _restore_endpoint(self, plan: Plan) -> bool:
        current, endpoint = self.registry.current(plan["task"]), plan["serving"]["endpoint"]
        try:
            return self.rollout.restore(plan, current.config_on(endpoint) if current else None)
        except EndpointNotChanged as error:
            found = self.rollout.endpoint_manager.find(endpoint)
            if found is None or found.is_changing:
                return False  # another process is restoring it
            raise EndpointNotChanged(
                f"{error.message} The endpoint serves the model that {plan['run']} left there, which "
                "was never tested. Delete the endpoint, then start again; until there is a new one, the "
                "deployed package answers."
            ) from error

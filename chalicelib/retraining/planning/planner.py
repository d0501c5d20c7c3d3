"""The first step of a retraining: check the request, lock the task, and write the plan."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from chalicelib import timestamps
from chalicelib.errors import AlreadyRetraining, EndpointNotChanged, InvalidRequest
from chalicelib.observability import count
from chalicelib.retraining.locations import plan_key
from chalicelib.retraining.planning.builder import PlanBuilder
from chalicelib.retraining.planning.plan import NoPlan, Plan
from chalicelib.retraining.planning.training import Code, Instance
from chalicelib.retraining.record import RetrainingRecord, RetrainingStatus
from chalicelib.retraining.repository import (
    FAILED,
    SKIPPED,
    RetrainingRepository,
    empty_record,
)
from chalicelib.retraining.request import RetrainingRequest, parse_request
from chalicelib.storage.bucket import DataBucket
from chalicelib.tasks import EndpointSpec, Task, load_tasks


@dataclass(frozen=True)
class Planner:
    """Plans retrainings, one at a time for each task."""

    builder: PlanBuilder
    bucket: DataBucket
    repository: RetrainingRepository
    endpoints: Mapping[str, EndpointSpec]
    """By task, endpoints that are managed elsewhere. No retraining changes them."""
    lock: Callable[[Task, str], str | None]
    """Takes a task's lock for an execution, as `TaskLock.acquire` does."""

    def plan(
        self,
        request: Any,
        execution: str,
        code: str,
        commit: str,
        instance_type: str = "",
        volume_key: str = "",
    ) -> Plan | NoPlan:
        """Lock the task and plan its retraining.

        Args:
            request: input of the execution.
            execution: ARN.
            code: s3:// folder of the code that trains.
            commit: of that code; empty if unknown.
            instance_type: that trains; earlier state machines do not name it, nor read what it decides.
            volume_key: ARN of the key that encrypts the instance's volume.

        Returns:
            The plan, or why there is none. Only with a plan, the execution holds the lock.
        """
        name = execution.rpartition(":")[2]
        try:
            checked = parse_request(request)
            self._check_endpoint(checked.task)
            if stopped := self.lock(checked.task, execution):
                return {"waits_for": stopped}
        except AlreadyRetraining as error:
            self._record_end(SKIPPED, execution, request, error.message)
            count("RetrainingsSkipped", checked.task.name)
            return {"skipped": error.message}
        except (InvalidRequest, EndpointNotChanged) as error:
            self._record_end(FAILED, execution, request, error.message)
            return {"refused": error.message}
        try:
            plan = self.builder.build(
                checked, execution, Code(code, commit), Instance(instance_type, volume_key)
            )
        except InvalidRequest as error:
            self._record_end(FAILED, execution, request, error.message)
            self.repository.release(checked.task.name, execution)
            return {"refused": error.message}
        # The plan first, so that every retraining with a record has one.
        self.bucket.write_json(plan_key(checked.task.name, name), {**plan})
        self.repository.create(_record(plan, checked))
        return plan

    def _record_end(self, status: RetrainingStatus, execution: str, request: Any, reason: str) -> None:
        """Show a retraining that did not start in the list, unless its request names no task."""
        if isinstance(request, dict) and str(request.get("task")) in load_tasks():
            name, now = execution.rpartition(":")[2], timestamps.now()
            record = empty_record(name, execution, request)
            self.repository.create(
                record | {"status": status, "started_at": now, "ended_at": now, "outcome": reason}
            )

    def _check_endpoint(self, task: Task) -> None:
        if endpoint := self.endpoints.get(task.name):
            raise InvalidRequest(
                f"{task.title} is classified by the endpoint {endpoint.name}, which this application does "
                "not manage. Remove it from the task's file or from ENDPOINTS first."
            )


def _record(plan: Plan, request: RetrainingRequest) -> RetrainingRecord:
    given = {"task": plan["task"], "reason": request.reason, "requested_by": request.requested_by}
    return {
        **empty_record(plan["run"], plan["execution"], given),
        "started_at": timestamps.now(),
        "hyperparameters": dict(request.hyperparameters),
        "trials": request.trials,
        "data": {**plan["data"]},
        "job": plan["tuning_name"] if request.trials else plan["name"],
        "current": plan["current"]["version"],
    }

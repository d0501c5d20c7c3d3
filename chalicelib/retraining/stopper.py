"""Stops a retraining at a person's request."""

import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from chalicelib.errors import NothingToStop, UnknownModel, UnknownRetraining
from chalicelib.models.endpoint_manager import EndpointManager
from chalicelib.models.registry import Registry
from chalicelib.retraining.executions import Executions
from chalicelib.retraining.jobs import stop_jobs
from chalicelib.retraining.locations import plan_key
from chalicelib.retraining.planning.plan import Plan
from chalicelib.retraining.record import RetrainingRecord
from chalicelib.retraining.repository import RUNNING, STOPPED, RetrainingRepository
from chalicelib.storage.audit import Audit
from chalicelib.storage.bucket import DataBucket
from chalicelib.storage.errors import ObjectMissing

OUTCOME = "It was stopped by an administrator. The current model stays."
DEPLOYING = "Endpoint required?"
"""The state with which the deployment begins. From then on, only the retraining itself, or the next one, may
change the endpoint."""


@dataclass(frozen=True)
class Stopper:
    """Stops retrainings whose model is not being deployed yet."""

    repository: RetrainingRepository
    executions: Executions
    bucket: DataBucket
    registry: Registry
    endpoint_manager: EndpointManager
    sagemaker: Callable[[], Any]
    """Makes the boto3 client."""

    def stop(self, name: str, user: str) -> None:
        """Stop a retraining and its jobs, discard its model, and unlock its task; can be repeated.

        Whatever a step of the retraining still writes meanwhile, the next retraining of the task cleans up.

        Raises:
            NothingToStop: if it has ended, or is deploying its model.
            UnknownRetraining: if there is no such retraining.
        """
        arn = self._check(name)
        Audit(self.bucket).record(user, "stop-retraining", name)
        self.executions.stop(arn, OUTCOME)
        try:
            record = self.repository.get(name)
        except UnknownRetraining:
            return  # it had no plan yet, so it has created nothing
        if self._is_deploying(arn):
            return  # it went on in between: the next retraining of the task looks at the endpoint
        plan = self._plan(record)
        if plan:
            stop_jobs(plan, self.sagemaker())
        self.repository.stop(name, user, OUTCOME)
        if plan:
            self._discard(record, plan)
        self.repository.release(record["task"], arn)

    def _check(self, name: str) -> str:
        """The ARN of the execution of a retraining that can be stopped, or has been."""
        try:
            record = self.repository.get(name)
            arn, status = record["execution"], record["status"]
        except UnknownRetraining:
            arn, status = self.executions.arn(name), RUNNING
            if self.executions.describe(arn) is None:
                raise
        if status not in (RUNNING, STOPPED):
            raise NothingToStop("This retraining has ended already.")
        if self._is_deploying(arn):
            raise NothingToStop(
                "The new model is being deployed, which takes some minutes. Wait for the end of this "
                "retraining, and roll back if the model should not stay."
            )
        return arn

    def _is_deploying(self, arn: str) -> bool:
        return any(state["name"] == DEPLOYING for state in self.executions.states(arn))

    def _plan(self, record: RetrainingRecord) -> Plan | None:
        try:
            plan: Plan = json.loads(self.bucket.read(plan_key(record["task"], record["name"])).body)
        except ObjectMissing:
            return None  # its folder was deleted
        return plan

    def _discard(self, record: RetrainingRecord, plan: Plan) -> None:
        self.endpoint_manager.forget(plan["name"])
        if record["candidate"]:
            with suppress(UnknownModel):
                self.registry.decide(record["task"], record["candidate"], accepted=False, reasons=[OUTCOME])

"""Executions of the state machine of batches: one for each pass of a batch."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from chalicelib.batches.batch import Batch
from chalicelib.batches.record import BatchStatus, BatchStep, Progress
from chalicelib.errors import BatchesNotDeployed

RECORDING = "record"
"""Label of the Map that records the answers of a transform job. It is part of the ARN of a Map Run."""
_UNKNOWN = ("ExecutionDoesNotExist", "InvalidArn")
_STATUS: Mapping[str, BatchStatus] = {
    "RUNNING": "running",
    "SUCCEEDED": "ended",
    "ABORTED": "stopped",
    "FAILED": "failed",
    "TIMED_OUT": "failed",
}


@dataclass(frozen=True)
class BatchExecutions:
    """Starts, follows and stops passes."""

    client: Any
    """boto3 `stepfunctions` client."""
    state_machine: str | None
    """ARN; None if the stage has none."""

    def start(self, batch: Batch, number: int) -> None:
        """Start a pass, unless it has been started.

        Raises:
            BatchesNotDeployed: if the stage has no state machine.
        """
        try:
            self.client.start_execution(
                stateMachineArn=self.required(), name=_name(batch["name"], number), input=json.dumps(batch)
            )
        except ClientError as error:
            if error.response["Error"]["Code"] != "ExecutionAlreadyExists":
                raise

    def required(self) -> str:
        """The ARN of the state machine.

        Raises:
            BatchesNotDeployed: if there is none.
        """
        if self.state_machine is None:
            raise BatchesNotDeployed(
                "Batches are not deployed in this stage. `make deploy STAGE=...` sets them up."
            )
        return self.state_machine

    def status(self, name: str, number: int) -> tuple[BatchStatus, str | None]:
        """What a pass does, and why it failed if it did.

        A pass that Step Functions does not know was not started, or has been forgotten.
        """
        try:
            found = self.client.describe_execution(executionArn=self._arn(name, number))
        except ClientError as error:
            if error.response["Error"]["Code"] in _UNKNOWN:
                return "stopped", None
            raise
        status = _STATUS[found["status"]]
        return status, (found.get("error") or found["status"]) if status == "failed" else None

    def progress(self, name: str, number: int) -> Progress | None:
        """How far a pass is; None while its images are listed, and if it is unknown."""
        execution = self._arn(name, number)
        try:
            runs = self.client.list_map_runs(executionArn=execution)["mapRuns"]
        except ClientError as error:
            if error.response["Error"]["Code"] in _UNKNOWN:
                return None
            raise
        if not runs:
            return None
        latest = max(runs, key=lambda run: run["startDate"])["mapRunArn"]
        found = self.client.describe_map_run(mapRunArn=latest)
        # Passes of a batch may differ: Lambdas go on if the task has no endpoint any more.
        batch: Batch = json.loads(self.client.describe_execution(executionArn=execution)["input"])
        counts = found["itemCounts"]
        return {
            "step": _step(batch, latest, found["status"]),
            "images": counts["total"],
            "done": counts["succeeded"],
            "failed": counts["failed"] + counts["timedOut"],
            "running": counts["running"],
            "pending": counts["pending"] + counts["aborted"],
        }

    def stop(self, name: str, number: int) -> None:
        """Stop a pass. Parts whose Lambdas are running are finished."""
        self.client.stop_execution(
            executionArn=self._arn(name, number), error="Stopped", cause="A person stopped the batch."
        )

    def _arn(self, name: str, number: int) -> str:
        return f"{self.required().replace(':stateMachine:', ':execution:')}:{_name(name, number)}"


def _step(batch: Batch, map_run: str, status: str) -> BatchStep:
    """What a pass is at, by its latest Map Run."""
    if not batch.get("transform"):
        return "classify"
    if f"/{RECORDING}:" in map_run:
        return "record"
    return "transform" if status == "SUCCEEDED" else "prepare"


def _name(name: str, number: int) -> str:
    return f"{name}.{number}"

"""Executions of the state machine of batches: one for each pass of a batch."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from chalicelib.batches.batch import Batch
from chalicelib.batches.record import BatchStatus, Progress
from chalicelib.errors import BatchesNotDeployed

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
        try:
            runs = self.client.list_map_runs(executionArn=self._arn(name, number), maxResults=1)["mapRuns"]
        except ClientError as error:
            if error.response["Error"]["Code"] in _UNKNOWN:
                return None
            raise
        if not runs:
            return None
        counts = self.client.describe_map_run(mapRunArn=runs[0]["mapRunArn"])["itemCounts"]
        return {
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


def _name(name: str, number: int) -> str:
    return f"{name}.{number}"

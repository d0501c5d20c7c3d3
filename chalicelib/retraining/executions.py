"""Executions of the state machine."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from botocore.exceptions import ClientError

from chalicelib.errors import NothingToApprove, RetrainingNotDeployed
from chalicelib.retraining.earlier_names import state_name
from chalicelib.retraining.record import EnteredState, RetrainingEnd, RetrainingStatus
from chalicelib.timestamps import timestamp

RUNNING = "RUNNING"
_UNKNOWN = ("ExecutionDoesNotExist", "InvalidArn")
_ANSWERED = ("InvalidToken", "TaskDoesNotExist", "TaskTimedOut")
_ENDS: Mapping[str, tuple[RetrainingStatus, str]] = {
    "ABORTED": ("stopped", "It was stopped. The current model stays."),
    "TIMED_OUT": ("failed", "It exceeded its time limit. The current model stays."),
    "FAILED": ("failed", "It failed. The current model stays."),
    "SUCCEEDED": ("ended", "It has completed, but its outcome was not recorded."),
}
"""Status and outcome of a retraining whose execution ended without recording them."""


class Executions:
    """Starts and follows executions.

    Args:
        client: boto3 `stepfunctions` client.
        state_machine: ARN; None if the stage has no state machine.
    """

    def __init__(self, client: Any, state_machine: str | None):
        self._client = client
        self._state_machine = state_machine

    def start(self, name: str, request: dict[str, Any]) -> str:
        """Start an execution with a name and an input; returns its ARN.

        Raises:
            RetrainingNotDeployed: if the stage has no state machine.
        """
        if self._state_machine is None:
            raise RetrainingNotDeployed(
                "Retraining is not deployed in this stage. `make deploy STAGE=...` sets it up; until then, "
                "train with `make train`."
            )
        started = self._client.start_execution(
            stateMachineArn=self._state_machine, name=name, input=json.dumps(request)
        )
        return str(started["executionArn"])

    def arn(self, name: str) -> str:
        """The ARN that an execution with this name has; empty if the stage has no state machine."""
        if self._state_machine is None:
            return ""
        return f"{self._state_machine.replace(':stateMachine:', ':execution:')}:{name}"

    def describe(self, arn: str) -> dict[str, Any] | None:
        """`{"status", "input", "error", "cause", "started_at", "ended_at"}`; None if unknown or expired."""
        if not arn:
            return None
        try:
            execution = self._client.describe_execution(executionArn=arn)
        except ClientError as error:
            if error.response["Error"]["Code"] in _UNKNOWN:
                return None
            raise
        ended = execution.get("stopDate")
        return {
            "status": execution["status"],
            "input": json.loads(execution.get("input") or "null"),
            "error": execution.get("error"),
            "cause": execution.get("cause"),
            "started_at": timestamp(execution["startDate"]),
            "ended_at": timestamp(ended) if ended else None,
        }

    def is_running(self, arn: str) -> bool:
        """Whether an execution is running."""
        execution = self.describe(arn)
        return execution is not None and execution["status"] == RUNNING

    def stop(self, arn: str, cause: str) -> None:
        """Stop an execution if it is running. Step Functions stops the job that it waits for, too."""
        if self.is_running(arn):
            self._client.stop_execution(executionArn=arn, error="Stopped", cause=cause)

    def states(self, arn: str) -> list[EnteredState]:
        """The states that were entered, in order: `{"name", "entered_at", "exited_at"}`, times in UTC.

        States have today's names, also in executions of earlier releases.
        """
        states: list[EnteredState] = []
        for event in self._history(arn):
            if entered := event.get("stateEnteredEventDetails"):
                at = timestamp(event["timestamp"])
                states.append({"name": state_name(entered["name"]), "entered_at": at, "exited_at": None})
            elif exited := event.get("stateExitedEventDetails"):
                for state in reversed(states):
                    if state["name"] == state_name(exited["name"]) and state["exited_at"] is None:
                        state["exited_at"] = timestamp(event["timestamp"])
                        break
        return states

    def answer(self, token: str, answer: dict[str, Any]) -> None:
        """Continue the execution that waits with `token`.

        Raises:
            NothingToApprove: if it no longer waits.
        """
        try:
            self._client.send_task_success(taskToken=token, output=json.dumps(answer))
        except ClientError as error:
            if error.response["Error"]["Code"] in _ANSWERED:
                raise NothingToApprove(
                    "This retraining no longer waits for an approval: it was answered, or the time is over."
                ) from None
            raise

    def _history(self, arn: str) -> Iterator[dict[str, Any]]:
        pages = self._client.get_paginator("get_execution_history").paginate(
            executionArn=arn, includeExecutionData=False
        )
        try:
            for page in pages:
                yield from page["events"]
        except ClientError as error:
            if error.response["Error"]["Code"] not in _UNKNOWN:
                raise


def end_of(execution: dict[str, Any] | None) -> RetrainingEnd:
    """What the description of an execution adds to a record that still says `running`."""
    if execution is None:
        return {"status": "ended", "outcome": "Execution history has expired; the outcome is unknown."}
    if execution["status"] == RUNNING:
        return {}
    status, outcome = _ENDS[execution["status"]]
    return {"status": status, "ended_at": execution["ended_at"], "outcome": execution["cause"] or outcome}

"""Executions of the state machine."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from botocore.exceptions import ClientError

from chalicelib.errors import NothingToApprove, RetrainingNotDeployed
from chalicelib.retraining.record import EnteredState, RetrainingEnd, RetrainingStatus
from chalicelib.timestamps import timestamp

RUNNING = "RUNNING"
_GONE = ("ExecutionDoesNotExist", "InvalidArn")
_ANSWERED = ("InvalidToken", "TaskDoesNotExist", "TaskTimedOut")
_ENDS: Mapping[str, tuple[RetrainingStatus, str]] = {
    "ABORTED": ("stopped", "Somebody stopped it. The current model stays."),
    "TIMED_OUT": ("failed", "It ran out of time. The current model stays."),
    "FAILED": ("failed", "It failed. The current model stays."),
    "SUCCEEDED": ("ended", "It came to its end, but could not write down what came of it."),
}
"""What became of an execution that did not come to write down its end."""


class Executions:
    """Starts and follows executions.

    `client` is a boto3 `stepfunctions` client, `state_machine` an ARN, or None if the stage has none.
    """

    def __init__(self, client: Any, state_machine: str | None):
        self._client = client
        self._state_machine = state_machine

    def start(self, name: str, wish: dict[str, Any]) -> str:
        """Start an execution with that name and input, and return its ARN.

        Raises:
            RetrainingNotDeployed: if the stage has no state machine.
        """
        if self._state_machine is None:
            raise RetrainingNotDeployed(
                "This stage has no retraining. `make deploy STAGE=...` sets it up; until then, train with "
                "`make train`."
            )
        started = self._client.start_execution(
            stateMachineArn=self._state_machine, name=name, input=json.dumps(wish)
        )
        return str(started["executionArn"])

    def arn(self, name: str) -> str:
        """The ARN of the execution with that name, if there is one; empty if there can be none."""
        if self._state_machine is None:
            return ""
        return f"{self._state_machine.replace(':stateMachine:', ':execution:')}:{name}"

    def describe(self, arn: str) -> dict[str, Any] | None:
        """`{"status", "input", "error", "cause", "started_at", "ended_at"}`; None if it is unknown by now."""
        if not arn:
            return None
        try:
            execution = self._client.describe_execution(executionArn=arn)
        except ClientError as error:
            if error.response["Error"]["Code"] in _GONE:
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
        """Whether an execution has not ended."""
        execution = self.describe(arn)
        return execution is not None and execution["status"] == RUNNING

    def states(self, arn: str) -> list[EnteredState]:
        """The states that were entered, in order: `{"name", "entered_at", "exited_at"}`, times in UTC."""
        states: list[EnteredState] = []
        for event in self._history(arn):
            if entered := event.get("stateEnteredEventDetails"):
                at = timestamp(event["timestamp"])
                states.append({"name": entered["name"], "entered_at": at, "exited_at": None})
            elif exited := event.get("stateExitedEventDetails"):
                for state in reversed(states):
                    if state["name"] == exited["name"] and state["exited_at"] is None:
                        state["exited_at"] = timestamp(event["timestamp"])
                        break
        return states

    def answer(self, token: str, answer: dict[str, Any]) -> None:
        """Let the execution that waits with `token` go on.

        Raises:
            NothingToApprove: if it does not wait any more.
        """
        try:
            self._client.send_task_success(taskToken=token, output=json.dumps(answer))
        except ClientError as error:
            if error.response["Error"]["Code"] in _ANSWERED:
                raise NothingToApprove(
                    "This retraining does not wait for an approval any more: it was given, or too late."
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
            if error.response["Error"]["Code"] not in _GONE:
                raise


def end_of(execution: dict[str, Any] | None) -> RetrainingEnd:
    """What an execution, as described, adds to a retraining that says of itself that it runs."""
    if execution is None:
        return {"status": "ended", "outcome": "It has ended; what came of it, is not known any more."}
    if execution["status"] == RUNNING:
        return {}
    status, outcome = _ENDS[execution["status"]]
    return {"status": status, "ended_at": execution["ended_at"], "outcome": execution["cause"] or outcome}

"""A fake boto3 client of Step Functions."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import ClientError

STARTED, ENDED = datetime(2026, 1, 1, 12, tzinfo=UTC), datetime(2026, 1, 1, 13, tzinfo=UTC)


class FakeStepFunctions:
    """Executions by ARN, and waiting tasks by token."""

    def __init__(self) -> None:
        self.executions: dict[str, dict[str, Any]] = {}
        self.history: dict[str, list[dict[str, Any]]] = {}
        self.waiting: set[str] = set()
        self.answers: dict[str, Any] = {}
        self.map_runs: dict[str, list[str]] = {}
        self.map_runs_counts: dict[str, tuple[str, dict[str, int]]] = {}

    def start_execution(self, stateMachineArn: str, name: str, input: str) -> dict[str, str]:  # noqa: A002, N803
        arn = f"{stateMachineArn.replace(':stateMachine:', ':execution:')}:{name}"
        self.executions[arn] = {"status": "RUNNING", "input": input, "startDate": STARTED}
        return {"executionArn": arn}

    def end(self, arn: str, status: str, **details: str) -> None:
        """End an execution."""
        self.executions[arn] |= {"status": status, "stopDate": ENDED, **details}

    def stop_execution(self, executionArn: str, error: str, cause: str) -> None:  # noqa: N803
        self.end(executionArn, "ABORTED", error=error, cause=cause)

    def describe_execution(self, executionArn: str) -> dict[str, Any]:  # noqa: N803
        if executionArn not in self.executions:
            raise ClientError(
                {"Error": {"Code": "ExecutionDoesNotExist", "Message": "?"}}, "DescribeExecution"
            )
        return self.executions[executionArn]

    def list_map_runs(self, executionArn: str) -> dict[str, Any]:  # noqa: N803
        self.describe_execution(executionArn)
        runs = self.map_runs.get(executionArn, ())
        times = (STARTED.replace(minute=minute) for minute in range(60))
        return {
            "mapRuns": [{"mapRunArn": arn, "startDate": time} for arn, time in zip(runs, times, strict=False)]
        }

    def describe_map_run(self, mapRunArn: str) -> dict[str, Any]:  # noqa: N803
        names = ("total", "pending", "running", "succeeded", "failed", "timedOut", "aborted")
        status, counts = self.map_runs_counts[mapRunArn]
        return {"status": status, "itemCounts": dict.fromkeys(names, 0) | counts}

    def map(self, arn: str, label: str = "folder", status: str = "RUNNING", **counts: int) -> None:
        """Let an execution work through images, in a Map with this label."""
        machine = arn.replace(":execution:", ":mapRun:").rpartition(":")[0]
        run = f"{machine}/{label}:{arn.rpartition(':')[2]}"
        self.map_runs[arn] = [*(one for one in self.map_runs.get(arn, ()) if one != run), run]
        self.map_runs_counts[run] = (status, counts)

    def enter(self, arn: str, state: str, second: int) -> None:
        """Let an execution enter a state."""
        self._add(arn, {"stateEnteredEventDetails": {"name": state}}, second)

    def leave(self, arn: str, state: str, second: int) -> None:
        """Let an execution leave a state."""
        self._add(arn, {"stateExitedEventDetails": {"name": state}}, second)

    def _add(self, arn: str, event: dict[str, Any], second: int) -> None:
        events = self.history.setdefault(arn, [])
        events.append({"timestamp": STARTED.replace(second=second), **event})

    def get_paginator(self, operation: str) -> "FakeStepFunctions":
        assert operation == "get_execution_history"
        return self

    def paginate(self, executionArn: str, includeExecutionData: bool) -> Iterator[dict[str, Any]]:  # noqa: N803
        """One page for each event."""
        assert includeExecutionData is False
        self.describe_execution(executionArn)
        for event in self.history.get(executionArn, ()):
            yield {"events": [event]}

    def send_task_success(self, taskToken: str, output: str) -> None:  # noqa: N803
        if taskToken not in self.waiting:
            raise ClientError({"Error": {"Code": "TaskTimedOut", "Message": "?"}}, "SendTaskSuccess")
        self.waiting.remove(taskToken)
        self.answers[taskToken] = json.loads(output)

"""Step Functions of the emulator: stopping of executions, time-outs of tasks, and task tokens.

Each patch can go when ministack passes the test of tests/stack/test_step_functions.py named beside it.
"""

import functools
import json
import threading
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from typing import Any

from ministack.core import iam_actions
from ministack.services import stepfunctions

from local.aws import patching


class Aborted(Exception):
    """The task's execution has ended or the task has timed out. No `Catch` may handle this."""

    def __str__(self) -> str:
        return "The execution has ended."


class Task:
    """One attempt at a Task state."""

    def __init__(self, execution: dict[str, Any]) -> None:
        self._execution = execution
        self._timed_out = threading.Event()

    @property
    def machine(self) -> str:
        """The ARN of the state machine."""
        return str(self._execution["stateMachineArn"])

    @property
    def is_awaited(self) -> bool:
        """Whether the execution still waits for the task."""
        return not self._timed_out.is_set() and is_running(self._execution)

    def new_attempt(self) -> "Task":
        """Another attempt, with its own time-out."""
        return Task(self._execution)

    def time_out(self) -> None:
        """Mark the task as timed out."""
        self._timed_out.set()


_task: ContextVar[Task | None] = ContextVar("task", default=None)
_token: ContextVar[str | None] = ContextVar("token", default=None)
_machines: dict[str, str] = {}
"""The ARN of the state machine that waits for a token, by token."""


def current_task() -> Task | None:
    """The task that the calling thread works on."""
    return _task.get()


def install() -> None:
    """Apply the patches."""
    for name in ("_ExecutionError", "_executions", "_map_runs", "_task_tokens"):
        patching.existing(stepfunctions, name)
    # ministack runs the tasks of a stopped execution to their end
    # (test_stopped_execution_ends_parallel_branches).
    patching.wrap(stepfunctions, "_execute_task", _with_execution)
    # It never tells a job that its state has timed out (test_timeout_of_a_state_stops_its_job).
    patching.wrap(stepfunctions, "_invoke_resource_with_timeout", _noting_time_outs)
    # It marks a stopped execution as failed later (test_stopped_execution_stays_stopped).
    patching.wrap(stepfunctions, "_fail_execution", _only_if_running)
    # It mixes up the tokens of parallel branches (test_every_branch_and_attempt_has_its_own_token).
    patching.wrap(stepfunctions, "_run_sub_machine", _with_own_context)
    # It waits for ever for the token of a task whose Lambda has failed
    # (test_task_does_not_wait_if_its_lambda_fails).
    patching.wrap(stepfunctions, "_invoke_with_callback", _with_token)
    patching.wrap(stepfunctions, "_call_lambda", _failing_the_token)
    # It does not tell IAM which state machine a token belongs to
    # (test_token_can_be_answered_only_with_permission).
    patching.wrap(iam_actions, "extract_resource_arn", _with_state_machine_of_token)


# ----------------------------------------------------------------------------------------- Executions


def is_running(execution: Mapping[str, Any]) -> bool:
    """Whether an execution is running, and its parent if it belongs to a distributed map."""
    if execution["status"] != "RUNNING":
        return False
    map_run = stepfunctions._map_runs.get(execution.get("mapRunArn"))
    parent = stepfunctions._executions.get(map_run["executionArn"]) if map_run else None
    return parent is None or is_running(parent)


def _with_execution(execute: Callable[..., Any]) -> Callable[..., Any]:
    """Record the execution of a task, and start no task of an execution that has ended."""

    @functools.wraps(execute)
    def execute_task(state: Any, data: Any, execution: dict[str, Any], context: Any) -> Any:
        if not is_running(execution):
            raise Aborted
        known = _task.set(Task(execution))
        try:
            return execute(state, data, execution, context)
        finally:
            _task.reset(known)

    return execute_task


def _noting_time_outs(invoke: Callable[..., Any]) -> Callable[..., Any]:
    """Mark a task as timed out for the thread that still works on it."""

    @functools.wraps(invoke)
    def invoke_resource_with_timeout(*arguments: Any) -> Any:
        task = _task.get()
        attempt = task.new_attempt() if task else None
        known = _task.set(attempt)
        try:
            return invoke(*arguments)
        except stepfunctions._ExecutionError as error:
            if attempt and error.error == "States.Timeout":
                attempt.time_out()
            raise
        finally:
            _task.reset(known)

    return invoke_resource_with_timeout


def _only_if_running(fail: Callable[..., None]) -> Callable[..., None]:
    """Keep the status of an execution that has been stopped, whatever its tasks return."""

    @functools.wraps(fail)
    def fail_execution(execution: dict[str, Any], *reason: Any) -> None:
        if execution["status"] == "RUNNING":
            fail(execution, *reason)

    return fail_execution


# ---------------------------------------------------------------------------------------- Task tokens


def _with_own_context(run: Callable[..., Any]) -> Callable[..., Any]:
    """Give each branch of a Parallel state its own context for states and tokens. Variables stay shared."""

    @functools.wraps(run)
    def run_sub_machine(states: Any, start: Any, data: Any, execution: Any, context: dict[str, Any]) -> Any:
        return run(states, start, data, execution, {**context})

    return run_sub_machine


def _with_token(invoke: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(invoke)
    def invoke_with_callback(resource: Any, data: Any, token: str, state: Any) -> Any:
        known, task = _token.set(token), _task.get()
        if task:
            _machines[token] = task.machine
        try:
            return invoke(resource, data, token, state)
        finally:
            _machines.pop(token, None)
            _token.reset(known)

    return invoke_with_callback


def _failing_the_token(call: Callable[..., Any]) -> Callable[..., Any]:
    """Fail the task with the error of its Lambda, which will not answer the token any more."""

    @functools.wraps(call)
    def call_lambda(function: Any, event: Any) -> Any:
        try:
            return call(function, event)
        except stepfunctions._ExecutionError as error:
            waiting = stepfunctions._task_tokens.get(_token.get())
            if waiting and not waiting["event"].is_set():
                waiting["error"] = {"Error": error.error, "Cause": error.cause}
                waiting["event"].set()
            raise

    return call_lambda


def _with_state_machine_of_token(extract: Callable[..., str]) -> Callable[..., str]:
    """Authorize SendTask* calls against the state machine that waits for the token."""

    @functools.wraps(extract)
    def extract_resource_arn(
        service: str, method: str, path: str, headers: Mapping[str, str], body: bytes, *rest: Any
    ) -> str:
        if headers.get("x-amz-target", "").startswith("AWSStepFunctions.SendTask"):
            try:
                return _machines.get(json.loads(body)["taskToken"], "*")
            except (ValueError, LookupError, TypeError):
                return "*"
        return extract(service, method, path, headers, body, *rest)

    return extract_resource_arn

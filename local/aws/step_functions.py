"""Step Functions of the emulator: executions and tasks end when they are told to.

ministack lets the tasks of a stopped execution run on and then calls it failed, waits for ever for the token
of a task whose Lambda has crashed, and mixes up the tokens of parallel branches. Who may answer a token is a
question of the state machine that waits for it, which ministack does not tell IAM.
"""

import functools
import json
import logging
import threading
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from typing import Any

from ministack.core import iam_actions
from ministack.services import stepfunctions

from local.aws import patching


class Aborted(Exception):
    """The execution that a task belongs to has ended, or the task took too long; nothing may catch this."""


class Task:
    """The task that this thread works on."""

    def __init__(self, execution: dict[str, Any]) -> None:
        self._execution = execution
        self._timed_out = threading.Event()

    @property
    def machine(self) -> str:
        """The ARN of the state machine."""
        return str(self._execution["stateMachineArn"])

    @property
    def wanted(self) -> bool:
        """Whether anybody waits for its end."""
        return not self._timed_out.is_set() and is_running(self._execution)

    def again(self) -> "Task":
        """Another attempt, with time of its own."""
        return Task(self._execution)

    def time_out(self) -> None:
        """From here on nobody waits."""
        self._timed_out.set()


_task: ContextVar[Task | None] = ContextVar("task", default=None)
_token: ContextVar[str | None] = ContextVar("token", default=None)
_machines: dict[str, str] = {}
"""By token, the state machine that waits for it."""


def current_task() -> Task | None:
    """The task that this thread works on."""
    return _task.get()


def install() -> None:
    """Have executions and tasks end as on AWS."""
    patching.existing(stepfunctions, "_ExecutionError")
    patching.existing(stepfunctions, "_executions")
    patching.existing(stepfunctions, "_map_runs")
    patching.existing(stepfunctions, "logger").addFilter(_is_no_abortion)
    patching.wrap(stepfunctions, "_execute_task", _knowing_its_execution)
    patching.wrap(stepfunctions, "_invoke_resource_with_timeout", _telling_of_timeouts)
    patching.wrap(stepfunctions, "_fail_execution", _once)
    patching.existing(stepfunctions, "_task_tokens")
    patching.wrap(stepfunctions, "_run_sub_machine", _with_its_own_context)
    patching.wrap(stepfunctions, "_invoke_with_callback", _knowing_its_token)
    patching.wrap(stepfunctions, "_call_lambda", _failing_the_token)
    patching.wrap(iam_actions, "extract_resource_arn", _with_the_machine_of_tokens)


# ----------------------------------------------------------------------------------------- Executions


def is_running(execution: Mapping[str, Any]) -> bool:
    """Whether an execution runs, and the one that it is a part of."""
    if execution["status"] != "RUNNING":
        return False
    map_run = stepfunctions._map_runs.get(execution.get("mapRunArn"))
    parent = stepfunctions._executions.get(map_run["executionArn"]) if map_run else None
    return parent is None or is_running(parent)


def _knowing_its_execution(execute: Callable[..., Any]) -> Callable[..., Any]:
    """Tell a task which execution it belongs to, and start none for one that has ended."""

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


def _telling_of_timeouts(invoke: Callable[..., Any]) -> Callable[..., Any]:
    """Tell the thread that still works on a task that its time is over."""

    @functools.wraps(invoke)
    def invoke_resource_with_timeout(*arguments: Any) -> Any:
        task = _task.get()
        attempt = task.again() if task else None
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


def _is_no_abortion(record: logging.LogRecord) -> bool:
    """Whether a line of the log tells of anything but the end that somebody asked for."""
    return not (record.exc_info and isinstance(record.exc_info[1], Aborted))


def _once(fail: Callable[..., None]) -> Callable[..., None]:
    """An execution that was stopped stays aborted, whatever its tasks come to."""

    @functools.wraps(fail)
    def fail_execution(execution: dict[str, Any], *reason: Any) -> None:
        if execution["status"] == "RUNNING":
            fail(execution, *reason)

    return fail_execution


# ---------------------------------------------------------------------------------------- Task tokens


def _with_its_own_context(run: Callable[..., Any]) -> Callable[..., Any]:
    """Branches of a Parallel state write their states and tokens into one context; variables stay shared."""

    @functools.wraps(run)
    def run_sub_machine(states: Any, start: Any, data: Any, execution: Any, context: dict[str, Any]) -> Any:
        return run(states, start, data, execution, {**context})

    return run_sub_machine


def _knowing_its_token(invoke: Callable[..., Any]) -> Callable[..., Any]:
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
    """A Lambda that fails sends no token back any more: its error is that of the task."""

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


def _with_the_machine_of_tokens(extract: Callable[..., str]) -> Callable[..., str]:
    """IAM's resource of the answer to a task is the state machine."""

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

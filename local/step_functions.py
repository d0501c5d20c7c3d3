"""Step Functions of the emulator: SageMaker's integrations, and executions that end when they are told to.

ministack knows no integration of SageMaker, lets a stopped execution run on and then calls it failed, and
waits for ever for the token of a task whose Lambda has crashed.
"""

import contextlib
import functools
import json
import threading
import time
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from typing import Any

from ministack.services import stepfunctions

from local import patching
from local.sagemaker import contract
from local.sagemaker.errors import SageMakerError
from local.sagemaker.resources import PROCESSING_JOB, TRAINING_JOB, TRANSFORM_JOB, TUNING_JOB, Kind
from local.sagemaker.service import Service

PREFIX = "arn:aws:states:::sagemaker:"
CALLS = frozenset({
    "createEndpoint", "createEndpointConfig", "createHyperParameterTuningJob", "createModel",
    "createProcessingJob", "createTrainingJob", "createTransformJob", "updateEndpoint",
})  # fmt: skip
JOBS = {f"create{kind.noun}": kind for kind in (TRAINING_JOB, TUNING_JOB, TRANSFORM_JOB, PROCESSING_JOB)}
"""The calls that have `.sync` as well."""
POLL = 0.2  # seconds
MODELLED = ("ConflictException", "ResourceInUse", "ResourceLimitExceeded", "ResourceNotFound")
"""SageMaker's own errors; AWS's SDKs have a class for each, and one for all others."""


class Aborted(Exception):
    """The execution that a task belongs to has ended, or the task took too long; nothing may catch this."""


class Task:
    """The task that this thread works on."""

    def __init__(self, execution: dict[str, Any]) -> None:
        self._execution = execution
        self._timed_out = threading.Event()

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


def install(service: Service) -> None:
    """Add SageMaker's integrations, and have executions end as on AWS."""
    sagemaker = Integration(service)
    patching.existing(stepfunctions, "_SERVICE_DISPATCH")[PREFIX] = sagemaker.run
    patching.existing(stepfunctions, "_AWS_SDK_SERVICE_MAP")["sagemaker"] = {
        "target_prefix": "SageMaker",
        "protocol": "json",
    }
    patching.existing(stepfunctions, "_AWS_SDK_ERROR_PREFIX")["sagemaker"] = "SageMaker"
    patching.wrap(stepfunctions, "_prefix_sdk_error", _naming_sagemakers_errors)
    patching.existing(stepfunctions, "_ExecutionError")
    patching.existing(stepfunctions, "_executions")
    patching.existing(stepfunctions, "_map_runs")
    patching.wrap(stepfunctions, "_execute_task", _knowing_its_execution)
    patching.wrap(stepfunctions, "_invoke_resource_with_timeout", _telling_of_timeouts)
    patching.wrap(stepfunctions, "_fail_execution", _once)
    patching.existing(stepfunctions, "_task_tokens")
    patching.wrap(stepfunctions, "_invoke_with_callback", _knowing_its_token)
    patching.wrap(stepfunctions, "_call_lambda", _failing_the_token)


# ------------------------------------------------------------------------------------------ SageMaker


class Integration:
    """`arn:aws:states:::sagemaker:...`, the optimised integrations."""

    def __init__(self, service: Service) -> None:
        self._service = service

    def run(self, resource: str, request: Any) -> Any:
        """Call SageMaker, and with .sync wait for the job; raise ministack's error if either fails."""
        call, _, pattern = resource.removeprefix(PREFIX).partition(".")
        if call not in CALLS or pattern not in ("", "sync") or (pattern and call not in JOBS):
            raise stepfunctions._ExecutionError(
                "States.Runtime", f"The resource provided {resource} is not recognized."
            )
        answer = self._call(call[:1].upper() + call[1:], request)
        return self._wait(JOBS[call], request) if pattern else answer

    def _wait(self, kind: Kind, request: Mapping[str, Any]) -> Any:
        """The description of the job once it is completed; raise ministack's error if it is not."""
        task = _task.get()
        named = {kind.name: request[kind.name]}
        while True:
            job = self._call(f"Describe{kind.noun}", named)
            match job[kind.status]:
                case "Completed":
                    return job
                case "Failed" | "Stopped":
                    raise stepfunctions._ExecutionError("States.TaskFailed", json.dumps(job))
            if task and not task.wanted:
                with contextlib.suppress(SageMakerError):
                    self._service.call(f"Stop{kind.noun}", named)
                raise Aborted
            time.sleep(POLL)

    def _call(self, operation: str, request: Any) -> Any:
        try:
            answer = self._service.call(operation, request)
        except SageMakerError as error:
            raise stepfunctions._ExecutionError(
                f"SageMaker.{_class(error.code, 'AmazonSageMakerException')}",
                f"{error.message} (Service: AmazonSageMaker; Status Code: {error.status}; "
                f"Error Code: {error.code})",
            ) from error
        shape = contract.model().operation_model(operation).output_shape
        return in_milliseconds(shape, answer) if shape else answer


def in_milliseconds(shape: Any, value: Any) -> Any:
    """The value with timestamps as these integrations have them."""
    match shape.type_name:
        case "timestamp":
            return round(value * 1000)
        case "structure":
            return {name: in_milliseconds(shape.members[name], item) for name, item in value.items()}
        case "list":
            return [in_milliseconds(shape.member, item) for item in value]
    return value


def _naming_sagemakers_errors(prefix: Callable[[str, str], str]) -> Callable[[str, str], str]:
    def prefix_sdk_error(service: str, code: str) -> str:
        return prefix(service, _class(code, "SageMakerException") if service == "sagemaker" else code)

    return prefix_sdk_error


def _class(code: str, general: str) -> str:
    """The name of the exception that AWS's SDKs raise for an error code."""
    return f"{code.removesuffix('Exception')}Exception" if code in MODELLED else general


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


def _once(fail: Callable[..., None]) -> Callable[..., None]:
    """An execution that was stopped stays aborted, whatever its tasks come to."""

    @functools.wraps(fail)
    def fail_execution(execution: dict[str, Any], *reason: Any) -> None:
        if execution["status"] == "RUNNING":
            fail(execution, *reason)

    return fail_execution


# ---------------------------------------------------------------------------------------- Task tokens


def _knowing_its_token(invoke: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(invoke)
    def invoke_with_callback(resource: Any, data: Any, token: str, state: Any) -> Any:
        known = _token.set(token)
        try:
            return invoke(resource, data, token, state)
        finally:
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

"""SageMaker in Step Functions: the optimised integrations, and the service's entry for AWS SDK integrations.

ministack has no SageMaker. Needed as long as local.sagemaker is.
"""

import contextlib
import json
import time
from collections.abc import Callable, Mapping
from typing import Any

from ministack.services import stepfunctions

from local.aws import patching
from local.aws.step_functions import Aborted, current_task
from local.sagemaker import api_model
from local.sagemaker.errors import SageMakerError
from local.sagemaker.resources import (
    PROCESSING_JOB,
    TRAINING_JOB,
    TRANSFORM_JOB,
    TUNING_JOB,
    Kind,
)
from local.sagemaker.service import Service

PREFIX = "arn:aws:states:::sagemaker:"
CALLS = frozenset({
    "createEndpoint", "createEndpointConfig", "createHyperParameterTuningJob", "createModel",
    "createProcessingJob", "createTrainingJob", "createTransformJob", "updateEndpoint",
})  # fmt: skip
JOBS = {f"create{kind.noun}": kind for kind in (TRAINING_JOB, TUNING_JOB, TRANSFORM_JOB, PROCESSING_JOB)}
"""The calls that also support `.sync`, and the kinds of their jobs."""
POLL = 0.2  # seconds
MODELLED = ("ConflictException", "ResourceInUse", "ResourceLimitExceeded", "ResourceNotFound")
"""The error codes with exception classes of their own in the AWS SDKs. All others share one class."""


def install(service: Service) -> None:
    """Add SageMaker's integrations to Step Functions."""
    patching.existing(stepfunctions, "_SERVICE_DISPATCH")[PREFIX] = Integration(service).run
    patching.existing(stepfunctions, "_AWS_SDK_SERVICE_MAP")["sagemaker"] = {
        "target_prefix": "SageMaker",
        "protocol": "json",
    }
    patching.existing(stepfunctions, "_AWS_SDK_ERROR_PREFIX")["sagemaker"] = "SageMaker"
    patching.wrap(stepfunctions, "_prefix_sdk_error", _with_exception_names)
    patching.existing(stepfunctions, "_ExecutionError")


class Integration:
    """`arn:aws:states:::sagemaker:...`, the optimised integrations."""

    def __init__(self, service: Service) -> None:
        self._service = service

    def run(self, resource: str, request: Any) -> Any:
        """Call SageMaker, and with `.sync` wait for the job; raise ministack's error if either fails."""
        call, _, pattern = resource.removeprefix(PREFIX).partition(".")
        if call not in CALLS or pattern not in ("", "sync") or (pattern and call not in JOBS):
            raise stepfunctions._ExecutionError(
                "States.Runtime", f"The resource provided {resource} is not recognized."
            )
        answer = self._call(call[:1].upper() + call[1:], request)
        return self._wait(JOBS[call], request) if pattern else answer

    def _wait(self, kind: Kind, request: Mapping[str, Any]) -> Any:
        """Wait for a job and return its description; raise ministack's error unless it completes."""
        task = current_task()
        named = {kind.name: request[kind.name]}
        while True:
            job = self._call(f"Describe{kind.noun}", named)
            match job[kind.status]:
                case "Completed":
                    return job
                case "Failed" | "Stopped":
                    raise stepfunctions._ExecutionError("States.TaskFailed", json.dumps(job))
            if task and not task.is_awaited:
                with contextlib.suppress(SageMakerError):
                    self._service.call(f"Stop{kind.noun}", named)
                raise Aborted
            time.sleep(POLL)

    def _call(self, operation: str, request: Any) -> Any:
        try:
            answer = self._service.call(operation, request)
        except SageMakerError as error:
            raise stepfunctions._ExecutionError(
                f"SageMaker.{_exception_name(error.code, 'AmazonSageMakerException')}",
                f"{error.message} (Service: AmazonSageMaker; Status Code: {error.status}; "
                f"Error Code: {error.code})",
            ) from error
        shape = api_model.model().operation_model(operation).output_shape
        return in_milliseconds(shape, answer) if shape else answer


def in_milliseconds(shape: Any, value: Any) -> Any:
    """Convert timestamps to milliseconds, as these integrations return them."""
    match shape.type_name:
        case "timestamp":
            return round(value * 1000)
        case "structure":
            return {name: in_milliseconds(shape.members[name], item) for name, item in value.items()}
        case "list":
            return [in_milliseconds(shape.member, item) for item in value]
    return value


def _with_exception_names(prefix: Callable[[str, str], str]) -> Callable[[str, str], str]:
    def prefix_sdk_error(service: str, code: str) -> str:
        return prefix(
            service, _exception_name(code, "SageMakerException") if service == "sagemaker" else code
        )

    return prefix_sdk_error


def _exception_name(code: str, general: str) -> str:
    """The name of the exception in the AWS SDKs for an error code."""
    return f"{code.removesuffix('Exception')}Exception" if code in MODELLED else general

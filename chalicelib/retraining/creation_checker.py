"""Finds out whether SageMaker has created something, after a request that seemed to fail.

If the response to a request is lost, the client repeats the request, and SageMaker refuses it because the
resource already exists.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from botocore.exceptions import ClientError

from chalicelib.models.endpoint_manager import EndpointManager
from chalicelib.retraining.jobs import JOBS
from chalicelib.retraining.payloads import Creating, Creation, TaskError
from chalicelib.retraining.planning.plan import Plan

_Status = Literal["running", "completed", "failed"]
RUNNING: Final = "running"
COMPLETED: Final = "completed"
FAILED: Final = "failed"
_ENDS: Mapping[str, _Status] = {"Completed": COMPLETED, "Failed": FAILED, "Stopped": FAILED}
_RESOURCES = {"model": ("model", "ModelName"), "config": ("endpoint_config", "EndpointConfigName")}
"""What is created at once: its noun in boto3, and the parameter that names it."""
_MISSING = ("could not find", "not found", "does not exist")
"""In SageMaker's ValidationException: there is no error code for what does not exist."""


@dataclass(frozen=True)
class CreationChecker:
    """Looks for jobs, models, configurations and endpoints of a retraining."""

    client: Callable[[], Any]
    """Makes a boto3 `sagemaker` client."""
    endpoint_manager: EndpointManager

    def check(self, plan: Plan, creating: Creating, error: TaskError) -> Creation:
        """Find what the state machine wanted to create.

        Args:
            plan: of the retraining.
            creating: what was to be created.
            error: with which the request failed. It is returned if nothing was created.
        """
        if creating == "endpoint":
            exists = self._has_endpoint(plan)
        elif creating in _RESOURCES:
            noun, name = _RESOURCES[creating]
            exists = self._describe(noun, **{name: plan["name"]}) is not None
        else:
            return self._check_job(plan, creating, error)
        return _creation(creating, COMPLETED if exists else FAILED, error)

    def _has_endpoint(self, plan: Plan) -> bool:
        """Whether the endpoint is being changed, or serves the candidate.

        The state machine waits for the end of any change, and then checks which configuration is served.
        """
        endpoint = self.endpoint_manager.find(plan["serving"]["endpoint"])
        return endpoint is not None and (endpoint.is_changing or endpoint.serves(plan["name"]))

    def _check_job(self, plan: Plan, creating: Creating, error: TaskError) -> Creation:
        noun, title, pattern = JOBS[creating]
        job = self._describe(noun, **{f"{title}Name": pattern.format(**plan)})
        if job is None:
            return _creation(creating, FAILED, error)
        status = _ENDS.get(job[f"{title}Status"], RUNNING)
        if status == FAILED:
            reason = job.get("ExitMessage") or job.get("FailureReason") or "The job was stopped."
            return _creation(creating, status, {"Error": "States.TaskFailed", "Cause": reason})
        best = job.get("BestTrainingJob", job).get("TrainingJobName")
        return _creation(creating, status, error, best if status == COMPLETED else None)

    def _describe(self, noun: str, **request: str) -> Any:
        try:
            return getattr(self.client(), f"describe_{noun}")(**request)
        except ClientError as error:
            code, message = error.response["Error"]["Code"], error.response["Error"]["Message"].lower()
            if code == "ResourceNotFound" or any(words in message for words in _MISSING):
                return None
            raise


def _creation(creating: Creating, status: _Status, error: TaskError, job: str | None = None) -> Creation:
    return {"creating": creating, "status": status, "job": job, "error": error}

"""Whether something that SageMaker was asked to create is there, after a request whose answer was lost.

A request that is repeated because its answer was lost is refused, as what it asks for exists already.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from chalicelib.models.endpoint_manager import EndpointManager

COMPLETED, FAILED, RUNNING = "completed", "failed", "running"
_ENDS = {"Completed": COMPLETED, "Failed": FAILED, "Stopped": FAILED}
_JOBS = {
    "data": ("processing_job", "ProcessingJob", "{name}-data"),
    "tuning": ("hyper_parameter_tuning_job", "HyperParameterTuningJob", "{tuning_name}"),
    "training": ("training_job", "TrainingJob", "{name}"),
    "transform": ("transform_job", "TransformJob", "{name}"),
    "evaluation": ("processing_job", "ProcessingJob", "{name}-judge"),
    # Executions that were started by release 0.1 still say so.
    "judgement": ("processing_job", "ProcessingJob", "{name}-judge"),
}
"""By what the state machine creates: the job's noun in boto3 and in SageMaker, and its name by the plan."""
_RESOURCES = {"model": ("model", "ModelName"), "config": ("endpoint_config", "EndpointConfigName")}
"""Likewise, for what is there at once: the noun, and the parameter that names it."""
_MISSING = ("could not find", "not found", "does not exist")
"""How SageMaker's ValidationException says so: there is no error of its own for that."""


@dataclass(frozen=True)
class Creations:
    """Looks for jobs, models, configurations and endpoints of a retraining."""

    client: Callable[[], Any]
    """Makes a boto3 `sagemaker` client."""
    endpoint_manager: EndpointManager

    def check(self, creating: str, plan: Mapping[str, Any], error: Mapping[str, Any]) -> dict[str, Any]:
        """What there is of something: `{"creating", "status", "job", "error"}`.

        Args:
            creating: what the state machine wanted to create, for example "training".
            plan: of the retraining.
            error: with which the request ended, `{"Error", "Cause"}`.

        Returns:
            status: "running", "completed" or "failed"; job: the name of the training job, if one is
            completed; error: why it failed: `error` if there is nothing.
        """
        found = self._look(creating, plan)
        nothing = {"creating": creating, "job": None, "error": error}
        return {**nothing, "status": FAILED} if found is None else {**nothing, **found}

    def _look(self, creating: str, plan: Mapping[str, Any]) -> dict[str, Any] | None:
        if creating == "endpoint":
            endpoint = self.endpoint_manager.find(plan["serving"]["endpoint"])
            # The state machine waits for the end of whatever is being done to it, and looks what it serves.
            there = endpoint and (endpoint.is_changing or endpoint.serves(plan["name"]))
            return {"status": COMPLETED} if there else None
        if creating in _RESOURCES:
            noun, name = _RESOURCES[creating]
            return {"status": COMPLETED} if self._describe(noun, **{name: plan["name"]}) else None
        noun, title, pattern = _JOBS[creating]
        job = self._describe(noun, **{f"{title}Name": pattern.format(**plan)})
        if job is None:
            return None
        status = _ENDS.get(job[f"{title}Status"], RUNNING)
        if status == FAILED:
            reason = job.get("ExitMessage") or job.get("FailureReason") or "The job was stopped."
            return {"status": status, "error": {"Error": "States.TaskFailed", "Cause": reason}}
        best = job.get("BestTrainingJob", job).get("TrainingJobName")
        return {"status": status, "job": best if status == COMPLETED else None}

    def _describe(self, noun: str, **request: str) -> Any:
        try:
            return getattr(self.client(), f"describe_{noun}")(**request)
        except ClientError as error:
            code, message = error.response["Error"]["Code"], error.response["Error"]["Message"].lower()
            if code == "ResourceNotFound" or any(words in message for words in _MISSING):
                return None
            raise

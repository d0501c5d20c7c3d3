"""Training jobs: creation, interruption and results."""

from collections.abc import Mapping
from contextlib import closing
from typing import Any

from local.sagemaker.compute_host import ComputeHost
from local.sagemaker.errors import invalid
from local.sagemaker.job_run import JobRun, StopReason
from local.sagemaker.jobs import Jobs
from local.sagemaker.resources import TRAINING_JOB, Record
from local.sagemaker.state_store import StateStore
from local.sagemaker.training_requests import DAY, check_definition
from local.sagemaker.training_run import TrainingRun, output_location
from local.sagemaker.training_status import TrainingStatus

STOPPED = {
    StopReason.REQUESTED: "Stopped",
    StopReason.MAX_RUNTIME: "MaxRuntimeExceeded",
    StopReason.MAX_WAIT_TIME: "MaxWaitTimeExceeded",
}
"""The secondary status of a job that was stopped early, by the reason."""


class TrainingJobs(Jobs):
    """All training jobs, including those of tuning jobs."""

    def __init__(self, store: StateStore, host: ComputeHost) -> None:
        super().__init__(store, TRAINING_JOB, host)

    def create(self, request: Mapping[str, Any]) -> Record:
        """CreateTrainingJob; raise SageMakerError if it is refused."""
        check_definition(request, request.get("HyperParameters", {}))
        return {"TrainingJobArn": self.train(request)}

    def train(self, definition: Mapping[str, Any]) -> str:
        """Start a validated job and return its ARN; raise SageMakerError if the name is taken."""
        record = {
            **definition,
            "StoppingCondition": {"MaxRuntimeInSeconds": DAY, **definition.get("StoppingCondition", {})},
            "ModelArtifacts": {"S3ModelArtifacts": str(output_location(definition).below("model.tar.gz"))},
            "SecondaryStatus": "Starting",
            "SecondaryStatusTransitions": [],
        }
        return self.start(definition["TrainingJobName"], record)

    def interrupt(self, name: str) -> None:
        """Interrupt the spot instance of a job; raise SageMakerError if it is not training on one."""
        job = self.collection.get(name)
        run = self.run_of(name)
        if run is None or job["SecondaryStatus"] != "Training" or not job.get("EnableManagedSpotTraining"):
            raise invalid(f"{name} is not training on a managed spot instance.")
        run.end(StopReason.SPOT_INTERRUPTION)

    def execute(self, job: Record, run: JobRun) -> None:
        """See `Jobs.execute`."""
        status = TrainingStatus(self.collection, job["TrainingJobName"])
        with closing(TrainingRun(job, self.host, run, status)) as training:
            training.execute()

    def begin(self, name: str) -> None:
        """See `Jobs.begin`."""
        TrainingStatus(self.collection, name).enter("Starting")

    def note_stopping(self, name: str) -> None:
        """See `Jobs.note_stopping`."""
        TrainingStatus(self.collection, name).enter("Stopping")

    def conclude(self, name: str, stop_reason: StopReason | None, failure: str) -> None:
        """See `Jobs.conclude`."""
        status = TrainingStatus(self.collection, name)
        if failure:
            status.enter("Failed", FailureReason=failure[:1024])
        else:
            status.enter(STOPPED.get(stop_reason, "Completed") if stop_reason else "Completed")

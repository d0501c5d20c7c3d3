"""Training jobs: creating, stopping, interrupting, and what becomes of them."""

import threading
from collections.abc import Mapping
from contextlib import closing
from typing import Any

from local.sagemaker.errors import JobFailed, invalid
from local.sagemaker.job_run import Ending, JobRun
from local.sagemaker.resources import TRAINING_JOB, Record
from local.sagemaker.shelf import Shelf
from local.sagemaker.store import Store
from local.sagemaker.training_requests import DAY, check_definition
from local.sagemaker.training_run import TrainingRun, output_place
from local.sagemaker.training_status import UNFINISHED, TrainingStatus
from local.sagemaker.workplace import Workplace

STOPPED = {
    Ending.STOPPED: "Stopped",
    Ending.OUT_OF_TIME: "MaxRuntimeExceeded",
    Ending.WAITED_TOO_LONG: "MaxWaitTimeExceeded",
}
"""The secondary status of a job that was ended early."""
ABANDONED = "InternalServerError: The emulator ended while the job was running."


class TrainingJobs:
    """All training jobs, each with a thread of its own while it runs. Thread-safe."""

    def __init__(self, store: Store, workplace: Workplace) -> None:
        self.shelf = Shelf(store, TRAINING_JOB)
        self._workplace = workplace
        self._runs: dict[str, JobRun] = {}
        self._threads: dict[str, threading.Thread] = {}
        for job in self.shelf.all():
            if job["TrainingJobStatus"] in UNFINISHED:
                TrainingStatus(self.shelf, job["TrainingJobName"]).fail(ABANDONED)

    def create(self, request: Mapping[str, Any]) -> Record:
        """CreateTrainingJob; raise SageMakerError if it is refused."""
        check_definition(request, request.get("HyperParameters", {}))
        return {"TrainingJobArn": self.start(request)}

    def start(self, definition: Mapping[str, Any]) -> str:
        """Start a checked job, and return its ARN; raise SageMakerError if the name is taken."""
        name = definition["TrainingJobName"]
        record = {
            **definition,
            "StoppingCondition": {"MaxRuntimeInSeconds": DAY, **definition.get("StoppingCondition", {})},
            "ModelArtifacts": {"S3ModelArtifacts": str(output_place(definition).below("model.tar.gz"))},
            "TrainingJobStatus": "InProgress",
            "SecondaryStatus": "Starting",
            "SecondaryStatusTransitions": [],
        }
        arn = self.shelf.add(name, record)
        TrainingStatus(self.shelf, name).enter("Starting")
        self._runs[name] = run = JobRun(self._workplace.grace)
        self._threads[name] = thread = threading.Thread(target=self._run, args=(name, run), daemon=True)
        thread.start()
        return arn

    def stop(self, request: Mapping[str, Any]) -> Record:
        """StopTrainingJob; raise SageMakerError if it does not run."""
        name = request["TrainingJobName"]
        job = self.shelf.need(name)
        run = self._runs.get(name)
        if run is None or job["TrainingJobStatus"] not in UNFINISHED:
            status = job["TrainingJobStatus"]
            raise invalid(f"The request was rejected because the training job is in status {status}.")
        run.end(Ending.STOPPED, lambda: TrainingStatus(self.shelf, name).enter("Stopping"))
        return {}

    def interrupt(self, name: str) -> None:
        """Take the spot instance of a job back, as happens on AWS; raise SageMakerError if it has none."""
        job = self.shelf.need(name)
        run = self._runs.get(name)
        if run is None or job["SecondaryStatus"] != "Training" or not job.get("EnableManagedSpotTraining"):
            raise invalid(f"{name} is not training on a managed spot instance.")
        run.end(Ending.INTERRUPTED)

    def close(self) -> None:
        """End every job at once."""
        for run in list(self._runs.values()):
            run.end(Ending.ABANDONED)
        for thread in list(self._threads.values()):
            thread.join(timeout=2)

    def _run(self, name: str, run: JobRun) -> None:
        status = TrainingStatus(self.shelf, name)
        failure = ""
        try:
            with closing(TrainingRun(self.shelf.need(name), self._workplace, run, status)) as training:
                training.execute()
        except JobFailed as error:
            failure = str(error)
        except Exception as error:
            failure = f"InternalServerError: {type(error).__name__}: {error}"
            raise
        finally:
            ending = run.finish()
            if failure or ending is Ending.ABANDONED:
                status.fail(failure or ABANDONED)
            else:
                status.enter(STOPPED.get(ending, "Completed") if ending else "Completed")
            del self._runs[name], self._threads[name]

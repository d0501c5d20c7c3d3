"""Tuning jobs: many training jobs with different hyper-parameters, of which the best is chosen.

Training jobs are not stopped early.
"""

import threading
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from local.sagemaker.errors import invalid
from local.sagemaker.jobs import ABANDONED, UNFINISHED
from local.sagemaker.resource_collection import ResourceCollection
from local.sagemaker.resources import TUNING_JOB, Record
from local.sagemaker.state_store import StateStore
from local.sagemaker.training_jobs import TrainingJobs
from local.sagemaker.tuning_requests import check_tuning
from local.sagemaker.tuning_summary import best_of, count, objective_of, summarise

if TYPE_CHECKING:
    from local.sagemaker.tuning_run import TuningRun

ALL_FAILED = "All training jobs failed. Please take a look at the training jobs failures to get more details."
NO_OBJECTIVE = (
    "No objective metrics found after running {} training jobs. Please ensure that the custom algorithm is "
    "emitting the objective metric as defined by the regular expression provided."
)


class TuningJobs:
    """All tuning jobs, each with a thread of its own while it runs. Thread-safe."""

    def __init__(self, store: StateStore, trainings: TrainingJobs) -> None:
        self.collection = ResourceCollection(store, TUNING_JOB)
        self._trainings = trainings
        self._runs: dict[str, TuningRun] = {}
        for job in self.collection.all():
            if job["HyperParameterTuningJobStatus"] in UNFINISHED:
                self._finish(job["HyperParameterTuningJobName"], "Failed", FailureReason=ABANDONED)

    def create(self, request: Mapping[str, Any]) -> Record:
        """CreateHyperParameterTuningJob; raise SageMakerError if it is refused."""
        # Imported late: Optuna takes a second, and most starts of the emulator run no tuning job.
        from local.sagemaker.tuning_run import TuningRun

        check_tuning(request)
        name = request["HyperParameterTuningJobName"]
        arn = self.collection.add(name, {**request, "HyperParameterTuningJobStatus": "InProgress"})
        self._runs[name] = run = TuningRun(self.collection.get(name), self._trainings)
        threading.Thread(target=self._run, args=(name, run), daemon=True).start()
        return {"HyperParameterTuningJobArn": arn}

    def describe(self, request: Mapping[str, Any]) -> Record:
        """DescribeHyperParameterTuningJob; raise SageMakerError if there is none."""
        return self.described(self.collection.get(request["HyperParameterTuningJobName"]))

    def described(self, job: Record) -> Record:
        """The record of a tuning job, completed from its training jobs."""
        trainings = self.trainings_of(job)
        best = best_of(trainings, objective_of(job))
        config = job["HyperParameterTuningJobConfig"]
        for_list = {name: config[name] for name in ("Strategy", "ResourceLimits")}
        return {**job, **for_list, **count(trainings), **({"BestTrainingJob": best} if best else {})}

    def stop(self, request: Mapping[str, Any]) -> Record:
        """StopHyperParameterTuningJob; raise SageMakerError if it does not run."""
        name = request["HyperParameterTuningJobName"]
        status = self.collection.get(name)["HyperParameterTuningJobStatus"]
        run = self._runs.get(name)
        if run is None or status not in UNFINISHED:
            raise invalid(f"The request was rejected because the tuning job is in status {status}.")
        run.stop()
        return {}

    def close(self) -> None:
        """Start no more training jobs. At the next start, unfinished tuning jobs become failed."""
        for run in list(self._runs.values()):
            run.close()

    def trainings_of(self, job: Record) -> list[Record]:
        """The training jobs of a tuning job, as the API summarises them."""
        arn = job["HyperParameterTuningJobArn"]
        everything = self._trainings.collection.all()
        return [
            summarise(training, objective_of(job))
            for training in everything
            if training.get("TuningJobArn") == arn
        ]

    def _run(self, name: str, run: "TuningRun") -> None:
        def note_stopping() -> None:
            self.collection.change(name, HyperParameterTuningJobStatus="Stopping")

        if run.execute(note_stopping):
            self._conclude(self.collection.get(name), run.stop_requested)
        del self._runs[name]

    def _conclude(self, job: Record, stopped: bool) -> None:
        name = job["HyperParameterTuningJobName"]
        trainings = self.trainings_of(job)
        if stopped:
            self._finish(name, "Stopped")
        elif all(training["TrainingJobStatus"] == "Failed" for training in trainings):
            self._finish(name, "Failed", FailureReason=ALL_FAILED)
        elif best_of(trainings, objective_of(job)) is None:
            self._finish(name, "Failed", FailureReason=NO_OBJECTIVE.format(len(trainings)))
        else:
            self._finish(name, "Completed")

    def _finish(self, name: str, status: str, **changes: str) -> None:
        end = time.time()
        self.collection.change(
            name, HyperParameterTuningJobStatus=status, HyperParameterTuningEndTime=end, **changes
        )

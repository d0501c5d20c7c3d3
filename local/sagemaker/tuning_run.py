"""One tuning job under way: it starts training jobs within the limits and waits for all of them."""

import contextlib
import math
import threading
import time
import uuid
from collections.abc import Callable, Mapping

from local.sagemaker.errors import SageMakerError
from local.sagemaker.jobs import UNFINISHED
from local.sagemaker.resources import Record
from local.sagemaker.script_mode import OBJECTIVE
from local.sagemaker.search import Search
from local.sagemaker.training_jobs import TrainingJobs
from local.sagemaker.tuning_summary import final_value, objective_of, summarise

POLL = 0.2  # seconds between two looks at the training jobs
TUNED = "TunedHyperParameters"
"""The member of a training job's record that holds the values proposed for it."""


class TuningRun:
    """Runs one tuning job. `execute` belongs to one thread; the other methods to any."""

    def __init__(self, job: Record, trainings: TrainingJobs) -> None:
        self._job = job
        self._trainings = trainings
        config = job["HyperParameterTuningJobConfig"]
        self._limits = config["ResourceLimits"]
        self._search = Search(config)
        self._running: list[str] = []
        self._started = 0
        self._stop_requested = threading.Event()
        self._closed = False

    @property
    def stop_requested(self) -> bool:
        """Whether `stop` has been called."""
        return self._stop_requested.is_set()

    def stop(self) -> None:
        """Stop the training jobs and start no more."""
        self._stop_requested.set()

    def close(self) -> None:
        """Start no more training jobs, and leave those that run."""
        self._closed = True

    def execute(self, on_stopping: Callable[[], None]) -> bool:
        """Run training jobs until the limits are reached or `stop` is called.

        Args:
            on_stopping: called before training jobs are stopped early.

        Returns:
            Whether all training jobs have ended; False after `close`.
        """
        deadline = time.monotonic() + self._limits.get("MaxRuntimeInSeconds", math.inf)
        stopping = False
        while not self._closed:
            self._report_ended()
            if not stopping and (self.stop_requested or time.monotonic() > deadline):
                stopping = True
                on_stopping()
                self._stop_trainings()
            if not stopping:
                self._start_trainings()
            if not self._running and (stopping or self._started == self._limits["MaxNumberOfTrainingJobs"]):
                return True
            time.sleep(POLL) if stopping else self._stop_requested.wait(POLL)
        return False

    def _report_ended(self) -> None:
        """Tell the search the objectives of the training jobs that have ended since the last call."""
        for name in list(self._running):
            training = self._trainings.collection.get(name)
            if training["TrainingJobStatus"] in UNFINISHED:
                continue
            self._running.remove(name)
            summary = summarise(training, objective_of(self._job))
            succeeded = summary["ObjectiveStatus"] == "Succeeded"
            self._search.report(name, final_value(summary) if succeeded else None)

    def _start_trainings(self) -> None:
        while (
            self._started < self._limits["MaxNumberOfTrainingJobs"]
            and len(self._running) < self._limits["MaxParallelTrainingJobs"]
        ):
            self._started += 1
            name = f"{self._job['HyperParameterTuningJobName']}-{self._started:03}-{uuid.uuid4().hex[:8]}"
            self._start_training(name, self._search.propose(name))
            self._running.append(name)

    def _start_training(self, name: str, values: Mapping[str, str]) -> None:
        definition = dict(self._job["TrainingJobDefinition"])
        static = definition.pop("StaticHyperParameters", {})
        if "CheckpointConfig" in definition:  # or the training jobs would resume each other's checkpoints
            shared = definition["CheckpointConfig"]
            definition["CheckpointConfig"] = {**shared, "S3Uri": f"{shared['S3Uri'].rstrip('/')}/{name}"}
        objective = objective_of(self._job)["MetricName"]
        self._trainings.train(
            {
                **definition,
                "TrainingJobName": name,
                "TuningJobArn": self._job["HyperParameterTuningJobArn"],
                "HyperParameters": {**static, **values, OBJECTIVE: objective},
                TUNED: dict(values),
            }
        )

    def _stop_trainings(self) -> None:
        for training in self._running:
            with contextlib.suppress(SageMakerError):  # it may have ended meanwhile
                self._trainings.stop({"TrainingJobName": training})

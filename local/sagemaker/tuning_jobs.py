"""Tuning jobs: many training jobs, each with other hyper-parameters, and which of them was best.

Values are drawn at random. Bayesian search is taken, but searches at random here as well: a few trainings on
one machine tell a model of the search space next to nothing. Training jobs are not stopped early.
"""

import contextlib
import math
import random
import threading
import time
import uuid
from collections import Counter
from collections.abc import Mapping
from typing import Any

from local.sagemaker.errors import SageMakerError, invalid
from local.sagemaker.jobs import ABANDONED, UNFINISHED
from local.sagemaker.resource_collection import ResourceCollection
from local.sagemaker.resources import TUNING_JOB, Record
from local.sagemaker.script_mode import OBJECTIVE
from local.sagemaker.search import draw
from local.sagemaker.state_store import StateStore
from local.sagemaker.training_jobs import TrainingJobs
from local.sagemaker.tuning_requests import check_tuning

ALL_FAILED = "All training jobs failed. Please take a look at the training jobs failures to get more details."
NO_OBJECTIVE = (
    "No objective metrics found after running {} training jobs. Please ensure that the custom algorithm is "
    "emitting the objective metric as defined by the regular expression provided."
)
POLL = 0.2  # seconds; how soon the end of a training job is noticed
TUNED = "TunedHyperParameters"
"""The member of a training job's record with the values that were drawn for it."""


class TuningJobs:
    """All tuning jobs, each with a thread of its own while it runs. Thread-safe."""

    def __init__(self, store: StateStore, trainings: TrainingJobs) -> None:
        self.collection = ResourceCollection(store, TUNING_JOB)
        self._trainings = trainings
        self._stopping: dict[str, threading.Event] = {}
        self._closed = False
        for job in self.collection.all():
            if job["HyperParameterTuningJobStatus"] in UNFINISHED:
                self._finish(job["HyperParameterTuningJobName"], "Failed", FailureReason=ABANDONED)

    def create(self, request: Mapping[str, Any]) -> Record:
        """CreateHyperParameterTuningJob; raise SageMakerError if it is refused."""
        check_tuning(request)
        name = request["HyperParameterTuningJobName"]
        arn = self.collection.add(name, {**request, "HyperParameterTuningJobStatus": "InProgress"})
        self._stopping[name] = threading.Event()
        threading.Thread(target=self._run, args=(name,), daemon=True).start()
        return {"HyperParameterTuningJobArn": arn}

    def describe(self, request: Mapping[str, Any]) -> Record:
        """DescribeHyperParameterTuningJob; raise SageMakerError if there is none."""
        return self.described(self.collection.get(request["HyperParameterTuningJobName"]))

    def described(self, job: Record) -> Record:
        """The record of a job, with what its training jobs add to it."""
        trainings = self.trainings_of(job)
        best = best_of(trainings, _objective(job))
        config = job["HyperParameterTuningJobConfig"]
        listed = {name: config[name] for name in ("Strategy", "ResourceLimits")}  # List tells these
        return {**job, **listed, **count(trainings), **({"BestTrainingJob": best} if best else {})}

    def stop(self, request: Mapping[str, Any]) -> Record:
        """StopHyperParameterTuningJob; raise SageMakerError if it does not run."""
        name = request["HyperParameterTuningJobName"]
        status = self.collection.get(name)["HyperParameterTuningJobStatus"]
        stopping = self._stopping.get(name)
        if stopping is None or status not in UNFINISHED:
            raise invalid(f"The request was rejected because the tuning job is in status {status}.")
        stopping.set()
        return {}

    def close(self) -> None:
        """Start no more training jobs; the record says that the job runs, until the emulator starts again."""
        self._closed = True

    def trainings_of(self, job: Record) -> list[Record]:
        """The training jobs of a tuning job, as the API summarises them."""
        arn = job["HyperParameterTuningJobArn"]
        found = [
            training for training in self._trainings.collection.all() if training.get("TuningJobArn") == arn
        ]
        return [summarise(training, _objective(job)) for training in found]

    def _run(self, name: str) -> None:
        job = self.collection.get(name)
        stopping = self._stopping[name]
        config = job["HyperParameterTuningJobConfig"]
        limits = config["ResourceLimits"]
        generator = random.Random(config.get("RandomSeed"))
        deadline = time.monotonic() + limits.get("MaxRuntimeInSeconds", math.inf)
        started: list[str] = []
        while not self._closed:
            running = [training for training in started if self._is_running(training)]
            over = stopping.is_set() or time.monotonic() > deadline
            if over:
                self._stop_trainings(name, running)
            elif len(started) < limits["MaxNumberOfTrainingJobs"] and (
                len(running) < limits["MaxParallelTrainingJobs"]
            ):
                values = draw(config["ParameterRanges"], generator)
                started.append(self._start_training(job, len(started) + 1, values))
                continue
            if not running and (over or len(started) == limits["MaxNumberOfTrainingJobs"]):
                self._conclude(job, stopping.is_set())
                return
            stopping.wait(POLL) if not over else time.sleep(POLL)

    def _is_running(self, training: str) -> bool:
        return self._trainings.collection.get(training)["TrainingJobStatus"] in UNFINISHED

    def _start_training(self, job: Record, number: int, values: Mapping[str, str]) -> str:
        """Start the next training job and return its name."""
        name = f"{job['HyperParameterTuningJobName']}-{number:03}-{uuid.uuid4().hex[:8]}"
        definition = dict(job["TrainingJobDefinition"])
        static = definition.pop("StaticHyperParameters", {})
        objective = _objective(job)["MetricName"]
        if "CheckpointConfig" in definition:  # the jobs would take up each other's checkpoints
            kept = definition["CheckpointConfig"]
            definition["CheckpointConfig"] = {**kept, "S3Uri": f"{kept['S3Uri'].rstrip('/')}/{name}"}
        self._trainings.train(
            {
                **definition,
                "TrainingJobName": name,
                "TuningJobArn": job["HyperParameterTuningJobArn"],
                "HyperParameters": {**static, **values, OBJECTIVE: objective},
                TUNED: dict(values),
            }
        )
        return name

    def _stop_trainings(self, name: str, running: list[str]) -> None:
        if self.collection.get(name)["HyperParameterTuningJobStatus"] != "Stopping":
            self.collection.change(name, HyperParameterTuningJobStatus="Stopping")
        for training in running:
            with contextlib.suppress(SageMakerError):  # it may have ended by itself meanwhile
                self._trainings.stop({"TrainingJobName": training})

    def _conclude(self, job: Record, stopped: bool) -> None:
        name = job["HyperParameterTuningJobName"]
        trainings = self.trainings_of(job)
        if stopped:
            self._finish(name, "Stopped")
        elif all(training["TrainingJobStatus"] == "Failed" for training in trainings):
            self._finish(name, "Failed", FailureReason=ALL_FAILED)
        elif best_of(trainings, _objective(job)) is None:
            self._finish(name, "Failed", FailureReason=NO_OBJECTIVE.format(len(trainings)))
        else:
            self._finish(name, "Completed")

    def _finish(self, name: str, status: str, **changes: str) -> None:
        end = time.time()
        self.collection.change(
            name, HyperParameterTuningJobStatus=status, HyperParameterTuningEndTime=end, **changes
        )


def summarise(training: Record, objective: Mapping[str, str]) -> Record:
    """A training job as the API tells of it as part of a tuning job."""
    status = training["TrainingJobStatus"]
    values = [
        metric["Value"]
        for metric in training.get("FinalMetricDataList", ())
        if metric["MetricName"] == objective["MetricName"]
    ]
    if status in UNFINISHED:
        return {**training, "ObjectiveStatus": "Pending"}
    if not values or status == "Failed":
        return {**training, "ObjectiveStatus": "Failed"}
    final = {"Type": objective["Type"], "MetricName": objective["MetricName"], "Value": values[-1]}
    return {**training, "ObjectiveStatus": "Succeeded", "FinalHyperParameterTuningJobObjectiveMetric": final}


def best_of(trainings: list[Record], objective: Mapping[str, str]) -> Record | None:
    """The training job with the best objective, None if none has one."""
    judged = [training for training in trainings if training["ObjectiveStatus"] == "Succeeded"]
    choose = max if objective["Type"] == "Maximize" else min
    return choose(judged, key=final_value, default=None)


def final_value(training: Record) -> float:
    """The objective that a training job reached."""
    return float(training["FinalHyperParameterTuningJobObjectiveMetric"]["Value"])


def count(trainings: list[Record]) -> Record:
    """How many training jobs there are, by their status and by that of their objective."""
    statuses = Counter(training["TrainingJobStatus"] for training in trainings)
    objectives = Counter(training["ObjectiveStatus"] for training in trainings)
    return {
        "TrainingJobStatusCounters": {
            "Completed": statuses["Completed"],
            "InProgress": statuses["InProgress"] + statuses["Stopping"],
            "RetryableError": 0,
            "NonRetryableError": statuses["Failed"],
            "Stopped": statuses["Stopped"],
        },
        "ObjectiveStatusCounters": {name: objectives[name] for name in ("Succeeded", "Pending", "Failed")},
    }


def _objective(job: Record) -> Record:
    objective: Record = job["HyperParameterTuningJobConfig"]["HyperParameterTuningJobObjective"]
    return objective

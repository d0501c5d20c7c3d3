"""The base of training, transform and processing jobs: threads, statuses and stopping."""

import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

from local.sagemaker.compute_host import ComputeHost
from local.sagemaker.errors import JobFailed, invalid
from local.sagemaker.job_run import JobRun, StopReason
from local.sagemaker.resource_collection import ResourceCollection
from local.sagemaker.resources import Kind, Record
from local.sagemaker.state_store import StateStore

UNFINISHED = ("InProgress", "Stopping")
ABANDONED = "InternalServerError: The emulator ended while the job was running."


class Jobs(ABC):
    """All jobs of one kind. Each has a thread while it runs. Thread-safe."""

    def __init__(self, store: StateStore, kind: Kind, host: ComputeHost) -> None:
        self.collection = ResourceCollection(store, kind)
        self.host = host
        self._runs: dict[str, JobRun] = {}
        self._threads: dict[str, threading.Thread] = {}
        for job in self.collection.all():
            if job[kind.status] in UNFINISHED:
                self.conclude(job[kind.name], None, ABANDONED)

    @abstractmethod
    def execute(self, job: Record, run: JobRun) -> None:
        """Do the work of a job; raise JobFailed if it fails."""

    def begin(self, name: str) -> None:
        """Record the start of a job."""
        self.collection.change(name, **{f"{self._prefix}StartTime": time.time()})

    def note_stopping(self, name: str) -> None:
        """Record a request to stop a job."""
        self.collection.change(name, **{self.collection.kind.status: "Stopping"})

    def conclude(self, name: str, stop_reason: StopReason | None, failure: str) -> None:
        """Record the end of a job: failed if `failure` is not empty, else stopped or completed."""
        status = "Failed" if failure else "Stopped" if stop_reason else "Completed"
        changes = {self.collection.kind.status: status, f"{self._prefix}EndTime": time.time()}
        self.collection.change(name, **changes, FailureReason=failure[:1024] or None)

    def start(self, name: str, record: Record) -> str:
        """Start a validated job and return its ARN; raise SageMakerError if the name is taken."""
        arn = self.collection.add(name, {**record, self.collection.kind.status: "InProgress"})
        self.begin(name)
        self._runs[name] = run = JobRun(self.host.grace)
        self._threads[name] = thread = threading.Thread(target=self._run, args=(name, run), daemon=True)
        thread.start()
        return arn

    def stop(self, request: Mapping[str, Any]) -> Record:
        """Stop{Kind}; raise SageMakerError if the job does not run."""
        kind = self.collection.kind
        name = request[kind.name]
        status = self.collection.get(name)[kind.status]
        run = self._runs.get(name)
        if run is None or status not in UNFINISHED:
            raise invalid(f"The request was rejected because the {kind.title} is in status {status}.")
        run.end(StopReason.REQUESTED, lambda: self.note_stopping(name))
        return {}

    def run_of(self, name: str) -> JobRun | None:
        """The run of a job that is under way; None if it is not."""
        return self._runs.get(name)

    def close(self) -> None:
        """Stop every job at once."""
        for run in list(self._runs.values()):
            run.end(StopReason.SHUTDOWN)
        for thread in list(self._threads.values()):
            thread.join(timeout=2)

    @property
    def _prefix(self) -> str:
        """The prefix of the members `StartTime` and `EndTime` for this kind of job."""
        return self.collection.kind.noun.removesuffix("Job")

    def _run(self, name: str, run: JobRun) -> None:
        failure = ""
        try:
            self.execute(self.collection.get(name), run)
        except JobFailed as error:
            failure = str(error)
        except Exception as error:
            failure = f"InternalServerError: {type(error).__name__}: {error}"
            raise
        finally:
            stop_reason = run.finish()
            self.conclude(name, stop_reason, ABANDONED if stop_reason is StopReason.SHUTDOWN else failure)
            del self._runs[name], self._threads[name]

"""What transform and processing jobs have in common: a thread, a status, and ways to end early."""

import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

from local.sagemaker.errors import JobFailed, invalid
from local.sagemaker.job_run import Ending, JobRun
from local.sagemaker.resources import Kind, Record
from local.sagemaker.shelf import Shelf
from local.sagemaker.store import Store
from local.sagemaker.workplace import Workplace

UNFINISHED = ("InProgress", "Stopping")
ABANDONED = "InternalServerError: The emulator ended while the job was running."


class Jobs(ABC):
    """All jobs of a kind, each with a thread of its own while it runs. Thread-safe."""

    def __init__(self, store: Store, kind: Kind, workplace: Workplace) -> None:
        self.shelf = Shelf(store, kind)
        self.workplace = workplace
        self._runs: dict[str, JobRun] = {}
        self._threads: dict[str, threading.Thread] = {}
        for job in self.shelf.all():
            if job[kind.status] in UNFINISHED:
                self._end(job[kind.name], "Failed", FailureReason=ABANDONED)

    @abstractmethod
    def execute(self, job: Record, run: JobRun) -> None:
        """Do the work of a job; raise JobFailed, with the reason, if it fails."""

    def start(self, name: str, record: Record) -> str:
        """Start a checked job, and return its ARN; raise SageMakerError if the name is taken."""
        arn = self.shelf.add(name, {**record, self.shelf.kind.status: "InProgress"})
        self._runs[name] = run = JobRun(self.workplace.grace)
        self._threads[name] = thread = threading.Thread(target=self._run, args=(name, run), daemon=True)
        thread.start()
        return arn

    def stop(self, request: Mapping[str, Any]) -> Record:
        """StopTransformJob or StopProcessingJob; raise SageMakerError if the job does not run."""
        kind = self.shelf.kind
        name = request[kind.name]
        status = self.shelf.need(name)[kind.status]
        run = self._runs.get(name)
        if run is None or status not in UNFINISHED:
            raise invalid(f"The request was rejected because the {kind.title} is in status {status}.")
        run.end(Ending.STOPPED, lambda: self.shelf.change(name, **{kind.status: "Stopping"}))
        return {}

    def close(self) -> None:
        """End every job at once."""
        for run in list(self._runs.values()):
            run.end(Ending.ABANDONED)
        for thread in list(self._threads.values()):
            thread.join(timeout=2)

    def _run(self, name: str, run: JobRun) -> None:
        self.shelf.change(name, **{f"{self.shelf.kind.noun.removesuffix('Job')}StartTime": time.time()})
        failure = ""
        try:
            self.execute(self.shelf.need(name), run)
        except JobFailed as error:
            failure = str(error)
        except Exception as error:
            failure = f"InternalServerError: {type(error).__name__}: {error}"
            raise
        finally:
            ending = run.finish()
            if failure or ending is Ending.ABANDONED:
                self._end(name, "Failed", FailureReason=(failure or ABANDONED)[:1024])
            else:
                self._end(name, "Stopped" if ending else "Completed")
            del self._runs[name], self._threads[name]

    def _end(self, name: str, status: str, **changes: Any) -> None:
        end = f"{self.shelf.kind.noun.removesuffix('Job')}EndTime"
        self.shelf.change(name, **{self.shelf.kind.status: status, end: time.time(), **changes})

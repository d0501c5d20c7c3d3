"""What training, transform and processing jobs have in common: a thread, a status, and ways to end early."""

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
                self.conclude(job[kind.name], None, ABANDONED)

    @abstractmethod
    def execute(self, job: Record, run: JobRun) -> None:
        """Do the work of a job; raise JobFailed, with the reason, if it fails."""

    def begin(self, name: str) -> None:
        """Note that a job starts."""
        self.shelf.change(name, **{f"{self._prefix}StartTime": time.time()})

    def note_stopping(self, name: str) -> None:
        """Note that somebody has asked for a job's end."""
        self.shelf.change(name, **{self.shelf.kind.status: "Stopping"})

    def conclude(self, name: str, ending: Ending | None, failure: str) -> None:
        """Note how a job has ended: early, with a failure, or well."""
        status = "Failed" if failure else "Stopped" if ending else "Completed"
        changes = {self.shelf.kind.status: status, f"{self._prefix}EndTime": time.time()}
        self.shelf.change(name, **changes, FailureReason=failure[:1024] or None)

    def start(self, name: str, record: Record) -> str:
        """Start a checked job, and return its ARN; raise SageMakerError if the name is taken."""
        arn = self.shelf.add(name, {**record, self.shelf.kind.status: "InProgress"})
        self.begin(name)
        self._runs[name] = run = JobRun(self.workplace.grace)
        self._threads[name] = thread = threading.Thread(target=self._run, args=(name, run), daemon=True)
        thread.start()
        return arn

    def stop(self, request: Mapping[str, Any]) -> Record:
        """Stop{Kind}; raise SageMakerError if the job does not run."""
        kind = self.shelf.kind
        name = request[kind.name]
        status = self.shelf.need(name)[kind.status]
        run = self._runs.get(name)
        if run is None or status not in UNFINISHED:
            raise invalid(f"The request was rejected because the {kind.title} is in status {status}.")
        run.end(Ending.STOPPED, lambda: self.note_stopping(name))
        return {}

    def run_of(self, name: str) -> JobRun | None:
        """A job that is under way."""
        return self._runs.get(name)

    def close(self) -> None:
        """End every job at once."""
        for run in list(self._runs.values()):
            run.end(Ending.ABANDONED)
        for thread in list(self._threads.values()):
            thread.join(timeout=2)

    @property
    def _prefix(self) -> str:
        """With what the names of the members begin that say when a job started and ended."""
        return self.shelf.kind.noun.removesuffix("Job")

    def _run(self, name: str, run: JobRun) -> None:
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
            self.conclude(name, ending, ABANDONED if ending is Ending.ABANDONED else failure)
            del self._runs[name], self._threads[name]

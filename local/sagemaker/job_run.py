"""One job under way: its container, and how others may end it early."""

import threading
import time
from collections.abc import Callable, Mapping
from enum import Enum

from local.sagemaker.containers import Container

POLL = 0.1  # seconds; how exactly a job's time is kept


class Ending(Enum):
    """Why a job was ended before its program ended by itself."""

    STOPPED = "somebody asked for it"
    OUT_OF_TIME = "it ran as long as it may"
    WAITED_TOO_LONG = "it took as long as it may, waiting included"
    INTERRUPTED = "its spot instance was taken back"
    ABANDONED = "the emulator ends"


class JobRun:
    """Lets a job be ended at any time, container or not. The first reason counts. Thread-safe."""

    def __init__(self, grace: float) -> None:
        self._grace = grace
        self._lock = threading.Lock()
        self._container: Container | None = None
        self._ending: Ending | None = None
        self._finished = False

    @property
    def ending(self) -> Ending | None:
        """Why the job was ended early; None if it was not."""
        return self._ending

    def end(self, ending: Ending, note: Callable[[], None] = lambda: None) -> bool:
        """End the job, after calling `note`; False if it has ended or is ending already."""
        with self._lock:
            if self._ending or self._finished:
                return False
            self._ending = ending
            note()
            if self._container:
                self._container.terminate(0 if ending is Ending.ABANDONED else self._grace)
            return True

    def finish(self) -> Ending | None:
        """From here on the job cannot be ended any more; why it was, None if it was not."""
        with self._lock:
            self._finished = True
            return self._ending

    def execute(
        self,
        container: Container,
        deadlines: Mapping[Ending, float],
        meanwhile: Callable[[], None] = lambda: None,
    ) -> int:
        """Wait for the container's end, brought about when one of the deadlines passes; its exit status.

        `deadlines` are moments of the monotonic clock; `meanwhile` is called again and again.
        """
        with self._lock:
            self._container = container
            if self._ending:
                container.terminate(0)
        while (status := container.wait(POLL)) is None:
            for ending, deadline in deadlines.items():
                if time.monotonic() >= deadline:
                    self.end(ending)
            meanwhile()
        with self._lock:
            self._container = None
        return status

    def resume(self) -> None:
        """Go on after an interruption."""
        with self._lock:
            if self._ending is Ending.INTERRUPTED:
                self._ending = None

"""One job under way: its container, and how others may end it early."""

import threading
import time
from collections.abc import Callable, Mapping
from enum import Enum

from local.sagemaker.containers import Container

POLL = 0.1  # seconds; how exactly a job's time is kept


class StopReason(Enum):
    """Why a job was ended before its program exited."""

    REQUESTED = "a Stop request"
    MAX_RUNTIME = "MaxRuntimeInSeconds exceeded"
    MAX_WAIT_TIME = "MaxWaitTimeInSeconds exceeded"
    SPOT_INTERRUPTION = "the spot instance was reclaimed"
    SHUTDOWN = "the emulator shuts down"


class JobRun:
    """Lets a job be ended at any time, container or not. The first reason counts. Thread-safe."""

    def __init__(self, grace: float) -> None:
        self._grace = grace
        self._lock = threading.Lock()
        self._container: Container | None = None
        self._stop_reason: StopReason | None = None
        self._finished = False

    @property
    def stop_reason(self) -> StopReason | None:
        """Why the job was ended early; None if it was not."""
        return self._stop_reason

    def end(self, stop_reason: StopReason, note: Callable[[], None] = lambda: None) -> bool:
        """End the job, after calling `note`; False if it has ended or is already being stopped."""
        with self._lock:
            if self._stop_reason or self._finished:
                return False
            self._stop_reason = stop_reason
            note()
            if self._container:
                self._container.terminate(0 if stop_reason is StopReason.SHUTDOWN else self._grace)
            return True

    def finish(self) -> StopReason | None:
        """From here on the job cannot be ended any more; why it was, None if it was not."""
        with self._lock:
            self._finished = True
            return self._stop_reason

    def execute(
        self,
        container: Container,
        deadlines: Mapping[StopReason, float],
        meanwhile: Callable[[], None] = lambda: None,
    ) -> int:
        """Wait for the container's end, brought about when one of the deadlines passes; its exit status.

        `deadlines` are moments of the monotonic clock; `meanwhile` is called again and again.
        """
        with self._lock:
            self._container = container
            if self._stop_reason:
                container.terminate(0)
        while (status := container.wait(POLL)) is None:
            for stop_reason, deadline in deadlines.items():
                if time.monotonic() >= deadline:
                    self.end(stop_reason)
            meanwhile()
        with self._lock:
            self._container = None
        return status

    def resume(self) -> None:
        """Go on after an interruption."""
        with self._lock:
            if self._stop_reason is StopReason.SPOT_INTERRUPTION:
                self._stop_reason = None

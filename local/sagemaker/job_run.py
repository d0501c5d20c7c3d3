"""A running job: its containers, and the ways to stop it early."""

import threading
import time
from collections.abc import Callable, Mapping
from enum import Enum

from local.sagemaker.container_group import ContainerGroup

POLL = 0.1  # seconds; the precision of deadlines


class StopReason(Enum):
    """Why a job was ended before its program exited."""

    REQUESTED = "a Stop request"
    MAX_RUNTIME = "MaxRuntimeInSeconds exceeded"
    MAX_WAIT_TIME = "MaxWaitTimeInSeconds exceeded"
    SPOT_INTERRUPTION = "the spot instance was reclaimed"
    SHUTDOWN = "the emulator shuts down"


class JobRun:
    """Lets a job be stopped at any time, with or without containers. Thread-safe.

    If it is stopped several times, the first reason counts.
    """

    def __init__(self, grace: float) -> None:
        self._grace = grace
        self._lock = threading.Lock()
        self._containers: ContainerGroup | None = None
        self._stop_reason: StopReason | None = None
        self._finished = False

    @property
    def stop_reason(self) -> StopReason | None:
        """Why the job was stopped early; None if it was not."""
        return self._stop_reason

    def end(self, stop_reason: StopReason, note: Callable[[], None] = lambda: None) -> bool:
        """Call `note` and stop the job. Return False if it has ended or is already being stopped."""
        with self._lock:
            if self._stop_reason or self._finished:
                return False
            self._stop_reason = stop_reason
            note()
            if self._containers:
                self._containers.terminate(0 if stop_reason is StopReason.SHUTDOWN else self._grace)
            return True

    def finish(self) -> StopReason | None:
        """Accept no more requests to stop. Return why the job was stopped early, or None."""
        with self._lock:
            self._finished = True
            return self._stop_reason

    def execute(
        self,
        containers: ContainerGroup,
        deadlines: Mapping[StopReason, float],
        meanwhile: Callable[[], None] = lambda: None,
    ) -> int:
        """Wait for the end of the containers, and stop them when a deadline passes.

        Args:
            containers: the running containers.
            deadlines: times of the monotonic clock in seconds, by the reason that applies then.
            meanwhile: called every `POLL` seconds.

        Returns:
            The exit status.
        """
        with self._lock:
            self._containers = containers
            if self._stop_reason:
                containers.terminate(0)
        while (status := containers.wait(POLL)) is None:
            for stop_reason, deadline in deadlines.items():
                if time.monotonic() >= deadline:
                    self.end(stop_reason)
            meanwhile()
        with self._lock:
            self._containers = None
        return status

    def resume(self) -> None:
        """Clear a spot interruption, so that the job can continue."""
        with self._lock:
            if self._stop_reason is StopReason.SPOT_INTERRUPTION:
                self._stop_reason = None

"""As many execution environments of a function as this machine can feed, and a queue for the rest.

AWS starts another environment for every call that finds none free. Here that would start a process per
image of a dropped folder, each loading the model, on a machine with a few cores.
"""

import threading
from typing import Any

from local.lambda_worker import Function, Outcome, Worker


class Pool:
    """The workers of one version of one function, started when they are needed. Thread-safe."""

    def __init__(self, function: Function, size: int) -> None:
        self.function = function
        self._size = size
        self._idle: list[Worker] = []
        self._count = 0
        self._closed = False
        self._changed = threading.Condition()

    def invoke(self, event: Any, request_id: str, trace_id: str | None) -> Outcome:
        """Run one invocation, after waiting for a free worker where all are busy."""
        worker = self._take()
        try:
            return worker.invoke(event, request_id, trace_id)
        finally:
            self._give_back(worker)

    def warm(self) -> Outcome | None:
        """Have a worker ready for the first invocation; how it ended if it could not be."""
        worker = self._take()
        try:
            return worker.load()
        finally:
            self._give_back(worker)

    def close(self) -> None:
        """Stop the idle workers now and the busy ones after the invocation that they serve."""
        with self._changed:
            self._closed = True
            idle, self._idle = self._idle, []
        for worker in idle:
            worker.stop()

    def _take(self) -> Worker:
        with self._changed:
            self._changed.wait_for(lambda: self._idle or self._count < self._size)
            if self._idle:
                return self._idle.pop()
            self._count += 1
        try:
            return Worker(self.function)
        except BaseException:
            self._forget()
            raise

    def _give_back(self, worker: Worker) -> None:
        with self._changed:
            if worker.alive and not self._closed:
                self._idle.append(worker)
                self._changed.notify()
                return
        worker.stop()
        self._forget()

    def _forget(self) -> None:
        with self._changed:
            self._count -= 1
            self._changed.notify()

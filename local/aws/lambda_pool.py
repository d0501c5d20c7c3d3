"""As many execution environments of a function as this machine can feed, and a queue for the rest.

AWS starts another environment for every call that finds none free. Here that would start a process per
image of a dropped folder, each loading the model, on a machine with a few cores.
"""

import threading
from collections.abc import Callable
from typing import Any

from local.aws.lambda_worker import Function, Outcome, Worker, WorkerKilled

ATTEMPTS = 5
"""Processes that are tried for one invocation where each is killed before it begins to work on it."""


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
        return self._with_worker(lambda worker: worker.invoke(event, request_id, trace_id))

    def warm(self) -> Outcome | None:
        """Have a worker ready for the first invocation; how it ended if it could not be."""
        return self._with_worker(lambda worker: worker.load())

    def _with_worker[T](self, use: Callable[[Worker], T]) -> T | Outcome:
        """What `use` makes of a worker; of another one if that is killed before it did anything."""
        for _ in range(ATTEMPTS):
            worker = self._take()
            try:
                return use(worker)
            except WorkerKilled as lost:
                outcome = lost.outcome
            finally:
                self._give_back(worker)
        return outcome

    def close(self) -> None:
        """Stop the idle workers now and the busy ones after the invocation that they serve."""
        with self._changed:
            self._closed = True
            idle, self._idle = self._idle, []
        for worker in idle:
            worker.stop()

    def _take(self) -> Worker:
        with self._changed:
            while True:
                self._changed.wait_for(lambda: self._idle or self._count < self._size)
                if not self._idle:
                    break
                worker = self._idle.pop()
                if worker.alive:
                    return worker
                worker.stop()
                self._count -= 1
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

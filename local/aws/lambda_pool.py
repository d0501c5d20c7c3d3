"""A bounded pool of execution environments per function, in which further invocations wait.

AWS starts another environment for every invocation that finds none free. On a machine with a few cores, that
would be one process per image of a dropped folder, each of which loads the model.
"""

import threading
from collections.abc import Callable
from typing import Any

from local.aws.lambda_worker import Function, Outcome, Worker, WorkerKilled

ATTEMPTS = 5
"""Processes to try for one invocation if each is killed before it begins to work on it."""


class Pool:
    """The workers of one version of a function, started on demand. Thread-safe."""

    def __init__(self, function: Function, size: int) -> None:
        self.function = function
        self._size = size
        self._idle: list[Worker] = []
        self._count = 0
        self._closed = False
        self._changed = threading.Condition()

    def invoke(self, event: Any, request_id: str, trace_id: str | None) -> Outcome:
        """Run one invocation. Waits for a free worker if all are busy."""
        return self._with_worker(lambda worker: worker.invoke(event, request_id, trace_id))

    def warm(self) -> Outcome | None:
        """Start a worker and load the handler. Return the failed outcome, or None on success."""
        return self._with_worker(lambda worker: worker.load())

    def _with_worker[T](self, use: Callable[[Worker], T]) -> T | Outcome:
        """Call `use` with a worker, and with another one if that is killed before it did anything."""
        for _ in range(ATTEMPTS):
            worker = self._take()
            try:
                return use(worker)
            except WorkerKilled as killed:
                outcome = killed.outcome
            finally:
                self._give_back(worker)
        return outcome

    def close(self) -> None:
        """Stop the idle workers now, and each busy one after its invocation."""
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
            self._decrement()
            raise

    def _give_back(self, worker: Worker) -> None:
        with self._changed:
            if worker.alive and not self._closed:
                self._idle.append(worker)
                self._changed.notify()
                return
        worker.stop()
        self._decrement()

    def _decrement(self) -> None:
        with self._changed:
            self._count -= 1
            self._changed.notify()

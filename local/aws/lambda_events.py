"""Asynchronous invocations: queued on disk, so that none is lost, and attempted up to three times, as on AWS.

ministack starts a thread per event, drops all events when it stops, and answers a PutObject before the
event is recorded. Can go when ministack passes tests/stack/test_recovery.py with its own queue.
"""

import json
import logging
import sqlite3
import threading
import time
from collections.abc import Callable
from enum import Enum
from pathlib import Path
from typing import Any, NamedTuple

from ministack.core.responses import request_scope
from ministack.services import lambda_svc, s3

from local.aws import patching

logger = logging.getLogger("lambda")

DELIVERY_DELAY = 0.1
"""Seconds until the first attempt; S3 takes about a second. Without, a Lambda would always be faster than the
request that stored the object and goes on."""
RETRY_DELAYS = (1.0, 5.0)
"""Seconds before the second and the third attempt. AWS waits 1 and 2 minutes."""
MISSING_FUNCTION_DELAY = 2.0
"""Seconds between attempts while a function does not exist, as during a start or a deployment."""
THROTTLED_PAUSE = 0.2
"""Seconds to wait while a function is at its concurrency limit. AWS waits from 1 second up to 5 minutes."""

SCHEMA = """
CREATE TABLE IF NOT EXISTS events (
    id INTEGER PRIMARY KEY,
    function TEXT NOT NULL,
    payload TEXT NOT NULL,
    tries INTEGER NOT NULL DEFAULT 0,
    due REAL NOT NULL DEFAULT 0,
    taken INTEGER NOT NULL DEFAULT 0 -- a worker is processing it
);
CREATE INDEX IF NOT EXISTS by_function ON events (function, taken, due);
UPDATE events SET taken = 0;
"""


class AttemptResult(Enum):
    """The result of one attempt to deliver an event."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    NO_FUNCTION = "no function"
    THROTTLED = "throttled"


class Event(NamedTuple):
    """One asynchronous invocation."""

    id: int
    payload: str
    tries: int


class EventQueue:
    """The queued events of all functions. Thread-safe.

    Each function has `workers` threads that deliver its events. `run` makes one attempt; `give_up` is called
    with an event after its last attempt has failed.
    """

    def __init__(
        self,
        file: Path,
        workers: int,
        run: Callable[[str, Any], AttemptResult],
        give_up: Callable[[str, Any], None],
    ) -> None:
        self._workers = workers
        self._run = run
        self._give_up = give_up
        self._changed = threading.Condition()
        self._database = sqlite3.connect(file, isolation_level=None, check_same_thread=False)
        self._database.execute("PRAGMA journal_mode = WAL")
        self._database.execute("PRAGMA synchronous = NORMAL")  # survives the death of the process
        self._database.executescript(SCHEMA)
        self._functions: set[str] = set()
        for (function,) in self._database.execute("SELECT DISTINCT function FROM events").fetchall():
            self._serve(function)

    def put(self, function: str, payload: Any) -> None:
        """Queue an event for a function, given by its ARN. Once this returns, the event cannot be lost."""
        with self._changed:
            self._database.execute(
                "INSERT INTO events (function, payload, due) VALUES (?, ?, ?)",
                (function, json.dumps(payload), time.time() + DELIVERY_DELAY),
            )
            self._serve(function)
            self._changed.notify_all()

    def _serve(self, function: str) -> None:
        if function not in self._functions:
            self._functions.add(function)
            for _ in range(self._workers):
                threading.Thread(target=self._work, args=(function,), daemon=True).start()

    def _work(self, function: str) -> None:
        while True:
            event = self._take(function)
            try:
                result = self._run(function, json.loads(event.payload))
            except Exception:
                logger.exception("An event for %s could not be delivered", function)
                result = AttemptResult.FAILED
            self._settle(function, event, result)

    def _take(self, function: str) -> Event:
        """Wait for the next event that is due, and mark it as taken."""
        with self._changed:
            while True:
                row = self._database.execute(
                    "SELECT id, payload, tries, due FROM events "
                    "WHERE function = ? AND taken = 0 ORDER BY due, id LIMIT 1",
                    (function,),
                ).fetchone()
                wait = None if row is None else row[3] - time.time()
                if wait is not None and wait <= 0:
                    self._database.execute("UPDATE events SET taken = 1 WHERE id = ?", (row[0],))
                    return Event(*row[:3])
                self._changed.wait(wait)

    def _settle(self, function: str, event: Event, result: AttemptResult) -> None:
        """Delete an event or queue it for another attempt, by the result of the last one."""
        if result is AttemptResult.NO_FUNCTION:
            self._put_back(event.id, event.tries, MISSING_FUNCTION_DELAY)
        elif result is AttemptResult.THROTTLED:
            # Throttling does not count as an attempt. The thread waits here, or it would cycle through all
            # events in vain.
            time.sleep(THROTTLED_PAUSE)
            self._put_back(event.id, event.tries, 0)
        elif result is AttemptResult.FAILED and event.tries < len(RETRY_DELAYS):
            self._put_back(event.id, event.tries + 1, RETRY_DELAYS[event.tries])
        else:
            if result is AttemptResult.FAILED:
                logger.error("%s failed %d times; its event is dropped", function, event.tries + 1)
                self._give_up(function, json.loads(event.payload))
            with self._changed:
                self._database.execute("DELETE FROM events WHERE id = ?", (event.id,))

    def _put_back(self, event_id: int, tries: int, delay: float) -> None:
        with self._changed:
            self._database.execute(
                "UPDATE events SET taken = 0, tries = ?, due = ? WHERE id = ?",
                (tries, time.time() + delay, event_id),
            )
            self._changed.notify_all()


def install(file: Path, workers: int) -> None:
    """Send every asynchronous invocation of the emulator through a queue in `file`.

    An S3 event is in the queue before the request that caused it is answered.
    """
    queue = EventQueue(file, workers, invoke, give_up)

    def invoke_async_with_retry(record: dict[str, Any], event: Any) -> None:
        queue.put(record["config"]["FunctionArn"], event)

    patching.replace(lambda_svc, "invoke_async_with_retry", invoke_async_with_retry)
    patching.replace(s3, "_fire_s3_event_async", notify)


def notify(bucket: str, key: str, event: str, **more: Any) -> None:
    """Send an S3 event to the targets that the bucket's notifications configure."""
    s3._fire_s3_event(bucket, key, event, sequencer=s3._next_event_sequencer(event), **more)


def invoke(function: str, event: Any) -> AttemptResult:
    """Make one attempt to deliver an event to a function."""
    region, account = function.split(":")[3:5]
    with request_scope(account, region):
        record, config, _ = lambda_svc._get_func_record_for_ref(function)
        if not record or not config:
            return AttemptResult.NO_FUNCTION
        result = lambda_svc._execute_function(lambda_svc._execution_record_for_config(record, config), event)
    if result.get("throttle"):
        return AttemptResult.THROTTLED
    return AttemptResult.FAILED if result.get("error") else AttemptResult.SUCCEEDED


def give_up(function: str, event: Any) -> None:
    """Send a failed event to the function's OnFailure destination, if it has one."""
    region, account = function.split(":")[3:5]
    with request_scope(account, region):
        record, config, _ = lambda_svc._get_func_record_for_ref(function)
        settings = (record or {}).get("event_invoke_config") or {}
        target = settings.get("DestinationConfig", {}).get("OnFailure", {}).get("Destination")
        if target and config:
            lambda_svc._route_async_failure(target, config["FunctionName"], event, {})

"""A run of the local system, with services that are made up.

tests/stack/test_scale.py runs the system itself.
"""

import os
import sqlite3
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from benchmarks.peers.negatoscope import TASK
from benchmarks.simulation import local_run, processor_time
from benchmarks.simulation.local_run import LocalRun
from chalicelib.storage.inbox import InboxObject
from local.stack import BUCKET

TAKES = 0.03
"""Seconds from the event of an image to its result."""


class Services:
    """S3, which makes an event of an image in the inbox, and the table, which has its result soon after."""

    def __init__(self, queue: Path) -> None:
        self._lock = threading.Lock()
        self._queue = queue
        self.keys: list[str] = []
        self.results: list[tuple[str, float]] = []
        self.lost: set[str] = set()

    def put_object(self, Bucket: str, Key: str, Body: bytes) -> dict[str, str]:  # noqa: N803 - as boto3 calls it
        with self._lock:
            self.keys.append(Key)
            if Key.startswith("inbox/") and Key not in self.lost:
                self.results.append((InboxObject(Bucket, Key, "etag", 1).id, time.time() + TAKES))
                self._count(1)
                threading.Timer(TAKES, self._count, (-1,)).start()
        return {"ETag": '"etag"'}

    def _count(self, change: int) -> None:
        with sqlite3.connect(self._queue, timeout=30) as database:
            database.execute(
                "INSERT INTO events DEFAULT VALUES"
                if change > 0
                else "DELETE FROM events WHERE id = (SELECT min(id) FROM events)"
            )
        database.close()

    def get_paginator(self, name: str) -> Any:
        assert name == "scan"
        return self

    def paginate(self, TableName: str, **_: str) -> Iterator[dict[str, Any]]:  # noqa: N803
        assert TableName == "negatoscope-local-results"
        for image_id, at in self.results:
            when = datetime.fromtimestamp(at, UTC).isoformat()
            yield {"Items": [{"id": {"S": image_id}, "classified_at": {"S": when}}]}


@pytest.fixture
def services(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Services:
    (tmp_path / "state").mkdir()
    queue = tmp_path / "state" / "events.sqlite"
    database = sqlite3.connect(queue)
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("CREATE TABLE events (id INTEGER PRIMARY KEY)")
    database.close()
    made = Services(queue)
    monkeypatch.setattr(local_run, "root_client", lambda *_: made)
    monkeypatch.setattr(local_run, "REST", 0.05)
    monkeypatch.setattr(local_run, "PACE", 0.02)
    return made


@pytest.fixture
def run(services: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> LocalRun:
    """Its processes use as much as the images that were sent say, and 1 s a second without any."""

    def used(processes: dict[str, int]) -> dict[str, float]:
        stored = len(services.keys)
        classified = len(services.results)
        return {
            "AWS emulator": time.monotonic() + 0.5 * stored + 2.0 * classified,
            "prepare": 0.1 * classified,
            "decode": 0.2 * classified,
            "classify": 0.3 * classified,
        }

    monkeypatch.setattr(processor_time, "of_system", used)
    # Others use half a core besides.
    monkeypatch.setattr(
        processor_time,
        "of_machine",
        lambda: sum(used({}).values()) + processor_time.seconds(os.getpid()) + time.monotonic() / 2,
    )
    stack: Any = SimpleNamespace(aws_url="", directory=tmp_path, processes={}, check=lambda: None)
    return LocalRun(stack)


def test_images_at_once_have_times_and_are_waited_for(run: LocalRun, services: Services) -> None:
    sent = run.burst(40, lambda text: None)
    assert len(sent.latencies) == len(sent.ends) == 40
    assert all(TAKES <= latency < 5 for latency in sent.latencies)
    assert sent.ends == sorted(sent.ends)
    assert len({*services.keys}) == 40
    assert sent.others == pytest.approx(0.5, abs=0.2)


def test_processor_time_is_that_of_an_image_without_what_is_used_anyway(run: LocalRun) -> None:
    demands, sent = run.demands(10)
    assert demands.put == pytest.approx(0.5, abs=0.1)
    assert demands.emulator == pytest.approx(2.0, abs=0.1)
    assert (demands.prepare, demands.decode, demands.classify) == pytest.approx((0.1, 0.2, 0.3))
    assert demands.sender >= 0
    assert len(sent.latencies) == 10


def test_many_missing_results_are_an_error(
    run: LocalRun, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    services.lost = {f"inbox/{TASK}/scale/1.jpg"}
    with pytest.raises(RuntimeError, match="1 of 3 images have no result"):
        run.paced(3)
    monkeypatch.setattr(local_run, "MAX_MISSING", 0.5)
    services.lost = {f"inbox/{TASK}/scale/4.jpg"}
    sent = run.burst(3, lambda text: None)
    assert (len(sent.ends), sent.missing) == (2, 1)


def test_images_of_others_do_not_count(run: LocalRun, services: Services) -> None:
    services.results.append((InboxObject(BUCKET, "inbox/other.jpg", "etag", 1).id, time.time() - 1000))
    assert len(run.paced(3).ends) == 3
    assert len(run.burst(2, lambda text: None).ends) == 2

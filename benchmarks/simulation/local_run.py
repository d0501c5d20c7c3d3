"""Sends images to the real local system: one after the other, and all at once."""

import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from itertools import count, islice

from benchmarks.local_system import SENDERS
from benchmarks.peers.negatoscope import TASK
from benchmarks.samples import different_mammograms
from benchmarks.simulation import processor_time
from benchmarks.simulation.local_machine import Demands
from chalicelib.resource_names import resource_name
from chalicelib.storage.inbox import InboxObject
from local.account import root_client
from local.stack import BUCKET, LocalStack

PACE = 0.25
"""Seconds between images that are sent one after the other: several times what one takes alone."""
REST = 3.0
"""Seconds after which nothing that images have caused goes on."""

MAX_MISSING = 0.01
"""The part of the images that may be without a result in the end."""


@dataclass(frozen=True)
class Sent:
    """What became of a number of images."""

    latencies: list[float]
    """Seconds from the begin of sending an image to its result, in the order of the results."""
    ends: list[float]
    """When the results were there, in seconds from the first image, in the same order."""
    used: dict[str, float]
    """Processor time of an image in seconds, by program and Lambda; `sender` is this program."""
    others: float = 0.0
    """Cores that other programs used meanwhile, on average."""
    missing: int = 0
    """Images whose events failed three times. The sweep would send them again, minutes later."""


class LocalRun:
    """A running local system that gets images."""

    def __init__(self, stack: LocalStack) -> None:
        self._stack = stack
        self._s3, self._dynamodb = (root_client(name, stack.aws_url) for name in ("s3", "dynamodb"))
        self._images = different_mammograms()
        self._names = count()

    def demands(self, images: int) -> tuple[Demands, Sent]:
        """What an image needs while nothing else happens, and how long so many took, sent at `PACE`."""
        self.paced(max(images // 5, 10))  # starts the processes of all Lambdas
        files = list(islice(self._images, images))
        stored = self._measured(lambda: self._store_only(files), images)
        sent = self.paced(images)
        used = sent.used
        put = stored["AWS emulator"]
        return Demands(
            sender=stored["sender"],
            put=put,
            emulator=max(0.0, used["AWS emulator"] - put),
            **{name: used[name] for name in ("prepare", "decode", "classify")},
        ), sent

    def paced(self, images: int) -> Sent:
        """Send images one after the other, at `PACE`."""
        return self._send(list(islice(self._images, images)), self._one_by_one)

    def burst(self, images: int, say: Callable[[str], None]) -> Sent:
        """Send images as fast as `SENDERS` threads can."""
        say(f"{images:,} images")
        files = list(islice(self._images, images))

        def send(files: list[bytes], started: dict[str, float]) -> None:
            with ThreadPoolExecutor(SENDERS) as pool:
                list(pool.map(lambda file: self._put(file, started), files))

        return self._send(files, send)

    def _send(self, files: list[bytes], send: Callable[[list[bytes], dict[str, float]], None]) -> Sent:
        started: dict[str, float] = {}
        others = 0.0

        def work() -> None:
            nonlocal others
            before, begin = self._used_by_others(), time.monotonic()
            send(files, started)
            self._wait()
            others = (self._used_by_others() - before) / (time.monotonic() - begin)

        used = self._measured(work, len(files))
        first = min(started.values())
        ends = sorted((end, image_id) for image_id, end in self._results() if image_id in started)
        missing = len(files) - len(ends)
        if missing > MAX_MISSING * len(files):
            raise RuntimeError(f"{missing} of {len(files)} images have no result")
        return Sent(
            [end - started[image_id] for end, image_id in ends],
            [end - first for end, _ in ends],
            used,
            max(0.0, others),
            missing,
        )

    def _one_by_one(self, files: list[bytes], started: dict[str, float]) -> None:
        begin = time.monotonic()
        for number, file in enumerate(files):
            time.sleep(max(0.0, begin + number * PACE - time.monotonic()))
            self._put(file, started)

    def _put(self, file: bytes, started: dict[str, float]) -> None:
        key, at = f"inbox/{TASK}/scale/{next(self._names)}.jpg", time.time()
        answer = self._s3.put_object(Bucket=BUCKET, Key=key, Body=file)
        started[InboxObject(BUCKET, key, answer["ETag"].strip('"'), len(file)).id] = at

    def _store_only(self, files: list[bytes]) -> None:
        """Store images where no event tells of them."""
        for number, file in enumerate(files):
            self._s3.put_object(Bucket=BUCKET, Key=f"archive/scale/{number}.jpg", Body=file)

    def _wait(self) -> None:
        """Wait until the emulator's queue of events is empty: an event stays there until it is processed.

        That costs the emulator nothing, unlike requests for the number of results.
        """
        with closing(sqlite3.connect(self._stack.directory / "state" / "events.sqlite")) as database:
            while database.execute("SELECT EXISTS (SELECT * FROM events)").fetchone()[0]:
                self._stack.check()
                time.sleep(0.5)

    def _measured(self, work: Callable[[], None], images: int) -> dict[str, float]:
        """Processor time of an image while `work` runs, without what the system uses anyway."""
        time.sleep(REST)
        idle, at = self._used(), time.monotonic()
        time.sleep(REST)
        before, begin = self._used(), time.monotonic()
        rest = {name: (used - idle.get(name, 0.0)) / (begin - at) for name, used in before.items()}
        work()
        after, lasted = self._used(), time.monotonic() - begin
        return {
            name: max(0.0, used - before.get(name, 0.0) - rest.get(name, 0.0) * lasted) / images
            for name, used in after.items()
        }

    def _used(self) -> dict[str, float]:
        return processor_time.of_system(self._stack.processes) | {
            "sender": processor_time.seconds(os.getpid())
        }

    def _used_by_others(self) -> float:
        return processor_time.of_machine() - sum(self._used().values())

    def _results(self) -> Iterator[tuple[str, float]]:
        """Id and time of each result."""
        request = {
            "TableName": resource_name("local", "results"),
            "ProjectionExpression": "id, classified_at",
            # Failed images have no such time, or none that is a text.
            "FilterExpression": "attribute_type(classified_at, :text)",
            "ExpressionAttributeValues": {":text": {"S": "S"}},
        }
        for page in self._dynamodb.get_paginator("scan").paginate(**request):
            for item in page["Items"]:
                yield item["id"]["S"], datetime.fromisoformat(item["classified_at"]["S"]).timestamp()

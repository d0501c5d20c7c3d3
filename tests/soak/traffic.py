"""Mixed traffic for some time: memory, latency, open files and processes must stay constant."""

import hashlib
import json
import random
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from statistics import median

from tests.soak.images import fresh
from tests.soak.report import Report
from tests.soak.scenarios import reported
from tests.soak.system import System
from tests.stack.client import PATIENCE, TASK
from tests.stack.processes import descendants

USERS = 3
PAUSE_SECONDS = 0.3
"""The mean pause of a user after each action, in seconds."""
WARM_UP = 0.2
"""The share of the time that is not judged, while workers start and caches fill."""

STORED_BYTES = 40_000
"""Bytes of the emulator's memory per stored image: it keeps table items and names of objects."""
SPREAD_BYTES = 40_000_000
"""Random variation of memory between two samples, in bytes."""
SLOWER = 2.0
"""The largest ratio of durations between the last and the first third, in units of reference work."""
MIN_SAMPLES = 30
"""The least number of actions in a third for a meaningful median."""
REFERENCE_BYTES = bytes(16_000_000)
"""Data that is hashed to measure how busy the machine is."""
REFERENCE_SECONDS = 2.0
"""Seconds between two measurements."""
GROWING = ("export",)
"""Actions whose work grows with the number of stored images."""
SPREAD_FILES = 3
"""Files that a process may gain. Processes that start as the load rises bring their own."""
SPREAD_COUNT = 12
"""Allowed growth of the number of processes."""

Timed = tuple[float, float]
"""End of an action, and its duration in seconds."""


@dataclass
class Look:
    """A sample of the system."""

    second: float
    images: int
    emulator_bytes: int
    lambda_bytes: int
    files: int
    processes: int

    @classmethod
    def at(cls, system: System, second: float) -> "Look":
        """The present state."""
        emulator = system.stack.processes["AWS emulator"]
        pids = [emulator, *descendants(emulator), system.stack.processes["page and API"]]
        memory = {pid: _memory(pid) for pid in pids}
        return cls(
            second,
            len(system.arrived),
            memory[emulator],
            sum(memory[pid] for pid in system.lambdas() if pid in memory),
            sum(_files(pid) for pid in pids),
            len(pids),
        )


class Users:
    """Users who use the system in every way until they are stopped."""

    def __init__(self, system: System, pause: float) -> None:
        self._system = system
        self._pause = pause
        self.over = threading.Event()
        self.took: dict[str, list[Timed]] = defaultdict(list)
        self.failed: list[str] = []
        """Failed actions, with their time."""
        self.refused_exports = 0
        """Exports that took longer than the API allows, which is no failure on a busy machine."""
        self.timed_out = 0
        """Requests that API Gateway answered with 504, which is no failure on a busy machine, either."""
        self._actions: dict[Callable[[random.Random], None], float] = {
            self.classify: 2, self.drop: 2, self.upload: 1, self.list: 1, self.review: 1, self.export: 0.1,
        }  # fmt: skip
        """With their weights."""

    def work(self, seed: int) -> None:
        """The actions of one user."""
        choices = random.Random(seed)
        while not self.over.wait(choices.uniform(0, 2 * self._pause)):
            [action] = choices.choices(list(self._actions), list(self._actions.values()))
            started = time.monotonic()
            try:
                action(choices)
            except (AssertionError, OSError) as error:
                seconds = time.monotonic() - started
                self.failed.append(f"{action.__name__} failed after {seconds:.1f} s: {str(error)[:300]}")
                self._system.say(f"  {self.failed[-1]}")
                continue
            ended = time.monotonic()
            self.took[action.__name__].append((ended, ended - started))

    def warm_up(self) -> None:
        """Let all users do everything once, at the same time: workers start, and load the model."""
        with ThreadPoolExecutor(USERS) as threads:
            for action in self._actions:
                list(threads.map(action, [random.Random(seed) for seed in range(USERS)]))
        self._system.wait_for_events(PATIENCE)

    def _is_timeout(self, status: int) -> bool:
        self.timed_out += status == HTTPStatus.GATEWAY_TIMEOUT
        return status == HTTPStatus.GATEWAY_TIMEOUT

    def classify(self, _: random.Random) -> None:
        """Send an image and wait for its result; send it again after a timeout."""
        content = fresh()
        while self._is_timeout(status := self._system.classify(content)):
            pass
        assert status == 200, status

    def drop(self, _: random.Random) -> None:
        """Store an image in the drop folder."""
        self._system.drop([fresh()])

    def upload(self, _: random.Random) -> None:
        """Upload an image like the page does."""
        content = fresh()
        opened = self._system.client.open_upload(content)
        self._system.arrived[opened["id"]] = opened["upload"]["fields"]["key"]
        answer = self._system.client.post_form(opened["upload"], content)
        assert answer.status == 204, answer

    def list(self, _: random.Random) -> None:
        """Read the newest results."""
        answer = self._system.client.api("GET", f"/api/results?task={TASK}&limit=50")
        assert answer.status == 200 or self._is_timeout(answer.status), answer

    def review(self, choices: random.Random) -> None:
        """Review one of the newest results."""
        page = self._system.client.api("GET", "/api/results?limit=20")
        if self._is_timeout(page.status):
            return
        assert page.status == 200, page
        classified = [result["id"] for result in page.json["results"] if result["status"] == "classified"]
        if classified:
            path, body = f"/api/results/{choices.choice(classified)}/review", {"label": "right-cc"}
            answer = self._system.client.api(
                "PUT", path, json.dumps(body).encode(), Content_Type="application/json"
            )
            assert answer.status == 200 or self._is_timeout(answer.status), answer

    def export(self, _: random.Random) -> None:
        """Export all results."""
        answer = self._system.client.api("GET", f"/api/results.csv?task={TASK}")
        if answer.status == 400 and answer.json["code"] == "ExportTooLarge":
            self.refused_exports += 1
            return
        assert answer.status in (200, 303) or self._is_timeout(answer.status), answer


def mixed_traffic(system: System, seconds: float, looks: int = 20, pause: float = PAUSE_SECONDS) -> Report:
    """Run several users for `seconds`, and sample the system `looks` times."""
    with reported(system, "mixed traffic", 0) as report:
        before, users = len(system.arrived), Users(system, pause)
        users.warm_up()
        started = time.monotonic()
        seen: list[Look] = []
        reference: list[Timed] = []
        with ThreadPoolExecutor(USERS) as threads:
            working = [threads.submit(users.work, seed) for seed in range(USERS)]
            try:
                for number in range(1, looks + 1):
                    while (left := started + seconds * number / looks - time.monotonic()) > 0:
                        reference.append(_reference_work())
                        time.sleep(min(left, REFERENCE_SECONDS))
                    seen.append(Look.at(system, time.monotonic() - started))
                    system.say(_line(seen[-1]))
            finally:
                users.over.set()
            for user in working:
                user.result()
        report.images = len(system.arrived) - before
        took = {action: thirds(timed, started, seconds) for action, timed in sorted(users.took.items())}
        report.remarks += [
            f"{action} {1000 * median(first):.0f} -> {1000 * median(last):.0f} ms"
            for action, (first, last) in took.items()
            if first and last
        ]
        report.remarks += [f"{users.refused_exports} exports refused"] * bool(users.refused_exports)
        report.remarks += [f"{users.timed_out} requests timed out"] * bool(users.timed_out)
        report.problems += users.failed + slopes(seen) + slower(took, thirds(reference, started, seconds))
    return report


def slopes(seen: list[Look]) -> list[str]:
    """Values that are not constant: the median of the last third compared with that of the first."""
    judged = [look for look in seen if look.second > WARM_UP * seen[-1].second]
    third = max(1, len(judged) // 3)

    def change(value: Callable[[Look], float]) -> float:
        return median(map(value, judged[-third:])) - median(map(value, judged[:third]))

    stored = change(lambda look: look.images)
    limits = {
        "memory of the emulator, bytes": (
            change(lambda look: look.emulator_bytes), SPREAD_BYTES + STORED_BYTES * stored
        ),
        "memory of Lambdas, bytes": (
            change(lambda look: look.lambda_bytes / max(1, look.processes)), SPREAD_BYTES
        ),
        "open files of a process": (change(lambda look: look.files / max(1, look.processes)), SPREAD_FILES),
        "processes": (change(lambda look: look.processes), SPREAD_COUNT),
    }  # fmt: skip
    return [
        f"{what} grew by {grown:,.0f}, {limit:,.0f} are allowed"
        for what, (grown, limit) in limits.items()
        if grown > limit
    ]


def thirds(timed: list[Timed], started: float, seconds: float) -> tuple[list[float], list[float]]:
    """The durations in the first third after warming up, and in the last, in seconds."""
    begin = WARM_UP * seconds
    third = (seconds - begin) / 3
    return (
        [duration for ended, duration in timed if begin < ended - started < begin + third],
        [duration for ended, duration in timed if ended - started > seconds - third],
    )


def slower(
    took: dict[str, tuple[list[float], list[float]]], reference: tuple[list[float], list[float]]
) -> list[str]:
    """The actions that slowed down more than the reference work, which other load slows, too."""
    if min(map(len, reference)) < MIN_SAMPLES:
        return []
    machine = median(reference[1]) / median(reference[0])
    return [
        f"{action} took {grown:.1f} times as long at last as at first; the machine itself {machine:.1f} times"
        for action, (first, last) in took.items()
        if action not in GROWING and min(len(first), len(last)) >= MIN_SAMPLES
        if (grown := median(last) / median(first)) > SLOWER * machine
    ]


def _reference_work() -> Timed:
    started = time.monotonic()
    hashlib.sha256(REFERENCE_BYTES).digest()
    ended = time.monotonic()
    return ended, ended - started


def _line(look: Look) -> str:
    return (
        f"  {look.second:6.0f} s  {look.images:6} images  emulator {look.emulator_bytes / 1e6:5.0f} MB  "
        f"Lambdas {look.lambda_bytes / 1e6:5.0f} MB  {look.files:4} files  {look.processes:3} processes"
    )


def _memory(pid: int) -> int:
    """Resident bytes; none of a process that has ended."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except (OSError, IndexError):
        return 0
    return pages * 4096


def _files(pid: int) -> int:
    try:
        return sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir())
    except OSError:
        return 0

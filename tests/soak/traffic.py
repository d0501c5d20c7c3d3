"""Mixed traffic for a while: memory, latency, files and processes must stay as they are."""

import json
import random
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from tests.soak.images import fresh
from tests.soak.report import Report
from tests.soak.scenarios import reported
from tests.soak.system import System
from tests.stack.client import TASK
from tests.stack.processes import descendants

USERS = 3
PAUSE_SECONDS = 0.3
"""A user's pause after each action, on average."""
WARM_UP = 0.2
"""The share of the time that is not judged: workers start, and caches fill."""

STORED_BYTES = 40_000
"""Of the emulator's memory for each image that is stored: it keeps table items and the names of objects."""
SPREAD_BYTES = 40_000_000
"""By which memory may differ between two looks for no reason."""
SLOWER = 2.0
"""How many times as long as in the first third an action may take in the last: machines vary so much."""
GROWING = ("export",)
"""Actions whose work grows with what is stored."""
SPREAD_COUNT = 12
"""By which the numbers of open files and of processes may."""


@dataclass
class Look:
    """The system at one moment."""

    second: float
    images: int
    emulator_bytes: int
    lambda_bytes: int
    files: int
    processes: int

    @classmethod
    def at(cls, system: System, second: float) -> "Look":
        """What is there now."""
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
    """People who use the system in every way, until they are told to stop."""

    def __init__(self, system: System, pause: float) -> None:
        self._system = system
        self._pause = pause
        self.over = threading.Event()
        self.took: dict[str, list[tuple[float, float]]] = defaultdict(list)
        """When each action ended, and how long it took, by its name; in seconds."""
        self.failed: list[str] = []
        """Every action that was not answered as it should be, and when."""
        self._actions: list[Callable[[random.Random], None]] = [
            self.classify, self.classify, self.drop, self.drop, self.upload, self.list, self.review,
            self.export,
        ]  # fmt: skip

    def work(self, seed: int) -> None:
        """What one of them does."""
        choices = random.Random(seed)
        while not self.over.wait(choices.uniform(0, 2 * self._pause)):
            action = choices.choice(self._actions)
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

    def classify(self, _: random.Random) -> None:
        """Send an image and wait for its class."""
        status = self._system.classify(fresh())
        assert status == 200, status

    def drop(self, _: random.Random) -> None:
        """Put an image into the drop folder."""
        self._system.drop([fresh()])

    def upload(self, _: random.Random) -> None:
        """Upload an image as the page does."""
        content = fresh()
        opened = self._system.client.open_upload(content)
        self._system.arrived[opened["id"]] = opened["upload"]["fields"]["key"]
        answer = self._system.client.post_form(opened["upload"], content)
        assert answer.status == 204, answer

    def list(self, _: random.Random) -> None:
        """Look at the newest results."""
        answer = self._system.client.api("GET", f"/api/results?task={TASK}&limit=50")
        assert answer.status == 200, answer

    def review(self, choices: random.Random) -> None:
        """Correct one of the newest results."""
        page = self._system.client.api("GET", "/api/results?limit=20")
        assert page.status == 200, page
        classified = [result["id"] for result in page.json["results"] if result["status"] == "classified"]
        if classified:
            path, body = f"/api/results/{choices.choice(classified)}/review", {"label": "right-cc"}
            answer = self._system.client.api(
                "PUT", path, json.dumps(body).encode(), Content_Type="application/json"
            )
            assert answer.status == 200, answer

    def export(self, choices: random.Random) -> None:
        """Export all results, now and then."""
        if choices.random() < 0.1:
            answer = self._system.client.api("GET", f"/api/results.csv?task={TASK}")
            assert answer.status in (200, 303), answer.status


def mixed_traffic(system: System, seconds: float, looks: int = 20, pause: float = PAUSE_SECONDS) -> Report:
    """Several users for `seconds`, and the system looked at `looks` times."""
    with reported(system, "mixed traffic", 0) as report:
        before, users, started = len(system.arrived), Users(system, pause), time.monotonic()
        seen: list[Look] = []
        with ThreadPoolExecutor(USERS) as threads:
            working = [threads.submit(users.work, seed) for seed in range(USERS)]
            try:
                for number in range(1, looks + 1):
                    time.sleep(max(0.0, started + seconds * number / looks - time.monotonic()))
                    seen.append(Look.at(system, time.monotonic() - started))
                    system.say(_line(seen[-1]))
            finally:
                users.over.set()
            for user in working:
                user.result()
        report.images = len(system.arrived) - before
        thirds = latencies(users, started, seconds)
        report.remarks += [
            f"{action} {first:.0f} -> {last:.0f} ms" for action, (first, last) in thirds.items()
        ]
        report.problems += users.failed + slopes(seen)
        report.problems += [
            f"{action} took {first:.0f} ms at first and {last:.0f} ms at last"
            for action, (first, last) in thirds.items()
            if action not in GROWING and last > SLOWER * first
        ]
    return report


def slopes(seen: list[Look]) -> list[str]:
    """What is not flat: the middle of the last third against that of the first after warming up."""
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
        "open files": (change(lambda look: look.files), SPREAD_COUNT),
        "processes": (change(lambda look: look.processes), SPREAD_COUNT),
    }  # fmt: skip
    return [
        f"{what} grew by {grown:,.0f}, {limit:,.0f} are allowed"
        for what, (grown, limit) in limits.items()
        if grown > limit
    ]


def latencies(users: Users, started: float, seconds: float) -> dict[str, tuple[float, float]]:
    """The median time that each action took in the first third after warming up, and in the last, in ms."""
    thirds = {}
    begin = WARM_UP * seconds
    third = (seconds - begin) / 3
    for action, took in sorted(users.took.items()):
        first = [duration for ended, duration in took if begin < ended - started < begin + third]
        last = [duration for ended, duration in took if ended - started > seconds - third]
        if first and last:
            thirds[action] = 1000 * median(first), 1000 * median(last)
    return thirds


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

"""Lambda: concurrency of an account, execution environments, and the queue of asynchronous events."""

from __future__ import annotations

import random
from collections import Counter, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from benchmarks.simulation.limits import Limits
from benchmarks.simulation.servers import RateLimit
from benchmarks.simulation.tally import Level
from benchmarks.simulation.timeline import Line, Process, Timeline

Queue = Literal["backoff", "prompt"]
"""How throttled events wait. With `backoff`, as documented: each for a time of its own, which grows. AWS does
not say how fast it reads its queue; with `prompt`, the oldest event is there when its function may run."""


@dataclass(frozen=True)
class Concurrency:
    """What the functions of an account may do at a time."""

    functions: tuple[str, ...]
    account: int
    """Running invocations of all of them."""
    reserved: Mapping[str, int] = field(default_factory=dict)
    """Those that only one function may have, and has for itself."""
    queue: Queue = "backoff"


class Function:
    """One function: its running invocations and its warm environments."""

    def __init__(self, timeline: Timeline, limits: Limits, reserved: int | None) -> None:
        self.reserved = reserved
        """The number of invocations that it may have at a time, and has for itself; None if it shares."""
        self.running = 0
        self.warm = 0
        """Idle environments."""
        self.cold_starts = 0
        self.invocations = 0
        self.throttled = 0
        self.seconds = 0.0
        """Of all invocations together, with the starts of environments: what is billed."""
        self.line: Line = deque()
        """Its events, with the queue `prompt`."""
        self.new_environments = RateLimit(timeline, limits.environments_per_second, limits.environments_burst)


class Account:
    """The Lambdas of an account, which share its concurrency."""

    def __init__(
        self,
        timeline: Timeline,
        limits: Limits,
        settings: Concurrency,
        cold_start: Callable[[str], float],
        chance: random.Random,
    ) -> None:
        """`cold_start` gives the seconds that a new environment of a function takes to start."""
        self._timeline, self._limits, self._cold_start, self._chance = timeline, limits, cold_start, chance
        self._prompt = settings.queue == "prompt"
        self._shared = settings.account - sum(settings.reserved.values())
        """Running invocations, at most, of all functions for which nothing is reserved."""
        self._sharing = 0
        reserved = settings.reserved
        self.functions = {name: Function(timeline, limits, reserved.get(name)) for name in settings.functions}
        self.running = Level(timeline)
        self.queued = Level(timeline)
        """Events that were throttled, and wait for their next try."""
        self.first_throttle: dict[str, float] = {}
        """When each function was throttled for the first time, by what was short."""
        self.gave_up = Counter[str]()
        """Events that Lambda dropped, by the reason: `failed` three times, or too `old`."""

    def invoke(self, name: str, work: Callable[[], Process]) -> Process:
        """Run a function at once, as a caller that waits.

        Returns:
            Whether it ran and succeeded; False also if it was throttled.
        """
        start = self._begin(name)
        if start is None:
            return False
        return (yield from self._run(name, start, work))

    def deliver(self, name: str, work: Callable[[], Process]) -> Process:
        """Let the function process an asynchronous event, with Lambda's own retries.

        Returns:
            Whether one attempt succeeded; False if Lambda gave up.
        """
        arrived, throttles = self._timeline.now, 0
        for pause in (*self._limits.retry_seconds, None):
            while (start := self._begin(name)) is None:
                wait = min(self._limits.throttle_wait_max, self._limits.throttle_wait_min * 2.0**throttles)
                throttles += 1
                self.queued.change(+1)
                if self._prompt:
                    yield self.functions[name].line
                else:  # spread, as AWS spreads the retries of its clients
                    yield wait * self._chance.uniform(0.5, 1.5)
                self.queued.change(-1)
                if self._timeline.now - arrived > self._limits.event_max_age:
                    self.gave_up["old"] += 1
                    return False
            if (yield from self._run(name, start, work)):
                return True
            if pause is not None:
                yield pause
        self.gave_up["failed"] += 1
        return False

    def _begin(self, name: str) -> float | None:
        """Occupy an environment. Returns how long that takes to start, or None if it is throttled."""
        function = self.functions[name]
        full = self._is_full(function)
        if full or not (function.warm or function.new_environments.take()):
            function.throttled += 1
            what = "concurrency" if full else "new environments"
            self.first_throttle.setdefault(f"{what} ({name})", self._timeline.now)
            return None
        function.running += 1
        function.invocations += 1
        self._sharing += function.reserved is None
        self.running.change(+1)
        if function.warm:
            function.warm -= 1
            return 0.0
        function.cold_starts += 1
        return self._cold_start(name)

    def _run(self, name: str, start: float, work: Callable[[], Process]) -> Process:
        function, began = self.functions[name], self._timeline.now
        if start:
            yield start
        succeeded = yield from work()
        function.seconds += self._timeline.now - began
        function.running -= 1
        function.warm += 1
        self._sharing -= function.reserved is None
        self.running.change(-1)
        self._wake()
        return succeeded

    def _is_full(self, function: Function) -> bool:
        if function.reserved is None:
            return self._sharing >= self._shared
        return function.running >= function.reserved

    def _wake(self) -> None:
        """Let the oldest event of a function that may run be delivered: those of later steps first."""
        for function in reversed(self.functions.values()):
            if function.line and not self._is_full(function):
                self._timeline.wake_first(function.line)
                return

"""The clock of a simulation, and the processes that it wakes in the order of time.

As in SimPy, a process is a generator that yields what it waits for. The simulations need nothing else of it,
and a thousand images a second mean some ten million waits, for which objects as events would be slow.
"""

from collections import deque
from collections.abc import Generator
from heapq import heappop, heappush
from itertools import count
from math import inf

type Process = Generator[float | Line, None, bool]
"""What happens to one thing. It yields seconds to wait, or a line to wait in until somebody wakes it. What it
returns is for processes that contain it (`yield from`)."""
type Line = deque[Process]
"""Waiting processes, the one that came first on the left."""


class Timeline:
    """Runs processes. Those that are due at the same time go on in the order in which that was decided."""

    def __init__(self) -> None:
        self.now = 0.0
        """Seconds since the start."""
        self._due: list[tuple[float, int, Process]] = []
        self._number = count()

    def start(self, process: Process, delay: float = 0.0) -> None:
        """Let a process begin, or go on, after so many seconds."""
        heappush(self._due, (self.now + delay, next(self._number), process))

    def wake_first(self, line: Line) -> None:
        """Let the first process of a line go on now.

        Raises:
            IndexError: if nobody waits.
        """
        self.start(line.popleft())

    def run(self, until: float = inf) -> None:
        """Let everything happen that is due before or at a time; then it is that time.

        Raises:
            ValueError: if a process wants to wait for less than nothing.
        """
        due, number = self._due, self._number
        while due and due[0][0] <= until:
            self.now, _, process = heappop(due)
            wait = next(process, None)
            if isinstance(wait, deque):
                wait.append(process)
            elif wait is not None:
                if wait < 0:
                    raise ValueError(f"A process waits for {wait} seconds.")
                heappush(due, (self.now + wait, next(number), process))
        if until < inf:
            self.now = until

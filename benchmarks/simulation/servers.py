"""What processes compete for: servers with a line before them, and rates that refuse what exceeds them."""

from collections import deque

from benchmarks.simulation.tally import Level
from benchmarks.simulation.timeline import Line, Process, Timeline


class Servers:
    """A number of equal servers, before which processes wait in one line: first come, first served."""

    def __init__(self, timeline: Timeline, servers: int) -> None:
        self._timeline = timeline
        self._free = servers
        self._line: Line = deque()
        self.waiting = Level(timeline)
        self.busy = Level(timeline)

    def take(self) -> Process:
        """Wait for a server; whoever takes it has to give it back."""
        if self._free:
            self._free -= 1
            self.busy.change(+1)
        else:  # the one that gives it back leaves it busy
            self.waiting.change(+1)
            yield self._line
            self.waiting.change(-1)
        return True

    def give_back(self) -> None:
        """End the use of a server."""
        if self._line:
            self._timeline.wake_first(self._line)
        else:
            self._free += 1
            self.busy.change(-1)

    def serve(self, seconds: float) -> Process:
        """Use a server for so long, as soon as one is free."""
        yield from self.take()
        yield seconds
        self.give_back()
        return True


class RateLimit:
    """Units that may be used in a second: a bucket that is refilled all the time, and refuses when empty."""

    def __init__(self, timeline: Timeline, rate: float, capacity: float) -> None:
        """`rate` units a second flow into the bucket, which holds `capacity` and is full at first."""
        self._timeline = timeline
        self._rate, self._capacity = rate, capacity
        self._left = capacity
        self._at = 0.0

    def take(self, units: float = 1.0) -> bool:
        """Use units; False if fewer are left, which then stay."""
        if not self.has(units):
            return False
        self._left -= units
        return True

    def has(self, units: float) -> bool:
        """Whether so many units are left."""
        now = self._timeline.now
        self._left = min(self._capacity, self._left + (now - self._at) * self._rate)
        self._at = now
        return self._left >= units

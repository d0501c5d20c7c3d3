"""What a simulation counts: levels over time, and times of single images."""

import math
from collections.abc import Sequence

from benchmarks.simulation.timeline import Timeline

PERCENTILES = (50, 95, 99)


class Level:
    """A number that goes up and down, such as the length of a queue."""

    def __init__(self, timeline: Timeline) -> None:
        self._timeline = timeline
        self.value = 0
        self.peak = 0
        self._area = 0.0
        self._since = 0.0

    def change(self, by: int) -> None:
        """Add to the level."""
        self._area += self.value * (self._timeline.now - self._since)
        self._since = self._timeline.now
        self.value += by
        self.peak = max(self.peak, self.value)

    def mean(self) -> float:
        """The mean over the time until now; 0 at the start."""
        now = self._timeline.now
        return (self._area + self.value * (now - self._since)) / now if now else 0.0


def percentiles(times: Sequence[float]) -> dict[int, float]:
    """The smallest time that so many percent do not exceed, for each of `PERCENTILES`; {} without times."""
    ordered = sorted(times)
    if not ordered:
        return {}
    return {percent: ordered[math.ceil(len(ordered) * percent / 100) - 1] for percent in PERCENTILES}

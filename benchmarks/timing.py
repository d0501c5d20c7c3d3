"""Compares two implementations. They run alternately, so that changes of the machine's speed affect both."""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

ROUNDS = 9


@dataclass(frozen=True)
class Comparison:
    """Median milliseconds of our and the other implementation, and the median ratio of the pairs."""

    name: str
    ours: float
    other: float
    ratio: float

    def __str__(self) -> str:
        return f"{self.name:<44} {self.ours:8.1f} {self.other:8.1f} {self.ratio:7.2f}x"


def compare(
    name: str, ours: Callable[[], object], other: Callable[[], object], images: int = 1
) -> Comparison:
    """Run both alternately, after a warm-up round; times are per image, of `images`."""
    pairs = [(_milliseconds(ours), _milliseconds(other)) for _ in range(ROUNDS + 1)][1:]
    return Comparison(
        name,
        statistics.median(pair[0] for pair in pairs) / images,
        statistics.median(pair[1] for pair in pairs) / images,
        statistics.median(pair[1] / pair[0] for pair in pairs),
    )


def _milliseconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return (time.perf_counter() - start) * 1000

"""Compares two implementations. They run alternately, so that changes of the machine's speed affect both."""

import math
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

ROUNDS = 9


@dataclass(frozen=True)
class Comparison:
    """Median milliseconds of our and the other implementation, and the median ratio of the pairs."""

    name: str
    ours: float
    other: float
    ratio: float
    """How many times as long the other one takes."""
    rounds: int


def compare(
    name: str,
    ours: Callable[[], object],
    other: Callable[[], object],
    images: int = 1,
    rounds: int = ROUNDS,
) -> Comparison:
    """Run both alternately, after a warm-up round; times are per image, of `images`."""
    pairs = [(milliseconds(ours), milliseconds(other)) for _ in range(rounds + 1)][1:]
    return Comparison(
        name,
        statistics.median(pair[0] for pair in pairs) / images,
        statistics.median(pair[1] for pair in pairs) / images,
        statistics.median(pair[1] / pair[0] for pair in pairs),
        rounds,
    )


def milliseconds(work: Callable[[], object]) -> float:
    """How long it takes."""
    start = time.perf_counter()
    work()
    return (time.perf_counter() - start) * 1000


def median_ratio(times: Mapping[int, float], base: Mapping[int, float]) -> float | None:
    """The median over the rounds in both of the ratio of their times; None if there are none."""
    ratios = [time / base[number] for number, time in times.items() if number in base]
    return statistics.median(ratios) if ratios else None


def percentile(times: Sequence[float], percent: int) -> float | None:
    """The smallest time that so many percent do not exceed; None of too few times to tell."""
    if len(times) * (100 - percent) < 100:
        return None
    return sorted(times)[math.ceil(len(times) * percent / 100) - 1]

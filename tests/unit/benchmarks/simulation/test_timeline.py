"""The clock of simulations."""

from collections import deque

import pytest

from benchmarks.simulation.timeline import Line, Process, Timeline


def test_processes_go_on_in_the_order_of_time_and_then_of_decision() -> None:
    timeline, seen = Timeline(), list[tuple[str, float]]()

    def process(name: str, *waits: float) -> Process:
        for wait in waits:
            yield wait
            seen.append((name, timeline.now))
        return True

    timeline.start(process("slow", 3.0, 1.0))
    timeline.start(process("quick", 1.0, 2.0, 1.0))
    timeline.start(process("late", 0.0), delay=2.5)
    timeline.run()
    assert seen == [("quick", 1), ("late", 2.5), ("slow", 3), ("quick", 3), ("slow", 4), ("quick", 4)]


def test_run_ends_at_its_time_and_can_go_on() -> None:
    timeline, seen = Timeline(), list[float]()

    def tick() -> Process:
        while True:
            yield 1.0
            seen.append(timeline.now)

    timeline.start(tick())
    timeline.run(2.5)
    assert (timeline.now, seen) == (2.5, [1, 2])
    timeline.run(4.0)
    assert (timeline.now, seen) == (4, [1, 2, 3, 4])


def test_waiting_processes_are_woken_in_their_order() -> None:
    timeline, seen = Timeline(), list[tuple[str, float]]()
    line: Line = deque()

    def waiting(name: str) -> Process:
        yield line
        seen.append((name, timeline.now))
        return True

    def waking() -> Process:
        for _ in range(2):
            yield 2.0
            timeline.wake_first(line)
        return True

    for process in (waiting("first"), waiting("second"), waiting("third"), waking()):
        timeline.start(process)
    timeline.run()
    assert seen == [("first", 2), ("second", 4)]
    assert len(line) == 1


def test_time_never_goes_back() -> None:
    def process() -> Process:
        yield -1.0
        return True

    timeline = Timeline()
    timeline.start(process())
    with pytest.raises(ValueError, match=r"waits for -1.0 seconds"):
        timeline.run()

"""Levels over time, and percentiles."""

from benchmarks.simulation.tally import Level, percentiles
from benchmarks.simulation.timeline import Timeline


def test_level_has_the_mean_over_time_and_the_peak() -> None:
    timeline = Timeline()
    level = Level(timeline)
    assert level.mean() == 0
    for until, change in ((1.0, +4), (3.0, -3), (7.0, +1)):
        timeline.run(until)
        level.change(change)
    timeline.run(8.0)
    assert level.mean() == (1 * 0 + 2 * 4 + 4 * 1 + 1 * 2) / 8
    assert (level.value, level.peak) == (2, 4)


def test_percentiles_are_times_that_were_there() -> None:
    assert percentiles([0.1 * number for number in range(200, 0, -1)]) == {50: 10.0, 95: 19.0, 99: 19.8}
    assert percentiles([7.0]) == {50: 7, 95: 7, 99: 7}
    assert percentiles([]) == {}

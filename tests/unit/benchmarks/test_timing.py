import pytest

from benchmarks.timing import compare, median_ratio, percentile


def test_compare_runs_both_alternately_after_a_warm_up() -> None:
    calls: list[str] = []
    found = compare("x", lambda: calls.append("ours"), lambda: calls.append("other"), rounds=2)
    assert calls == ["ours", "other"] * 3
    assert (found.name, found.rounds) == ("x", 2)


def test_compare_divides_times_by_images(monkeypatch: pytest.MonkeyPatch) -> None:
    times = iter([1.0, 1.0, 40.0, 80.0, 20.0, 80.0, 60.0, 60.0])
    monkeypatch.setattr("benchmarks.timing.milliseconds", lambda work: next(times))
    found = compare("x", lambda: None, lambda: None, images=4, rounds=3)
    assert (found.ours, found.other, found.ratio) == (10, 20, 2)


def test_median_ratio_pairs_times_of_the_same_round() -> None:
    assert median_ratio({1: 20.0, 2: 90.0, 5: 40.0}, {1: 10.0, 2: 30.0, 3: 1.0, 5: 10.0}) == 3
    assert median_ratio({1: 20.0}, {2: 10.0}) is None


def test_percentile_is_told_only_of_enough_times() -> None:
    assert percentile([float(time) for time in range(100, 0, -1)], 99) == 99
    assert percentile([1.0] * 99, 99) is None
    assert percentile([3.0, 1.0], 50) == 1

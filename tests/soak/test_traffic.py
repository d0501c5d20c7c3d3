"""Slowdown of mixed traffic, compared with that of the machine."""

import pytest

from tests.soak.traffic import MIN_SAMPLES, slower


def seconds(value: float, count: int = MIN_SAMPLES) -> list[float]:
    return [value] * count


@pytest.mark.parametrize(
    ("upload", "machine", "found"),
    [
        ((0.04, 0.07), (0.01, 0.01), 0),
        ((0.04, 0.09), (0.01, 0.01), 1),
        ((0.04, 0.09), (0.01, 0.02), 0),
        ((0.04, 0.20), (0.01, 0.02), 1),
        ((0.04, 0.02), (0.01, 0.01), 0),
    ],
)
def test_action_slower_than_the_machine_is_reported(
    upload: tuple[float, float], machine: tuple[float, float], found: int
) -> None:
    reference = seconds(machine[0]), seconds(machine[1])
    assert len(slower({"upload": (seconds(upload[0]), seconds(upload[1]))}, reference)) == found


def test_few_actions_are_not_judged() -> None:
    reference = seconds(0.01), seconds(0.01)
    assert slower({"upload": (seconds(0.04, MIN_SAMPLES - 1), seconds(0.09))}, reference) == []
    assert slower({"upload": (seconds(0.04), seconds(0.09))}, (seconds(0.01, 9), seconds(0.01))) == []

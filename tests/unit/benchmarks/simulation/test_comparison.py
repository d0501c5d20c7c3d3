"""The comparison of a real run with its simulation. tests/stack/test_scale.py makes a real one."""

import os
from pathlib import Path
from typing import Any

import pytest

from benchmarks.plan import Plan
from benchmarks.simulation import comparison, local_run
from benchmarks.simulation.local_machine import Demands, LocalMachine
from benchmarks.simulation.local_run import Sent

DEMANDS = Demands(sender=0.002, put=0.003, emulator=0.018, prepare=0.004, decode=0.005, classify=0.008)
USED = {"sender": 0.004, "AWS emulator": 0.021, "prepare": 0.004, "decode": 0.005, "classify": 0.008}


class Stack:
    """A system that starts at once."""

    def __init__(self, *_: Any, **__: Any) -> None: ...
    def __enter__(self) -> "Stack":
        return self

    def __exit__(self, *_: object) -> None: ...


class Run:
    """A system that is as fast as the simulation says, or ten percent slower if all images come at once."""

    def __init__(self, stack: Stack) -> None: ...

    def demands(self, images: int) -> tuple[Demands, Sent]:
        machine = LocalMachine(DEMANDS, 1, 2)
        machine.paced(images, local_run.PACE)
        return DEMANDS, Sent([*machine.latencies], [*machine.ends], USED)

    def burst(self, images: int, say: Any) -> Sent:
        machine = LocalMachine(DEMANDS, 1, 2)
        machine.burst(images, 8)
        more = {name: used * 1.1 for name, used in USED.items()}
        latencies, ends = ([one * 1.1 for one in times] for times in (machine.latencies, machine.ends))
        return Sent(latencies, ends, more, others=0.25)


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> dict[str, Any]:
    monkeypatch.setattr(comparison, "LocalStack", Stack)
    monkeypatch.setattr(comparison, "LocalRun", Run)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0})
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    return comparison.measure(300, Plan(tmp_path, say=lambda text: None))


def test_difference_is_in_percent_of_the_measured(measured: dict[str, Any]) -> None:
    demands, paced, burst = measured["sections"]
    assert [round(row[3]) for row in paced["rows"]] == [0, 0, 0]
    differences = {row[0]: round(row[3], 1) for row in burst["rows"]}
    assert differences == {
        "time to the result, p50 / s": -9.1,
        "time to the result, p95 / s": -9.1,
        "time to the result, p99 / s": -9.1,
        "images a second": 10.0,
    }
    assert {row[0]: round(row[3]) for row in demands["rows"][1:-1]} == {
        "AWS emulator": 10,
        "prepare": 10,
        "decode": 10,
        "classify": 10,
    }
    assert demands["rows"][0][1] == pytest.approx(2.0)
    assert measured["images"] == 300
    assert any("other programs used 0.25 cores" in remark for remark in burst["remarks"])


def test_chart_has_both_lines_up_to_the_last_image(measured: dict[str, Any]) -> None:
    (chart,) = measured["sections"][2]["charts"]
    assert chart["lines"].keys() == {"measured", "simulated"}
    for line in chart["lines"].values():
        assert len(line) == comparison.POINTS
        assert line[-1][1] == 300
        assert line == sorted(line)


def test_missing_images_are_told() -> None:
    machine = LocalMachine(DEMANDS, 1, 2)
    machine.burst(200, 8)
    sent = Sent([*machine.latencies][1:], [*machine.ends][1:], USED, missing=1)
    assert any(
        remark.startswith("1 of the real images") for remark in comparison.crowd(sent, machine, 200).remarks
    )


def test_percent_of_nothing_is_unknown() -> None:
    assert comparison.percent(0.0, 1.0) is None
    assert comparison.percent(2.0, 1.0) == -50

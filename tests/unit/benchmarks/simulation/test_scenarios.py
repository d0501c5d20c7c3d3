"""The runs of the page, and their tables."""

from dataclasses import replace

import pytest

from benchmarks.simulation import scenarios
from benchmarks.simulation.limits import Limits
from benchmarks.simulation.parameters import Knobs
from benchmarks.simulation.scenarios import COLUMNS, RATES, SCENARIOS, Scenario, row, simulate, table


def test_aws_would_take_all_scenarios() -> None:
    runs = [knobs for scenario in SCENARIOS for knobs in scenario.runs.values()]
    for knobs in runs:
        knobs.check(Limits.read())
    assert {knobs.rate for knobs in runs} == {*RATES, 0.0}


def test_table_has_a_row_for_each_run_and_charts_of_all_rates() -> None:
    chosen = {f"{rate:g}": Knobs(rate=rate, seconds=20) for rate in (1.0, 2.0, 4.0, 8.0)}
    outcomes = {name: simulate(knobs) for name, knobs in chosen.items()}
    section = table(Scenario("Rates", "", chosen), outcomes)
    assert [line[0] for line in section.rows] == ["1", "2", "4", "8"]
    assert section.rows[3][COLUMNS.index("refused first")] == "nothing"
    time, lambdas = section.charts
    assert (time.name, lambdas.name) == ("time-to-result", "concurrency")
    few = dict(list(outcomes.items())[:2])
    assert table(Scenario("Rates", "", chosen), few).charts == []


def test_bursts_have_no_mean_and_no_month() -> None:
    knobs = Knobs(burst=300, concurrency=100)
    cells = dict(zip(COLUMNS[1:], row(simulate(knobs), knobs), strict=True))
    assert cells[scenarios.CONCURRENCY] is None
    assert cells["$ a month"] is None
    overloaded = Knobs(rate=20, seconds=30, concurrency=10)
    assert dict(zip(COLUMNS[1:], row(simulate(overloaded), overloaded), strict=True))["$ a month"] is None
    assert cells["refused first"] == "concurrency (prepare), 1 s"
    refused, share = cells["refused tries"], cells["lost / %"]
    assert isinstance(refused, float)
    assert refused > 100
    assert share == 0


def test_sections_are_those_of_the_scenarios(monkeypatch: pytest.MonkeyPatch) -> None:
    short = [
        replace(one, runs={name: Knobs(rate=5, seconds=5) for name in list(one.runs)[:2]})
        for one in SCENARIOS
    ]
    monkeypatch.setattr(scenarios, "SCENARIOS", short)
    said: list[str] = []
    found = scenarios.sections(1, said.append)
    assert len(said) == 2 * len(SCENARIOS)
    assert [section.title for section in found] == [one.title for one in SCENARIOS]
    assert [len(section.rows) for section in found] == [2] * len(SCENARIOS)

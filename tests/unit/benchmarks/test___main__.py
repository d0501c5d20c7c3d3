"""The run of all comparisons."""

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks import __main__ as program
from benchmarks import batches, handlers, report
from benchmarks.plan import Plan
from benchmarks.section import Section


def result(plan: Plan) -> Section:
    return Section("Batches", "", ("", "p50 / ms"), [["Negatoscope", 12.0]])


def broken(plan: Plan) -> Section:
    raise OSError("no room")


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., None]:
    """Runs the program in a project folder of its own, with one comparison."""

    def run(measure: Callable[[Plan], Section], *arguments: str) -> None:
        monkeypatch.setattr(sys, "argv", ["benchmarks", *arguments])
        monkeypatch.setattr(batches, "measure", measure)
        monkeypatch.setattr(program, "PARTS", {"batches": "Batches"})
        monkeypatch.setattr(program, "PROJECT", tmp_path)
        monkeypatch.setattr(program, "QUICK_FOLDER", tmp_path / ".local")
        monkeypatch.setattr(program, "TRAINING", tmp_path / "absent")
        monkeypatch.setattr(report, "PAGE", tmp_path / "docs" / "speed.md")
        monkeypatch.setattr(report, "MEASURED", tmp_path / "docs" / "speed" / "measurements.json")
        program.main()

    return run


def test_full_run_writes_the_committed_page(run: Callable[..., None], tmp_path: Path) -> None:
    run(result)
    measured = json.loads((tmp_path / "docs" / "speed" / "measurements.json").read_text())
    assert measured["sections"][0]["rows"] == [["Negatoscope", 12.0]]
    assert "| Negatoscope | 12.0 |" in (tmp_path / "docs" / "speed.md").read_text()


@pytest.mark.parametrize("arguments", [["--quick"], ["--only", "batches"]])
def test_other_runs_leave_the_committed_page(
    run: Callable[..., None], tmp_path: Path, arguments: list[str]
) -> None:
    run(result, *arguments)
    assert (tmp_path / ".local" / "speed.md").exists()
    assert not (tmp_path / "docs").exists()


def test_comparison_that_fails_is_reported(
    run: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    run(broken, "--quick")
    assert "**Not measured:** OSError: no room" in capsys.readouterr().out


def test_costs_follow_the_handlers_if_there_are_times(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    plan = Plan(tmp_path, say=lambda text: None)
    empty = Section("Handlers", "", handlers.COLUMNS)
    monkeypatch.setattr(handlers, "measure", lambda plan: empty)
    assert len(program.measure_all(["handlers"], plan)) == 1
    empty.add("Negatoscope", 0.3, 0.5, 1.2, 12.0, None, 1.1, 120.0, 174.0, "5, 200")
    titles = [section.title for section in program.measure_all(["handlers"], plan)]
    assert titles == ["Handlers", "Costs of 1,000 images"]

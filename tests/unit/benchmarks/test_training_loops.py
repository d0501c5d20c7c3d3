"""The comparison of training loops, with times that are made up."""

import sys
from pathlib import Path
from typing import Any

import pytest

from benchmarks import training_loops
from benchmarks.plan import Plan
from benchmarks.program import ProgramFailed
from benchmarks.section import Section


def found(**plain: Any) -> dict[str, Any]:
    ours = {"begin": 20.0, "epochs": [3.0, 5.0], "accuracy": [0.9, 0.96]}
    other = {"begin": 0.0, "epochs": [12.0, 28.0], "accuracy": [0.5, 0.7], **plain}
    return {"images": 240, "recipe_epochs": 10, "ours": ours, "plain": other}


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[tuple[str, ...]]:
    """What is run, none of which is real; there is a folder of images."""
    calls: list[tuple[str, ...]] = []

    def run(*arguments: str) -> dict[str, Any]:
        calls.append(arguments)
        return found()

    monkeypatch.setattr(training_loops, "run", run)
    (tmp_path / "mammography-views").mkdir()
    monkeypatch.setenv("NEGATOSCOPE_DATA", str(tmp_path))
    return calls


def test_epochs_share_what_precedes_them(asked: list[tuple[str, ...]], tmp_path: Path) -> None:
    section = training_loops.measure(Plan(tmp_path, quick=True, say=lambda text: None))
    assert section.rows == [["an epoch of 240 images", 6, 20, 3.2, "2"]]
    assert len(asked) == 1
    assert section.remarks == ["A quick run does not train to an accuracy."]


def test_full_run_trains_to_an_accuracy(asked: list[tuple[str, ...]], tmp_path: Path) -> None:
    section = training_loops.measure(Plan(tmp_path, say=lambda text: None))
    assert section.rows[1][1:] == [28, None, None, "1"]
    assert section.remarks[1] == "The plain loop reached a balanced accuracy of 0.700 in 2 epochs."
    assert f"--data={tmp_path}/mammography-views" in asked[1]


def test_factor_of_times_to_an_accuracy(tmp_path: Path) -> None:
    section = Section("", "", training_loops.COLUMNS)
    training_loops.add_accuracy(section, found(accuracy=[0.9, 0.95]))
    assert section.rows[0][1:4] == [28, 40, pytest.approx(40 / 28)]


def test_missing_images_are_a_reason(
    asked: list[tuple[str, ...]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("NEGATOSCOPE_DATA", str(tmp_path / "absent"))
    section = training_loops.measure(Plan(tmp_path, say=lambda text: None))
    assert section.rows[1][1] is None
    assert "set NEGATOSCOPE_DATA" in section.remarks[0]


def test_failed_training_leaves_the_epochs(
    asked: list[tuple[str, ...]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def run(*arguments: str) -> dict[str, Any]:
        if len(arguments) > 2:
            raise ProgramFailed("the training took more than 900 s")
        return found()

    monkeypatch.setattr(training_loops, "run", run)
    section = training_loops.measure(Plan(tmp_path, say=lambda text: None))
    assert section.rows[0][1:] == [6, 20, 3.2, "2"]
    assert section.rows[1][1:] == [None] * 4
    assert "took more than 900 s" in section.remarks[0]


def test_failures_say_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training_loops, "TRAINING", Path(sys.executable))  # it has no torch
    with pytest.raises(ProgramFailed, match="No module named 'torch'"):
        training_loops.run("--epochs=1")
    monkeypatch.setattr(training_loops, "TRAINING", Path("/.venv-absent/bin/python"))
    with pytest.raises(ProgramFailed, match=r"\.venv-absent is not installed"):
        training_loops.run()

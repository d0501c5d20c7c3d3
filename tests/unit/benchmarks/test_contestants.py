import re
import sys
from pathlib import Path

import pytest

from benchmarks import contestants
from benchmarks.contestants import FLOOR, NEGATOSCOPE
from benchmarks.program import ProgramFailed
from benchmarks.samples import write_mammograms


@pytest.fixture
def nothing_installed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Only our own environment exists."""
    for name in ("TRAINING", "OTHERS"):
        monkeypatch.setattr(contestants, name, tmp_path / ".venv-absent" / "bin" / "python")
    return tmp_path


def test_contestants_without_their_environment_say_so(nothing_installed: Path) -> None:
    for one in contestants.contestants(nothing_installed):
        if one.name not in (NEGATOSCOPE, FLOOR):
            for act in (lambda one=one: one.start(0), one.megabytes):
                with pytest.raises(ProgramFailed, match=r"\.venv-absent is not installed"):
                    act()


def test_floor_answers_as_we_do(nothing_installed: Path) -> None:
    (file, *_) = write_mammograms(nothing_installed)
    answers = set()
    for one in contestants.contestants(nothing_installed)[:2]:
        program = one.start(0)
        answers.add(program.ask(file).answer)
        program.close()
    assert len(answers) == 1
    assert re.fullmatch("left-[a-z]+", answers.pop())


def test_models_that_cannot_be_written_are_missing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(contestants, "OTHERS", Path(sys.executable))  # it has no TensorFlow
    assert contestants.write_keras_models(tmp_path) == "ModuleNotFoundError: No module named 'tensorflow'"
    monkeypatch.setattr(contestants, "PATIENCE", 0.001)
    assert contestants.write_keras_models(tmp_path) == "writing the models took more than 0 s"
    (tmp_path / "same.tflite").touch()
    assert contestants.write_keras_models(tmp_path) == ""


def test_our_packages_are_those_of_the_layer_with_code_and_model(nothing_installed: Path) -> None:
    ours, *_ = contestants.contestants(nothing_installed)
    assert 150 < ours.megabytes() < 250

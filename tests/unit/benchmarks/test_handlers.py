"""The comparison of handlers, with programs that are made up."""

from pathlib import Path

import pytest

from benchmarks import handlers
from benchmarks.contestants import FLOOR, NEGATOSCOPE, Contestant
from benchmarks.plan import Plan
from benchmarks.program import ProgramFailed, Reply


class Fake:
    """Answers after so many milliseconds."""

    def __init__(self, ms: float, answer: str = "left", failing_after: int = 1000) -> None:
        self.ms, self.answer, self.left = ms, answer, failing_after
        self.imported_s: float | None = 0.1
        self.age = ms / 10
        self.closed = 0

    def ask(self, file: Path) -> Reply:
        self.left -= 1
        if self.left < 0:
            raise ProgramFailed("it has ended")
        return Reply(self.ms, self.answer, 10 * self.ms)

    def close(self) -> None:
        self.closed += 1


def contestant(name: str, fake: Fake, **options: bool) -> Contestant:
    return Contestant(name, lambda core: fake, lambda: 5.0, **options)


def absent(core: int) -> Fake:
    raise ProgramFailed(".venv-benchmarks is not installed")


def no_size() -> float:
    raise ProgramFailed("no torch")


def test_rows_have_medians_ratios_and_reasons(tmp_path: Path) -> None:
    ours, floor, slow = Fake(12), Fake(10), Fake(500)
    everyone = [
        contestant(NEGATOSCOPE, ours),
        contestant(FLOOR, floor),
        Contestant("Keras", absent, lambda: 1.0),
        Contestant("PyTorch", lambda core: Fake(30, "right"), no_size),
        contestant("each", slow, slow=True),
        contestant("dies", Fake(10, failing_after=1)),
    ]
    section = handlers.measure(Plan(tmp_path, quick=True, say=lambda text: None), lambda folder: everyone)
    assert section.rows[0] == [
        NEGATOSCOPE,
        0.1,
        1.2,
        pytest.approx(1.2),
        12,
        None,
        pytest.approx(1.2),
        120,
        5.0,
        "1, 32",
    ]
    assert [row[0] for row in section.rows] == [one.name for one in everyone]
    assert section.rows[2][1:] == section.rows[5][1:] == [None] * 9
    assert section.rows[3][8] is None
    assert section.rows[4][-1] == "1, 1"
    assert section.remarks == [
        "Keras could not be measured: .venv-benchmarks is not installed",
        "Packages of PyTorch: no torch",
        "PyTorch does not give the same answers as Negatoscope.",
        "each does not give the same answers as Negatoscope.",
        "dies could not be measured: it has ended",
    ]
    assert ours.closed == floor.closed == slow.closed == 1


def test_every_cold_start_is_of_a_new_process(tmp_path: Path) -> None:
    started: list[Fake] = []

    def start(core: int) -> Fake:
        started.append(Fake(10))
        return started[-1]

    everyone = [Contestant(name, start, lambda: 1.0) for name in (NEGATOSCOPE, FLOOR)]
    slow = Fake(500)
    everyone.append(contestant("each", slow, slow=True))
    section = handlers.measure(Plan(tmp_path, say=lambda text: None), lambda folder: everyone)
    assert [fake.closed for fake in started] == [1] * 10
    assert section.rows[0][-1] == "5, 200"
    assert section.rows[0][5] == 10
    assert section.rows[2][-1] == "1, 5"
    assert slow.closed == 1

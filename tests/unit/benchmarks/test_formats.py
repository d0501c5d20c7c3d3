"""The comparison of formats, with our program and Pillow's."""

from pathlib import Path

import numpy as np
import pytest

from benchmarks import formats
from benchmarks.peers import plain_preparation
from benchmarks.plan import Plan
from benchmarks.program import ProgramFailed, Reply
from benchmarks.samples import film, film_as
from benchmarks.section import Lines


class Fake:
    """Answers after so many milliseconds, or fails."""

    imported_s: float | None = None
    age = 0.0

    def __init__(self, ms: float) -> None:
        self.ms = ms
        self.closed = False

    def ask(self, file: Path) -> Reply:
        if not self.ms:
            raise ProgramFailed("it has ended")
        return Reply(self.ms, "", 0)

    def close(self) -> None:
        self.closed = True


def test_rows_have_times_factors_and_reasons(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    programs = {"Negatoscope": Fake(10.0), "Pillow": Fake(20.0), "OpenCV": Fake(0), "pydicom": Fake(50.0)}
    reasons: dict[str, str] = {}
    monkeypatch.setattr(formats, "start_all", lambda: (dict(programs), reasons))
    section = formats.measure(Plan(tmp_path, quick=True, say=lambda text: None))
    rows = {str(row[0]): row[1:] for row in section.rows}
    assert rows["PNG, 16 bits, 50 x 50"] == [10, 20, None, None, 2, None, "2"]
    assert rows["DICOM, JPEG 2000, 1000 x 1000"] == [10, None, 50, None, 5, None, "2"]
    assert len(rows) == 12
    assert section.remarks == ["OpenCV could not be measured: JPEG: it has ended"]
    assert all(program.closed for program in programs.values())
    jpeg, _, dicom = section.charts
    assert isinstance(jpeg, Lines)
    assert isinstance(dicom, Lines)
    assert jpeg.lines == {"Negatoscope": [(0.0025, 10), (1, 10)], "Pillow": [(0.0025, 20), (1, 20)]}
    assert dicom.lines.keys() == {"Negatoscope", "pydicom"}


def test_missing_environment_is_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[list[str]] = []

    def start(command: list[str], core: int) -> Fake:
        started.append(command)
        if "benchmarks" in command[0]:
            raise ProgramFailed(".venv-benchmarks is not installed")
        return Fake(1)

    monkeypatch.setattr(formats, "Program", start)
    monkeypatch.setattr(formats, "OTHERS", Path("/.venv-benchmarks/bin/python"))
    running, reasons = formats.start_all()
    assert [*running] == ["Negatoscope", "Pillow"]
    assert reasons == dict.fromkeys(("pydicom", "OpenCV"), ".venv-benchmarks is not installed")
    assert started[1][2:] == ["benchmarks.peers.plain_preparation", "Pillow", "112", "224"]


@pytest.mark.parametrize(
    ("library", "kind"),
    [("Pillow", "JPEG"), ("Pillow", "PNG, 16 bits"), ("pydicom", "DICOM"), ("pydicom", "DICOM, JPEG 2000")],
)
def test_plain_preparation_sees_the_same_grey_levels(library: str, kind: str) -> None:
    _, decode = plain_preparation.LIBRARIES[library]
    pixels = film(60)
    small = decode(film_as(kind, pixels), (20, 30))
    assert small.shape == (30, 20)
    assert small.dtype == np.uint8
    assert small.mean() == pytest.approx(pixels.mean() / 16, abs=2)

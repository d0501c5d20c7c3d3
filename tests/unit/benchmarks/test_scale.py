"""The command `make scale`."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from benchmarks import scale
from benchmarks.section import Section
from benchmarks.simulation import comparison, page, scenarios
from benchmarks.simulation.parameters import Knobs


def run(monkeypatch: pytest.MonkeyPatch, *options: str) -> None:
    monkeypatch.setattr(sys, "argv", ["scale", *options])
    scale.main()


def test_one_run_is_printed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    run(monkeypatch, "--rate", "20", "--seconds", "30", "--concurrency", "20", "--seed", "3")
    lines = capsys.readouterr().out.splitlines()
    assert [line[:26].strip() for line in lines[:2]] == ["concurrent Lambdas: mean", "peak"]
    assert lines[1].split()[-1] == "20.0"
    assert any(line.startswith("refused by decode") for line in lines)


def test_options_become_knobs() -> None:
    words = (
        "--burst 500 --concurrency 600 --reserved prepare=200 classify=100 --memory decode=2048 "
        "--partitions shared --queue prompt --arrival upload --endpoint 7 --seed 9 --seconds 60"
    )
    arguments = scale.options().parse_args([*words.split(), "--image", "JPEG, 240 x 480"])
    assert scale.knobs(arguments) == Knobs(
        burst=500,
        concurrency=600,
        reserved={"prepare": 200, "classify": 100},
        memory={"decode": 2048},
        partitions="shared",
        queue="prompt",
        arrival="upload",
        endpoint=7,
        seed=9,
        seconds=60,
        image="JPEG, 240 x 480",
    )


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--burst", "0"), "'0' is not a whole number from 1 on"),
        (("--memory", "sweep=512"), "'sweep' is none of prepare, decode, classify"),
        (("--memory", "decode"), "'' is not a whole number"),
        (("--rate", "5", "--concurrency", "10", "--reserved", "prepare=5"), "AWS keeps 100"),
    ],
)
def test_wrong_options_are_refused(
    options: tuple[str, ...], says: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        run(monkeypatch, *options)
    assert says in capsys.readouterr().err


@pytest.fixture
def section(monkeypatch: pytest.MonkeyPatch) -> Section:
    """What everything that takes long is replaced by; no plots are drawn."""
    made = Section("Rates", "Text.", ("", scenarios.CONCURRENCY))
    made.add("100 a second", 213.0)
    monkeypatch.setattr(scenarios, "sections", lambda processes, say: [made])
    monkeypatch.setattr(scale, "TRAINING", Path("/bin/true"))
    return made


def test_results_are_written_where_they_are_wanted(
    section: Section, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run(monkeypatch, "--to", str(tmp_path / "new"))
    found: dict[str, Any] = json.loads((tmp_path / "new" / page.SIMULATED).read_text())
    titles = [one["title"] for one in found["sections"]]
    assert titles == ["What each rate needs of AWS's limits", "Rates", "10 million stored images"]
    assert found["sections"][0]["rows"][0][1:] == pytest.approx([0.213, 2.13, 21.3, 213])
    printed = capsys.readouterr().out
    assert "## Rates\n" in printed
    assert "is written" not in printed


def test_page_is_written_with_the_results(
    section: Section, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(page, "FOLDER", tmp_path / "scale")
    monkeypatch.setattr(page, "PAGE", tmp_path / "scale.md")
    monkeypatch.setattr(scale, "PROJECT", tmp_path)
    monkeypatch.setattr(page, "render", lambda: f"{len([*(tmp_path / 'scale').iterdir()])} files")
    run(monkeypatch)
    assert (tmp_path / "scale.md").read_text() == "1 files"
    assert "scale.md is written." in capsys.readouterr().out


def test_measured_run_has_a_file_of_its_own(
    section: Section, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []

    def measure(images: int, plan: Any) -> dict[str, Any]:
        assert plan.folder.is_dir()
        asked.append(images)
        return {"sections": [section.as_json()]}

    monkeypatch.setattr(comparison, "measure", measure)
    run(monkeypatch, "--measure", "250", "--to", str(tmp_path))
    assert asked == [250]
    assert [file.name for file in tmp_path.iterdir()] == [page.MEASURED]


def test_missing_plots_are_told(
    section: Section, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(scale, "TRAINING", Path("/bin/false"))
    scale.write(page.SIMULATED, {"sections": []}, tmp_path)
    assert "could not be drawn" in capsys.readouterr().err

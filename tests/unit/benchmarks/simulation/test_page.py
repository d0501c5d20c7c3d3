"""docs/scale.md."""

import json
from pathlib import Path
from typing import Any

from benchmarks.simulation import page
from benchmarks.simulation.scenarios import SCENARIOS

SECTION: dict[str, Any] = {
    "title": "Rates",
    "text": "What\nhappens.",
    "columns": ["", "p50 / s"],
    "rows": [["1 a second", 3.3]],
    "remarks": [],
    "failure": "",
    "charts": [{"kind": "lines", "name": "time", "title": "Time"}],
}
MEASURED: dict[str, Any] = {
    "machine": "Abacus, 2 cores",
    "date": "2026-11-30",
    "load": 0.04,
    "images": 10_000,
    "sections": [SECTION | {"title": "At once"}],
}


def test_page_has_what_was_simulated_and_measured(tmp_path: Path) -> None:
    (tmp_path / page.SIMULATED).write_text(json.dumps({"sections": [SECTION]}))
    text = page.render(tmp_path, "scale")
    assert "## Rates\n\nWhat happens.\n\n|  | p50 / s |\n|---|---:|\n| 1 a second | 3.30 |\n" in text
    assert "![Time](scale/time.svg)" in text
    assert "real run\n" not in text.partition("## The model")[2]
    (tmp_path / page.MEASURED).write_text(json.dumps(MEASURED))
    text = page.render(tmp_path, "scale")
    assert "got 10,000 images (Abacus, 2 cores; 2026-11-30;" in text
    assert '`make scale ARGS="--measure 10000"`' in text
    assert "\n### At once\n" in text


def test_committed_page_is_made_from_the_committed_results() -> None:
    text = page.PAGE.read_text(encoding="utf-8")
    assert text == page.render()
    pictures = {f"scale/{picture.name}" for picture in page.FOLDER.glob("*.svg")}
    assert pictures
    assert all(picture in text for picture in pictures)
    for name in (page.SIMULATED, page.MEASURED):
        if (page.FOLDER / name).exists():
            for section in json.loads((page.FOLDER / name).read_text())["sections"]:
                assert section["title"] in text
                assert {f"scale/{chart['name']}.svg" for chart in section["charts"]} <= pictures


def committed() -> dict[str, dict[str, Any]]:
    """The rows of what is committed, by the title of their section and their name, each by column."""
    sections = json.loads((page.FOLDER / page.SIMULATED).read_text())["sections"]
    return {
        f"{section['title']}: {row[0]}": dict(zip(section["columns"], row, strict=True))
        for section in sections
        for row in section["rows"]
    }


def test_findings_are_those_of_the_committed_results() -> None:
    """Words are written by people, so that a new simulation may contradict them."""
    rows = committed()
    rates, knobs, bursts = SCENARIOS[0].title, SCENARIOS[2].title, SCENARIOS[3].title
    for rate in ("1", "10", "100"):
        row = rows[f"{rates}: {rate} a second"]
        assert row["refused first"] == "nothing"
        assert row["p50 / s"] < 4
    fast = rows[f"{rates}: 1,000 a second"]
    assert fast["refused first"].startswith("concurrency")
    assert fast["lost / %"] == 0
    assert fast["p99 / s"] > 3600
    assert rows[f"{SCENARIOS[1].title}: 10 a second"]["p50 / s"] > 60
    assert (
        rows["What each rate needs of AWS's limits: concurrent Lambdas of the account"]["1,000 a second"]
        > 200
    )
    unprepared, prepared, never, enough = (
        rows[f"{knobs}: {name}"]
        for name in (
            "concurrency 5,000",
            "concurrency 5,000, after `make shard-lists`",
            "concurrency 5,000, lists never sharded",
            "the same, concurrency 3,000",
        )
    )
    for row in (prepared, enough):
        assert row["sent again by the sweep / %"] == 0
        assert row["p99 / s"] < 10
    assert unprepared["sent again by the sweep / %"] > 1
    assert never["p50 / s"] > 1800
    assert round(unprepared["$ for 1,000"] / prepared["$ for 1,000"], 1) == 1.7
    slow, small = (
        rows[f"{knobs}: the same, {name} MB"] for name in ("`decode` with 1,024", "`classify` with 512")
    )
    assert slow["p50 / s"] > prepared["p50 / s"] + 0.2
    assert 0.95 < slow["$ for 1,000"] / prepared["$ for 1,000"] < 1.05
    assert small["p50 / s"] < prepared["p50 / s"] + 0.1
    assert small["$ for 1,000"] < 0.95 * prepared["$ for 1,000"]
    assert rows[f"{knobs}: the same, an endpoint for 5 requests"]["lost / %"] > 50
    enough = rows[f"{knobs}: the same, an endpoint for 200 requests"]
    assert enough["lost / %"] == 0
    assert enough["last after / s"] > 60
    for name, row in rows.items():
        if name.startswith(f"{bursts}: 50,000, 300 reserved"):
            assert row["last after / s"] < 600
            assert row["sent again by the sweep / %"] == 0
    # With this queue, each event that finds no room is refused once: the rest are calls of `decode`.
    third, half = (
        rows[f"{bursts}: 10,000, {reserved} reserved for `prepare`, prompt"]["refused tries"]
        for reserved in (300, 500)
    )
    assert third == 9_700
    assert half > 9_500 + 1_000
    assert rows[f"{bursts}: 50,000, prompt"]["last after / s"] > 3600

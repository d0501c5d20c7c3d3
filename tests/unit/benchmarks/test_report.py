from datetime import datetime
from typing import Any

import pytest

from benchmarks import report
from chalicelib.models.package import bundled_package
from chalicelib.tasks import load_tasks

MEASURED: dict[str, Any] = {
    "machine": "Abacus, 2 cores",
    "measured_at": "2099-11-29T08:30+00:00",
    "load": 0.04,
    "quick": False,
    "seconds": 600,
    "sections": [
        {
            "title": "Handlers",
            "text": "Each\nanswers.",
            "columns": ["", "p50 / ms", "rounds"],
            "rows": [["Negatoscope", 12.345, "5"], ["Keras", None, None]],
            "remarks": ["Keras could not be measured: it is not installed"],
            "charts": [{"kind": "bars", "name": "warm", "title": "Warm", "column": "p50 / ms"}],
            "failure": "",
        },
        {
            "title": "Training",
            "text": "",
            "columns": [],
            "rows": [],
            "remarks": [],
            "charts": [],
            "failure": "no data",
        },
    ],
}


def test_page_has_tables_remarks_plots_and_failures() -> None:
    page = report.render(MEASURED, "speed")
    assert "Abacus, 2 cores; 2099-11-29; 10 minutes." in page
    assert "Each answers.\n\n|  | p50 / ms | rounds |\n|---|---:|---:|\n| Negatoscope | 12.3 | 5 |\n" in page
    assert "\n| Keras | – | – |\n" in page
    assert "\n- Keras could not be measured: it is not installed\n" in page
    assert "![Warm](speed/warm.svg)" in page
    assert page.endswith("## Training\n\n**Not measured:** no data\n")


def test_page_says_that_a_run_was_quick() -> None:
    assert "A quick run" not in report.render(MEASURED, "speed")
    assert "A quick run, with few rounds" in report.render(MEASURED | {"quick": True}, "speed")


def test_page_names_models_that_were_replaced_after_the_measurement() -> None:
    packages = {task: package for task in load_tasks() if (package := bundled_package(task))}
    ages = {task: package.facts["created_at"] for task, package in packages.items()}
    newest = max(ages, key=lambda task: datetime.fromisoformat(ages[task]))

    assert "replaced since" not in report.render(MEASURED, "speed")
    page = report.render(MEASURED | {"measured_at": ages[newest]}, "speed")
    assert "replaced since" not in page
    page = report.render(MEASURED | {"measured_at": "2000-01-01T00:00+00:00"}, "speed")
    assert all(f"`{task}`" in page for task in ages)
    assert "replaced since" in page


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        (None, "–"),
        ("5, 200", "5, 200"),
        (0.01234, "0.0123"),
        (1.0, "1.00"),
        (99.96, "100."),
        (1234.5, "1,234"),
    ],
)
def test_numbers_have_three_digits(cell: float | str | None, text: str) -> None:
    assert report.number(cell) == text


def test_committed_page_is_made_from_the_committed_measurements() -> None:
    measured = report.read()
    assert report.PAGE.read_text(encoding="utf-8") == report.render(measured, "speed")
    for section in measured["sections"]:
        for chart in section["charts"]:
            assert (report.MEASURED.parent / f"{chart['name']}.svg").exists()

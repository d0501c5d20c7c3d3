"""Writes docs/speed.md from what was measured last, docs/speed/measurements.json.

`python -m benchmarks.report` writes it; with `--check` it fails if the committed page is not current. It
measures nothing.
"""

import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from textwrap import TextWrapper
from typing import Any

from chalicelib.models.package import bundled_package
from chalicelib.tasks import load_tasks
from deploy.generated import PROJECT, write_or_check

MEASURED = PROJECT / "docs" / "speed" / "measurements.json"
PAGE = PROJECT / "docs" / "speed.md"
WRAPPER = TextWrapper(130, break_on_hyphens=False)
ITEM = TextWrapper(130, break_on_hyphens=False, initial_indent="- ", subsequent_indent="  ")
INTRODUCTION = """\
`make bench` writes this page: it measures everything below side by side on one machine. `make bench
QUICK=1` is a quick check, and `make bench ARGS="--only handlers"` measures one part; both write to
`.local/speed/`. Absolute times differ between machines: compare the factors. All numbers are medians unless
a column says otherwise."""


def render(measured: dict[str, Any], pictures: str) -> str:
    """The page in Markdown; `pictures` is the path of the folder of its plots."""
    minutes = measured["seconds"] / 60
    quick = "A quick run, with few rounds and small images. " if measured["quick"] else ""
    head = (
        f"{quick}{measured['machine']}; {measured['measured_at'][:10]}; {minutes:.0f} minutes. Before it "
        f"began, {measured['load']:.1f} other programs wanted to run (load average)."
    )
    parts = ["# Speed", WRAPPER.fill(INTRODUCTION), WRAPPER.fill(head)]
    if replaced := _models_since(datetime.fromisoformat(measured["measured_at"])):
        named = ", ".join(f"`{task}`" for task in replaced)
        parts.append(
            WRAPPER.fill(
                f"These bundled models have been replaced since, and were not measured again: {named}."
            )
        )
    for section in measured["sections"]:
        parts += section_parts(section, pictures)
    return "\n\n".join(parts) + "\n"


def _models_since(measured_at: datetime) -> list[str]:
    """The tasks whose bundled models are newer."""
    packages = [package for task in load_tasks() if (package := bundled_package(task))]
    return [
        package.facts["task"]
        for package in packages
        if datetime.fromisoformat(package.facts["created_at"]) > measured_at
    ]


def section_parts(section: dict[str, Any], pictures: str, heading: str = "##") -> Iterator[str]:
    """The paragraphs, tables and plots of a section; `pictures` is the path of the folder of its plots."""
    yield f"{heading} {section['title']}"
    if section["text"]:
        yield WRAPPER.fill(section["text"])
    if section["rows"]:
        yield "\n".join(_table(section["columns"], section["rows"]))
    if section["failure"]:
        yield WRAPPER.fill(f"**Not measured:** {section['failure']}")
    if section["remarks"]:
        yield "\n".join(map(ITEM.fill, section["remarks"]))
    for chart in section["charts"]:
        yield f"![{chart['title']}]({pictures}/{chart['name']}.svg)"


def _table(columns: list[str], rows: list[list[float | str | None]]) -> Iterator[str]:
    yield f"| {' | '.join(columns)} |"
    yield f"|---|{'---:|' * (len(columns) - 1)}"
    for row in rows:
        yield f"| {' | '.join(map(number, row))} |"


def number(cell: float | str | None) -> str:
    """A cell with three significant digits, or as it is."""
    if isinstance(cell, str):
        return cell
    if cell is None:
        return "–"
    return f"{cell:,.0f}" if abs(cell) >= 100 else f"{cell:#.3g}"


def read(path: Path = MEASURED) -> dict[str, Any]:
    """What was measured."""
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


if __name__ == "__main__":
    write_or_check(PAGE, render(read(), MEASURED.parent.name), "benchmarks.report")

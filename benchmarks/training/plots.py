"""Draws the charts of docs/speed.md.

`python -m benchmarks.training.plots FILE`: into the folder of the file of measurements.
"""

import json
import sys
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullFormatter

from benchmarks.report import number
from training.reports.plots import COLOURS, DASHES, STYLE

OURS = "Negatoscope"
WIDTH = 7.0
"""Inches."""
LARGE = 100
"""Ratio of the largest to the smallest value, from which on a linear axis would hide the small ones."""


def draw(measured: dict[str, Any], folder: Path) -> None:
    """Draw all charts into `folder`, as NAME.svg; the same measurements give the same bytes."""
    with mpl.rc_context(STYLE):
        for section in measured["sections"]:
            for chart in section["charts"]:
                figure = _bars(chart, section) if chart["kind"] == "bars" else _lines(chart)
                path = folder / f"{chart['name']}.svg"
                figure.savefig(path, metadata={"Date": None, "Creator": None})


def _bars(chart: dict[str, Any], section: dict[str, Any]) -> Figure:
    column = section["columns"].index(chart["column"])
    rows = [(row[0], row[column]) for row in section["rows"] if row[column] is not None]
    figure, axes = _figure(chart["title"], 0.9 + 0.3 * len(rows))
    names, values = [name for name, _ in rows], [value for _, value in rows]
    colours = [COLOURS[1] if name.startswith(OURS) else COLOURS[0] for name in names]
    drawn = axes.barh(names, values, color=colours, height=0.7)
    axes.bar_label(drawn, map(number, values), padding=3)  # type: ignore[arg-type]  # any strings will do
    axes.invert_yaxis()
    axes.grid(visible=False, axis="y")
    axes.set_axisbelow(True)
    axes.margins(x=0.14)
    if values and max(values) > LARGE * min(values):
        axes.set(xscale="log", xlabel="logarithmic")
        _label_powers(axes.xaxis)
    return figure


def _lines(chart: dict[str, Any]) -> Figure:
    figure, axes = _figure(chart["title"], 4.6)
    for index, (name, points) in enumerate(chart["lines"].items()):
        axes.plot(
            [x for x, _ in points],
            [y for _, y in points],
            color=COLOURS[index % len(COLOURS)],
            linestyle=DASHES[index // len(COLOURS) % len(DASHES)],
            marker="o",
            markersize=3,
            label=name,
        )
    axes.set(xscale="log", yscale="log", xlabel=chart["x"], ylabel=chart["y"])
    for axis in (axes.xaxis, axes.yaxis):
        _label_powers(axis)
    figure.legend(loc="outside right center")
    return figure


def _label_powers(axis: Axis) -> None:
    """Plain numbers at the powers of ten of a logarithmic axis, instead of formulas."""
    axis.set_major_formatter(FuncFormatter(lambda value, _position: f"{value:,g}"))
    axis.set_minor_formatter(NullFormatter())


def _figure(title: str, height: float) -> tuple[Figure, Axes]:
    figure = Figure((WIDTH, height), layout="constrained")
    figure.suptitle(title, x=0.01, horizontalalignment="left")
    return figure, figure.add_subplot()


if __name__ == "__main__":
    measurements = Path(sys.argv[1])
    draw(json.loads(measurements.read_text(encoding="utf-8")), measurements.parent)

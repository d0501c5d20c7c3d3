"""Plots of a test: confusion matrix, reliability, ROC, and precision over recall.

They are drawn from the content of model.json, so that the plots of a package can be drawn again; the same
content gives the same bytes.
"""

import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MultipleLocator

from training.core.facts import Facts

# Okabe and Ito's palette, which is safe for all kinds of colour vision, without its pale yellow.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#999999")
BLACK = "#000000"
DASHES = ("-", "--", "-.", ":")
STYLE: dict[Any, Any] = {
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans", "Verdana", "Arial"],  # every text repeats the list
    "font.size": 9,
    "figure.titlesize": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#dddddd",
    "grid.linewidth": 0.6,
    "legend.frameon": False,
    "text.parse_math": False,  # a title may contain dollar signs
    "svg.fonttype": "none",  # text stays text: small, searchable, read aloud
    "svg.hashsalt": "negatoscope",
}
MAX_MARKER, MIN_MARKER = 260.0, 9.0
"""Areas in square points: of the marker for a bin with all images, and of the smallest."""
WIDTH = 5.4
"""Inches."""

FINDING = "any finding"


@dataclass(frozen=True)
class _Line:
    """A curve for one class."""

    name: str
    x: Sequence[float]
    y: Sequence[float]
    area: float


def save_plots(
    folder: Path,
    kind: Literal["svg", "png"],
    heading: str,
    classes: Sequence[str],
    metrics: Facts,
    curves: Facts,
) -> None:
    """Draw all plots into `folder`, as NAME.svg or NAME.png.

    Args:
        folder: created if it does not exist.
        kind: format of the files.
        heading: the test in words, with its number of images.
        classes: names, in the order of the model's outputs.
        metrics: of the test, as `assessment.assess` makes them.
        curves: of the test, as `assessment.assess` makes them.
    """
    plots: dict[str, Callable[[], Figure]] = {
        "confusion": lambda: _confusion(heading, classes, metrics),
        "reliability": lambda: _reliability(heading, metrics, curves["reliability"]),
        "roc": lambda: _roc(heading, metrics, curves),
        "precision-recall": lambda: _precision_recall(heading, metrics, curves),
    }
    if "selective" in curves:  # packages of earlier trainings lack it
        plots["selective"] = lambda: _selective(heading, metrics, curves["selective"])
    folder.mkdir(parents=True, exist_ok=True)
    with mpl.rc_context(STYLE):
        for name, draw in plots.items():
            metadata = {"Date": None, "Creator": None} if kind == "svg" else {"Software": None}
            draw().savefig(folder / f"{name}.{kind}", dpi=150, metadata=metadata)


def _figure(title: str, heading: str, width: float, height: float) -> tuple[Figure, Axes]:
    figure = Figure((width, height), layout="constrained")
    lines = [title, *textwrap.wrap(heading, round(width * 12))]
    figure.suptitle("\n".join(lines), x=0.01, horizontalalignment="left")
    return figure, figure.add_subplot()


def _confusion(heading: str, classes: Sequence[str], metrics: Facts) -> Figure:
    counts = np.array(metrics["confusion_matrix"])
    side = 0.75 * len(classes)
    title = "Confusion matrix: images, and their share of the true class"
    figure, axes = _figure(title, heading, max(WIDTH, side + 1.5), side + 2)
    totals = counts.sum(1, keepdims=True)
    shares = np.divide(counts, totals, out=np.zeros(counts.shape), where=totals > 0)
    axes.pcolormesh(shares, cmap="Blues", vmin=0, vmax=1.2, edgecolors="white", linewidth=1)
    for row, column in np.ndindex(*counts.shape):
        count, share = counts[row, column], shares[row, column]
        words = f"{count}\n{100 * share:.0f} %" if count else "0"
        colour = "white" if share > 0.6 else "black" if count else "#888888"
        axes.text(column + 0.5, row + 0.5, words, ha="center", va="center", color=colour)
    names = [textwrap.fill(name, 16) for name in classes]
    middles = np.arange(len(classes)) + 0.5
    axes.set_xticks(middles, names, rotation=45, ha="right", rotation_mode="anchor")
    axes.set_yticks(middles, names)
    axes.set(xlabel="answer", ylabel="true class", aspect="equal")
    axes.invert_yaxis()
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    axes.grid(visible=False)
    return figure


def _reliability(heading: str, metrics: Facts, tables: Facts) -> Figure:
    title = "Reliability: are answers right as often as they claim?"
    figure, axes = _figure(title, heading, WIDTH, 5.6)
    axes.plot((0, 1), (0, 1), color="#888888", linewidth=1)
    looks = {
        "before": ("before scaling", COLOURS[1], "white"),
        "after": ("as served", COLOURS[0], COLOURS[0]),
    }
    for key, (words, colour, filling) in looks.items():
        if tables[key] is None:
            continue
        confidence, accuracy = tables[key]["confidence"], tables[key]["accuracy"]
        images = np.array(tables[key]["images"])
        axes.plot(confidence, accuracy, color=colour, linewidth=1, alpha=0.35)
        axes.scatter(
            confidence,
            accuracy,
            s=np.maximum(MIN_MARKER, MAX_MARKER * images / images.sum()),
            facecolors=filling,
            edgecolors=colour,
            label=f"{words} (ECE {metrics[f'ece_{key}']:.3f})",
            clip_on=False,
            zorder=3,
        )
    axes.set(xlabel="confidence (area of a point: number of images)", ylabel="share that is right")
    _unit_square(axes)
    for handle in figure.legend(loc="outside lower left").legend_handles:
        handle.set_sizes([30])  # type: ignore[union-attr]  # scatter's handles have sizes
    return figure


def _roc(heading: str, metrics: Facts, curves: Facts) -> Figure:
    lines = _lines("roc", ("false_alarm_rate", "sensitivity"), "auc", metrics, curves)
    figure, axes = _line_figure("ROC: each class against the rest", heading, "AUC", lines)
    axes.plot((0, 1), (0, 1), color="#888888", linewidth=1)
    axes.set(xlabel="1 - specificity", ylabel="sensitivity")
    return figure


def _precision_recall(heading: str, metrics: Facts, curves: Facts) -> Figure:
    lines = _lines("precision_recall", ("recall", "precision"), "average_precision", metrics, curves)
    figure, axes = _line_figure("Precision and recall: each class against the rest", heading, "AP", lines)
    axes.set(xlabel="recall (sensitivity)", ylabel="precision")
    return figure


def _selective(heading: str, metrics: Facts, curve: Facts) -> Figure:
    figure, axes = _figure("Selective prediction: the most certain answers", heading, WIDTH, 4.4)
    axes.plot(curve["coverage"], curve["accuracy"], color=COLOURS[0], linewidth=1.4, label="by probability")
    rest, share = metrics["review"]["accuracy_of_rest"]["value"], 1 - metrics["review"]["share"]
    if rest is not None:
        axes.plot(
            share, rest, "o", color=COLOURS[1], label=f"not marked for review ({share:.0%}, {rest:.1%} right)"
        )
    low = min([*curve["accuracy"], rest if rest is not None else 1])
    axes.set(xlabel="share of the images", ylabel="share that is right", xlim=(-0.02, 1.02))
    axes.set_ylim(max(0, low - 0.02) if low < 0.98 else 0.95, 1.003)
    figure.legend(loc="outside lower left")
    return figure


def _lines(curve: str, coordinates: tuple[str, str], area: str, metrics: Facts, curves: Facts) -> list[_Line]:
    """A line for each class, and one for any finding; none if all images are on one side."""
    subjects = [(name, curves["classes"][name], rates) for name, rates in metrics["per_class"].items()]
    if "finding" in metrics:
        subjects.append((FINDING, curves["finding"], metrics["finding"]))
    return [
        _Line(name, points[curve][coordinates[0]], points[curve][coordinates[1]], rates[area]["value"])
        for name, points, rates in subjects
        if points is not None
    ]


def _line_figure(title: str, heading: str, area: str, lines: Sequence[_Line]) -> tuple[Figure, Axes]:
    figure, axes = _figure(title, heading, WIDTH, 5.4 + 0.19 * len(lines))
    for index, line in enumerate(lines):
        any_finding = line.name == FINDING
        axes.plot(
            line.x,
            line.y,
            color=BLACK if any_finding else COLOURS[index % len(COLOURS)],
            linestyle="-" if any_finding else DASHES[index // len(COLOURS) % len(DASHES)],
            linewidth=2.2 if any_finding else 1.4,
            label=f"{line.name} ({area} {line.area:.3f})",
        )
    _unit_square(axes)
    if lines:
        figure.legend(loc="outside lower left")
    return figure, axes


def _unit_square(axes: Axes) -> None:
    axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), aspect="equal")
    axes.xaxis.set_major_locator(MultipleLocator(0.2))
    axes.yaxis.set_major_locator(MultipleLocator(0.2))

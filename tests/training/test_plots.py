"""Plots: complete, valid, small and reproducible."""

import re
from pathlib import Path
from xml.etree import ElementTree

import matplotlib as mpl
import numpy as np
import pytest
from PIL import Image

from chalicelib.tasks import load_task, load_tasks
from tests.training.assessments import make_assessment
from training.reports.plots import save_plots

NAMES = ["confusion", "precision-recall", "reliability", "roc", "selective"]
HEADING = "A task & its <test>: 150 images of 50 groups (patients)"


def draw_plots(
    folder: Path, task_name: str, kind: str, only: int | None = None, temperature: float | None = 1.7
) -> dict[str, bytes]:
    task = load_task(task_name)
    test = make_assessment(task, only=only, temperature=temperature)
    save_plots(folder, kind, HEADING, task.class_names, test.metrics, test.curves)  # type: ignore[arg-type]
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def svg_text(svg: bytes) -> str:
    return " ".join(
        "".join(text.itertext()) for text in ElementTree.fromstring(svg).iter() if "text" in text.tag
    )


@pytest.mark.parametrize("name", load_tasks())
def test_svgs_are_small_and_labelled(name: str, tmp_path: Path) -> None:
    task = load_task(name)
    pictures = draw_plots(tmp_path / "plots", name, "svg")

    assert list(pictures) == [f"{name}.svg" for name in NAMES]
    for picture in pictures.values():
        assert len(picture) < 40_000
        assert HEADING in svg_text(picture)
        assert not re.search(rb"\d{4}-\d\d-\d\dT", picture)
    # Long names have line breaks after hyphens.
    shown = svg_text(pictures["confusion.svg"]).replace("- ", "-")
    assert all(class_name in shown for class_name in task.class_names)
    for curve, area in (("roc.svg", "AUC"), ("precision-recall.svg", "AP")):
        lines = svg_text(pictures[curve])
        assert all(f"{class_name} ({area} 0." in lines for class_name in task.class_names)
        assert (f"any finding ({area} 0." in lines) == (task.negative is not None)
    assert "before scaling (ECE 0." in svg_text(pictures["reliability.svg"])


def test_plots_are_reproducible_byte_for_byte(tmp_path: Path) -> None:
    for kind in ("svg", "png"):
        assert draw_plots(tmp_path / f"first-{kind}", "chest-xray", kind) == draw_plots(
            tmp_path / f"again-{kind}", "chest-xray", kind
        )


def test_pngs_are_not_blank(tmp_path: Path) -> None:
    draw_plots(tmp_path, "retinal-oct", "png")

    for name in NAMES:
        with Image.open(tmp_path / f"{name}.png") as image:
            assert min(image.size) > 600
            assert len(np.unique(np.asarray(image.convert("L")))) > 20


@pytest.mark.parametrize("kind", ["svg", "png"])
def test_plots_of_a_single_class_are_drawn_without_curves(kind: str, tmp_path: Path) -> None:
    pictures = draw_plots(tmp_path, "chest-xray", kind, only=1)

    assert list(pictures) == [f"{name}.{kind}" for name in NAMES]


def test_reliability_plot_without_a_temperature_shows_only_served_values(tmp_path: Path) -> None:
    shown = svg_text(draw_plots(tmp_path, "chest-xray", "svg", temperature=None)["reliability.svg"])

    assert "as served (ECE 0." in shown
    assert "before scaling" not in shown


def test_plots_leave_matplotlib_settings_unchanged(tmp_path: Path) -> None:
    before = dict(mpl.rcParams)

    draw_plots(tmp_path, "chest-xray", "svg")

    assert dict(mpl.rcParams) == before

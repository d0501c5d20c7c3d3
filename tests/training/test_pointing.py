"""Heat maps compared with outlines of findings."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from chalicelib.tasks import InputSpec, Task
from training.evaluation import pointing
from training.evaluation.pointing import measure_pointing

SIDE = 64


def save_mask(path: Path, box: tuple[int, int, int, int] | None) -> None:
    """A mask of 64 x 64 pixels that is white in (left, top, right, bottom)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    mask = Image.new("1", (SIDE, SIDE))
    if box:
        mask.paste(1, box)
    mask.save(path)


def measure(
    task: Task, folder: Path, count: int, activation: NDArray[np.float32], monkeypatch: pytest.MonkeyPatch
) -> dict[str, Any] | None:
    """Measure images a/0.png ... of class 1, for which the model has this activation map (h, w)."""
    maps = np.zeros((count, 2, *activation.shape), np.float32)
    maps[:, 1] = activation
    monkeypatch.setattr(pointing, "run", lambda _, images: {"activation": maps[: len(images)]})
    small = replace(task, input=InputSpec(SIDE, SIDE, 1, "pad"))
    images = np.zeros((count, 1, SIDE, SIDE), np.uint8)
    labels = np.ones(count, np.int64)
    paths = [f"a/{number}.png" for number in range(count)]
    return measure_pointing(None, small, images, labels, str(folder), paths)


def test_maximum_and_mass_inside_the_outline_count(
    task: Task, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    quarter = np.zeros((8, 8), np.float32)
    quarter[:4, :4] = 1
    save_mask(tmp_path / "masks/a/0_mask.png", (0, 0, 32, 32))  # where the map is
    save_mask(tmp_path / "masks/a/1_mask.png", (32, 32, 64, 64))  # opposite, with the centre
    save_mask(tmp_path / "masks/a/2_mask.png", None)  # nothing outlined

    measured = measure(task, tmp_path, 4, quarter, monkeypatch)

    assert measured == {
        "images": 2,
        "hit": 0.5,
        "mass": pytest.approx(0.5, abs=0.04),
        "centre_hit": 0.5,
        "area": 0.25,
    }


def test_several_outlines_of_an_image_are_one(
    task: Task, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_mask(tmp_path / "masks/a/0_mask.png", (0, 0, 32, 64))
    save_mask(tmp_path / "masks/a/0_mask_1.png", (32, 0, 64, 32))

    measured = measure(task, tmp_path, 1, np.ones((8, 8), np.float32), monkeypatch)

    assert measured is not None
    assert (measured["area"], measured["mass"]) == pytest.approx((0.75, 0.75), abs=1e-6)


def test_map_without_evidence_counts_as_uniform(
    task: Task, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_mask(tmp_path / "masks/a/0_mask.png", (0, 0, 32, 32))

    measured = measure(task, tmp_path, 1, np.zeros((8, 8), np.float32), monkeypatch)

    assert measured is not None
    assert measured["mass"] == 0.25


def test_data_without_outlines_have_no_measurement(
    task: Task, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a").mkdir()
    assert measure(task, tmp_path, 1, np.ones((8, 8), np.float32), monkeypatch) is None

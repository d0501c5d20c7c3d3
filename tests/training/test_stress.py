"""Stress test: changes of images, and what is measured."""

import numpy as np
import pytest
from numpy.typing import NDArray

from training.evaluation.answers import Answers
from training.evaluation.stress import BATCH, CHANGES, apply, measure_stress


def image(channels: int) -> NDArray[np.uint8]:
    """A bright square on a dark ramp, shape (C, 40, 60)."""
    pixels = np.tile(np.linspace(10, 90, 60), (channels, 40, 1))
    pixels[:, 12:28, 20:40] = 200
    return pixels.astype(np.uint8)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("name", CHANGES)
def test_change_keeps_shape_and_changes_pixels(name: str, channels: int) -> None:
    pixels = image(channels)

    changed = apply(CHANGES[name], pixels, np.random.default_rng(0))

    assert changed.dtype == np.uint8
    assert changed.shape == pixels.shape
    assert (changed != pixels).any()
    assert (pixels == image(channels)).all()


@pytest.mark.parametrize("channels", [1, 3])
def test_changes_do_what_they_are_called(channels: int) -> None:
    pixels = image(channels).astype(int)
    changed = {
        name: apply(change, image(channels), np.random.default_rng(0)).astype(int)
        for name, change in CHANGES.items()
    }

    assert (changed["inversion"] == 255 - pixels).all()
    assert changed["gamma 0.6"].mean() > pixels.mean() > changed["gamma 1.6"].mean()
    assert (changed["shift by 8%"][:, 20, 26:44] == 200).all()  # 60 * 8 % = 4.8 to the right
    assert (changed["black border of 10%"][:, :4] == 0).all()
    assert changed["black border of 10%"][:, 20, 30].min() == 200
    assert (changed["crop to 80%"] > 150).mean() > (pixels > 150).mean()
    assert changed["marker in a corner"][:, :8, :8].max() == 255
    assert (changed["marker in a corner"][:, 10:, 10:] == pixels[:, 10:, 10:]).all()
    assert 8 < (changed["noise"] - pixels).std() < 12
    for name in ("blur", "half the resolution", "JPEG quality 30"):
        assert abs(changed[name].mean() - pixels.mean()) < 2


def test_stress_counts_right_answers_and_reviews() -> None:
    count = BATCH + 6
    bright = np.arange(count) % 2
    images = np.repeat(np.where(bright, 200, 20).astype(np.uint8), 64).reshape(count, 1, 8, 8)

    def answer(pixels: NDArray[np.uint8]) -> Answers:
        """Bright images are of class 1; nearly white ones need review."""
        mean = pixels.mean((1, 2, 3))
        return Answers(
            np.stack([mean < 128, mean >= 128], 1).astype(float),
            None,
            [["low-confidence"] if value > 214 else [] for value in mean],
        )

    measured = measure_stress(answer, images, bright)

    assert measured.keys() == CHANGES.keys()
    assert measured["blur"] == {"accuracy": 1.0, "review": 0.0, "accuracy_of_rest": 1.0}
    assert measured["inversion"] == {"accuracy": 0.0, "review": 0.5, "accuracy_of_rest": 0.0}
    assert measured["gamma 0.6"]["review"] == 0.5
    assert measure_stress(answer, images[1:2], bright[1:2])["gamma 0.6"]["accuracy_of_rest"] is None


def test_stress_is_reproducible() -> None:
    images = np.stack([image(1)] * 3)

    def answer(pixels: NDArray[np.uint8]) -> Answers:
        share = pixels.reshape(len(pixels), -1).astype(float).mean(1) / 255
        return Answers(np.stack([share, 1 - share], 1), None, [[] for _ in pixels])

    labels = np.array([0, 1, 0])
    assert measure_stress(answer, images, labels) == measure_stress(answer, images, labels)

"""Drawn ultrasound frames are reproducible and show the signs of their classes."""

import numpy as np
import pytest

from training.data.phantoms.field import SIDE
from training.data.phantoms.frames import CLASSES, draw_frame, draw_frames
from training.data.phantoms.lesion import place_lesion
from training.data.phantoms.scanner import burn_in


def test_frames_are_reproducible_by_seed() -> None:
    first, again, other = ([frame for frame, _ in draw_frames(6, seed)] for seed in (1, 1, 2))

    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
    assert len({frame.tobytes() for frame in first}) == 6


def test_classes_alternate() -> None:
    assert [label for _, label in draw_frames(7, 0)] == [0, 1, 2, 0, 1, 2, 0]


@pytest.mark.parametrize("kind", CLASSES)
def test_frames_are_images_with_contrast(kind: str) -> None:
    for seed in range(20):
        frame = draw_frame(np.random.default_rng(seed), kind)
        assert frame.shape == (SIDE, SIDE)
        assert frame.dtype == np.uint8
        assert frame.std() > 5


def test_lesions_differ_in_shape_between_benign_and_malignant() -> None:
    def measure_shape(*, malignant: bool) -> tuple[float, float]:
        """Mean height-to-width ratio, and mean share of the row-wise hull that a lesion fills."""
        tallness, filled = [], []
        for seed in range(60):
            lesion = place_lesion(np.random.default_rng(seed), malignant=malignant)
            tallness.append(lesion.tall / lesion.wide)
            inside = lesion.depth > 0
            hull = np.maximum.accumulate(inside, 1) & np.maximum.accumulate(inside[:, ::-1], 1)[:, ::-1]
            filled.append(inside.sum() / hull.sum())
        return float(np.mean(tallness)), float(np.mean(filled))

    benign, malignant = measure_shape(malignant=False), measure_shape(malignant=True)
    assert malignant[0] > benign[0] + 0.2
    assert malignant[1] < benign[1] - 0.005


def test_callipers_are_drawn_only_with_a_lesion(monkeypatch: pytest.MonkeyPatch) -> None:
    image = np.zeros((SIDE, SIDE))
    lesion = place_lesion(np.random.default_rng(0), malignant=False)
    for seed in range(20):
        burn_in(np.random.default_rng(seed), image, None)
    assert image.max() == 0

    for seed in range(20):
        burn_in(np.random.default_rng(seed), image, lesion)
    assert image.max() >= 0.8

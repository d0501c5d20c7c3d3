"""Limits and scales of every image."""

import numpy as np
import pytest

from chalicelib import errors
from chalicelib.imaging import decoded


def test_largest_allowed_image_is_not_a_bomb() -> None:
    decoded.check_size(10_000, 10_000)
    with pytest.raises(errors.ImageTooLarge):
        decoded.check_size(10_000, 10_001)


@pytest.mark.parametrize(("columns", "rows"), [(7, 500), (500, 7), (0, 0)])
def test_image_with_a_side_below_the_least_is_refused(columns: int, rows: int) -> None:
    decoded.check_size(decoded.MIN_SIDE, decoded.MIN_SIDE)
    with pytest.raises(errors.ImageTooSmall):
        decoded.check_size(columns, rows)


@pytest.mark.parametrize(
    ("height", "width", "aspect"),
    [
        (2, 1, 2.0),
        (1, 2, 0.5),
        (1, 1.009, 1.0),
        (10, 1, 10.0),
        (10.1, 1, None),
        (0, 1, None),
        (1, -1, None),
        (np.nan, 1, None),
        (1, np.inf, None),
    ],
)
def test_aspect_is_plausible_or_missing(height: float, width: float, aspect: float | None) -> None:
    assert decoded.plausible_aspect(height, width) == aspect


def test_more_pixels_across_are_narrower() -> None:
    assert decoded.pixel_aspect(across=200, down=100) == 2.0
    assert decoded.pixel_aspect(across=0, down=100) == 1.0


def test_stretch_rounds_and_clips() -> None:
    values = np.array([-5, 0, 1, 2, 4, 9])
    assert decoded.stretch(values, 0, 4).tolist() == [0, 0, 64, 128, 255, 255]
    assert decoded.stretch(values, 3, 3).tolist() == [0] * 6


@pytest.mark.parametrize("black", [-1e9, 2.0**31, 1e15])
def test_stretch_distinguishes_levels_far_from_zero(black: float) -> None:
    values = black + np.arange(256)
    assert decoded.stretch(values, black, black + 255).tolist() == list(range(256))


def test_whole_range_is_shown_and_kept() -> None:
    values = np.array([[0, 1000, 4095, 5000]], np.uint16)
    display = decoded.WholeRange(4095)
    assert display(values).tolist() == [[0, 62, 255, 255]]
    image = display.grey_image(values)
    assert (image.values.tolist(), image.step) == (values.tolist(), 1)
    assert image.windows == (decoded.DisplayWindow(0, 4095),)

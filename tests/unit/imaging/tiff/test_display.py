"""From samples to grey levels and colours."""

from typing import Any

import numpy as np
import pytest

from chalicelib import errors
from tests.tiff_files import LEVELS, Page, levels_file, squares, tiff
from tests.unit.imaging.tiff.helpers import LUMA, PRIMARIES, SHOWN, close, colours, levels


def test_alpha_that_is_not_a_number_is_transparent() -> None:
    data = levels_file([(1, 1), (1, np.nan), (1, 0), (1, np.inf)], np.float32, tags={262: 1, 338: 2})
    assert levels(data) == [0, 0, 0, 0]  # all have the same brightness, so the range is empty
    data = levels_file([(0, 1), (1, np.nan), (1, 0.5), (1, 1)], np.float32, tags={262: 1, 338: 2})
    close(levels(data), (0, 0, 128, 255))


def test_float_that_is_not_a_number_is_black() -> None:
    for photometric in (0, 1):
        data = levels_file([np.nan, 64, np.inf, 0], np.float32, tags={262: photometric})
        close(levels(data), (0, 255 * photometric, 0, 255 * (1 - photometric)))


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_rgb_of_every_depth_is_read(dtype: Any) -> None:
    scale = 257 if dtype is np.uint16 else 1
    data = levels_file([tuple(scale * value for value in pixel) for pixel in PRIMARIES], dtype)
    assert colours(data) == PRIMARIES


def test_white_of_deep_colours_is_the_top_of_their_bit_depth() -> None:
    data = levels_file([(4095, 0, 0), (0, 4095, 0), (0, 0, 4095), (4095, 2056, 1028)], np.uint16)
    assert colours(data) == PRIMARIES


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("planar", [False, True])
def test_alpha_is_applied(dtype: Any, planar: bool) -> None:
    one = np.iinfo(dtype).max // 255
    grey = squares([(255, 255), (255, 128), (128, 255), (255, 0)], dtype) * one
    colour = squares([(255, 0, 0, 255), (255, 0, 0, 128), (0, 128, 0, 255), (0, 0, 255, 0)], dtype) * one
    for extra, shown in ((0, (255, 255, 128, 255)), (1, (255, 255, 128, 255)), (2, (255, 128, 128, 0))):
        close(levels(tiff(Page(grey, {338: extra, 262: 1}, planar=planar))), shown)
    opaque = [(255, 0, 0), (255, 0, 0), (0, 128, 0), (0, 0, 255)]
    for extra, pixels in ((0, opaque), (1, opaque), (2, [(255, 0, 0), (128, 0, 0), (0, 128, 0), (0, 0, 0)])):
        close(colours(tiff(Page(colour, {338: extra, 262: 2}, planar=planar))), pixels)
    white_is_zero = {338: 2, 262: 0}
    close(levels(tiff(Page(grey, white_is_zero, planar=planar))), (0, 0, 127, 0))


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
@pytest.mark.parametrize("scale", [1, 256, 257], ids=["8 bits", "upper 8 of 16 bits", "16 bits"])
def test_palette_is_applied(bits: int, scale: int) -> None:
    size = 2**bits
    table = [(0, 0, 0)] * size
    numbers = [0, 1, size - 2, size - 1] if bits > 1 else [0, 1, 0, 1]
    for number, colour in zip(numbers, PRIMARIES, strict=True):
        table[number] = colour
    entries = [scale * colour[part] for part in range(3) for colour in table]
    data = levels_file(numbers, np.uint8, bits=bits, tags={262: 3, 320: entries})
    assert colours(data) == [table[number] for number in numbers]
    with pytest.raises(errors.InvalidImage, match=r"ColorMap \(320\)"):
        colours(levels_file(numbers, np.uint8, bits=bits, tags={262: 3, 320: entries[:-1]}))


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_inks_are_converted(dtype: Any) -> None:
    one = np.iinfo(dtype).max // 255
    inks = squares([(0, 0, 0, 0), (255, 0, 0, 0), (0, 255, 255, 0), (0, 0, 0, 255)], dtype) * one
    data = tiff(Page(inks, {262: 5, 332: 1}))
    assert colours(data) == [(255, 255, 255), (0, 255, 255), (255, 0, 0), (0, 0, 0)]


@pytest.mark.parametrize("planar", [False, True])
def test_luma_and_chroma_at_full_resolution_are_converted(planar: bool) -> None:
    close(colours(tiff(Page(squares(LUMA), {262: 6, 530: [1, 1]}, planar=planar))), SHOWN, 3)


def test_studio_range_of_luma_is_expanded() -> None:
    studio = [16 + value * 219 // 255 for value in LEVELS]
    samples = squares([(value, 128, 128) for value in studio])
    reference = [16, 1, 235, 1, 128, 1, 240, 1, 128, 1, 240, 1]
    close(levels(tiff(Page(samples, {262: 6, 530: [1, 1], 532: reference}))), LEVELS, 2)


def test_palette_and_inks_with_alpha_are_blended() -> None:
    table = [255 * (number == part) for part in range(3) for number in range(256)]
    data = levels_file([(0, 255), (1, 128), (2, 255), (0, 0)], tags={262: 3, 320: table, 338: 2})
    close(colours(data), [(255, 0, 0), (0, 128, 0), (0, 0, 255), (0, 0, 0)])
    inks = [(0, 255, 255, 0, 255), (255, 0, 255, 0, 128), (255, 255, 0, 0, 255), (0, 0, 0, 0, 0)]
    data = levels_file(inks, tags={262: 5, 338: 2})
    close(colours(data), [(255, 0, 0), (0, 128, 0), (0, 0, 255), (0, 0, 0)])


def test_statistics_do_not_change_the_levels() -> None:
    assert levels(levels_file(LEVELS, tags={280: 10, 281: 20, 340: 10, 341: 20})) == list(LEVELS)

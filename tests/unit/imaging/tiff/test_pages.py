"""The choice of a TIFF page."""

from typing import Any

import numpy as np
import pytest

from chalicelib import imaging
from chalicelib.tasks import InputSpec
from tests.tiff_files import LEVELS, Page, Tags, squares, tiff
from tests.unit.imaging.tiff.helpers import IMAGE, OTHER, levels, shown


@pytest.mark.parametrize(
    ("across", "down", "unit", "box"),
    [
        ((200, 1), (100, 1), 2, (0, 0, 32, 32)),
        ((2, 1), (1, 1), 1, (0, 0, 32, 32)),
        ((100, 1), (100, 1), 2, (0, 8, 32, 16)),
        ((1001, 10), (100, 1), 2, (0, 8, 32, 16)),
        ((7200, 1), (72, 1), 2, (0, 8, 32, 16)),
        ((1, 0), (72, 1), 2, (0, 8, 32, 16)),
    ],
)
def test_non_square_pixels_are_stretched(across: Any, down: Any, unit: int, box: Any) -> None:
    page = Page(np.full((16, 32), 255, np.uint8), {282: across, 283: down, 296: unit})
    assert imaging.prepare(tiff(page), InputSpec(32, 32, 1, "pad")).box == box
    turned = Page(np.full((32, 16), 255, np.uint8), {274: 6, 282: across, 283: down, 296: unit})
    if box == (0, 0, 32, 32):  # turning the image exchanges height and width of its pixels
        assert imaging.prepare(tiff(turned), InputSpec(32, 32, 1, "pad")).box == (0, 12, 32, 8)


@pytest.mark.parametrize(
    "mark", [{254: 1}, {254: 4}, {254: 5}, {255: 2}, {262: 4}, {254: 4, 262: 4}], ids=str
)
@pytest.mark.parametrize("image_first", [True, False])
def test_reduced_images_and_masks_are_skipped(mark: Tags, image_first: bool) -> None:
    pages = [Page(IMAGE, {254: 0}), Page(OTHER, mark), Page(OTHER, mark)]
    assert shown(tiff(*(pages if image_first else pages[::-1]))) == ([*LEVELS], None, None)


SMALL = squares([9, 9, 9, 9], side=4)


@pytest.mark.parametrize("places", [(0,), (1,), (2,)])
def test_unmarked_pyramid_levels_are_skipped(places: tuple[int]) -> None:
    pages = [Page(SMALL), Page(SMALL[::2, ::2])]
    pages.insert(places[0], Page(IMAGE))
    assert shown(tiff(*pages)) == ([*LEVELS], None, None)


@pytest.mark.parametrize("places", [(0, 0), (0, 2), (1, 1)])
def test_smaller_pages_of_other_shapes_are_skipped(places: tuple[int, int]) -> None:
    """Square thumbnails, and photos of slides and their labels."""
    pages = [Page(IMAGE)]
    for place, other in zip(places, (OTHER[:, :8], np.tile(OTHER[:, :10], (3, 1))), strict=True):
        pages.insert(place, Page(other))
    assert shown(tiff(*pages)) == ([*LEVELS], None, None)


@pytest.mark.parametrize(
    "other",
    [
        Page(OTHER),
        Page(OTHER.astype(np.uint16)),
        Page(OTHER.astype(np.float32)),
        Page(OTHER.astype(np.int16)),
        Page(np.stack([OTHER, OTHER], axis=-1), {338: 0}),
    ],
    ids=["grey", "16 bits", "floats", "signed", "two samples"],
)
def test_pages_of_another_sample_type_are_skipped(other: Page) -> None:
    """Masks and maps that are not marked; the image comes first."""
    image = Page(np.stack([IMAGE] * 3, axis=-1))
    assert shown(tiff(image, other, other)) == ([*LEVELS], None, None)


@pytest.mark.parametrize("image_first", [True, False])
def test_unmarked_page_of_single_bits_is_a_mask(image_first: bool) -> None:
    pages = [Page(IMAGE), Page(OTHER & 1, bits=1)]
    assert shown(tiff(*(pages if image_first else pages[::-1]))) == ([*LEVELS], None, None)
    assert levels(tiff(Page(IMAGE & 1, bits=1))) == [0, 0, 0, 255]


def test_middle_one_of_several_images_is_used() -> None:
    pages = [Page(OTHER), Page(OTHER, {254: 1}), Page(IMAGE), Page(OTHER, {254: 1}), Page(OTHER)]
    assert shown(tiff(*pages)) == ([*LEVELS], 2, 3)


def test_largest_reduced_image_is_used_without_a_full_one() -> None:
    assert shown(tiff(Page(SMALL, {254: 1}), Page(IMAGE, {254: 1}))) == ([*LEVELS], None, None)


def moved_page(page: Page, start: int) -> bytes:
    """A directory and its samples, placed `start` bytes into a file."""
    plain = tiff(page)
    strip = plain.index(page.samples.tobytes())
    return tiff(Page(page.samples, {**page.tags, 273: strip - 8 + start}))[8:]


def test_images_in_sub_directories_are_used() -> None:
    """A thumbnail in SubIFDs is skipped; DNG files have the image there and the thumbnail in the chain."""
    beside = tiff(Page(OTHER))
    start = len(tiff(Page(IMAGE, {330: 0})))
    in_place = beside[8:]
    assert levels(tiff(Page(IMAGE, {330: start})) + in_place) == [*LEVELS]
    start = len(tiff(Page(SMALL, {254: 1, 330: 0})))
    full = moved_page(Page(IMAGE, {254: 0}), start)
    assert shown(tiff(Page(SMALL, {254: 1, 330: start})) + full) == ([*LEVELS], None, None)

"""The directories of TIFF files, and damaged ones."""

import struct

import numpy as np
import pytest

from chalicelib import errors
from chalicelib.imaging.tiff import directory
from tests.tiff_files import LEVELS, Order, Page, levels_file, squares, tiff
from tests.unit.imaging.tiff.helpers import IMAGE, OTHER, close, levels, refused


@pytest.mark.parametrize("big", [False, True])
@pytest.mark.parametrize("order", ["<", ">"])
def test_offsets_of_both_sizes_are_read(big: bool, order: Order) -> None:
    page = Page(squares(LEVELS, np.uint16) * 257, strip=3)
    close(levels(tiff(page, order=order, big=big)), LEVELS)


def test_too_many_pages_are_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(directory, "_MAX_PAGES", 3)
    levels(tiff(*[Page(IMAGE)] * 3))
    with pytest.raises(errors.UnsupportedImage, match="more than 3 pages"):
        levels(tiff(*[Page(IMAGE)] * 4))


def test_pages_in_a_loop_are_refused() -> None:
    refused(tiff(Page(IMAGE), end=8), "its pages form a loop")
    refused(tiff(Page(IMAGE), Page(OTHER), end=8), "its pages form a loop")


def test_page_outside_the_file_is_refused() -> None:
    refused(tiff(Page(IMAGE), end=1 << 20), "a directory lies outside the file")
    refused(b"II*\0" + struct.pack("<I", 9999), "a directory lies outside the file")
    refused(b"II*\0" + struct.pack("<I", 0), "has no page", errors.InvalidImage)
    refused(b"II*\0" + struct.pack("<IHI", 8, 0, 0), "has 0 entries", errors.InvalidImage)
    refused(b"II*\0", "a directory lies outside")
    refused(b"II+\0" + struct.pack("<HHQ", 4, 0, 16), "offsets", errors.InvalidImage)


@pytest.mark.parametrize("tag", [256, 257, 262])
def test_missing_tag_is_named(tag: int) -> None:
    data = levels_file(LEVELS)
    entry = struct.pack("<H", tag)
    refused(
        data.replace(entry, struct.pack("<H", 65000), 1), rf"\({tag}\) .* is missing", errors.InvalidImage
    )


def test_values_outside_the_file_are_refused() -> None:
    data = levels_file(LEVELS, strip=2)
    at = data.index(struct.pack("<HHI", 273, 4, 4)) + 8
    refused(
        data[:at] + struct.pack("<I", 1 << 30) + data[at + 4 :], r"StripOffsets \(273\) lie outside the file"
    )

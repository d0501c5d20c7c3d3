"""Chooses the page of a TIFF file that is the image."""

from itertools import islice

from chalicelib import errors
from chalicelib.imaging import decoded
from chalicelib.imaging.tiff.directory import Directory, File, Tag

_REDUCED_BIT, _MASK_BIT = 0b001, 0b100
"""Bits of NewSubfileType (TIFF 6.0, section 8)."""
_REDUCED = 2
"""Value of the older SubfileType."""
_MASK = 4
"""Value of PhotometricInterpretation, which may occur without NewSubfileType."""

_MAX_SUB_DIRECTORIES = 4096
"""SubIFDs that are read, in all pages together."""


def choose(file: File, frame: int | None = None) -> tuple[Directory, int | None, int | None]:
    """The page to use and, if there are several candidates, its number (from 1) and their count.

    Masks and reduced images (thumbnails, pyramid levels) are skipped, even if they are not marked (see
    `_without_companions`). If all pages are marked as reduced, the image is taken from their SubIFDs, as in
    DNG files, otherwise the largest page is used. Of several images, as in a volume, that with the number
    `frame` (from 1) is used, by default the middle one.

    Raises:
        DamagedImage: if a page cannot be reached.
        UnsupportedImage: if there are too many pages.
    """
    pages = list(file.directories())
    if not pages:
        raise errors.InvalidImage("This TIFF file has no page. Export it again.")
    images = [page for page in pages if _is_full(page)]
    if not images:
        beside = (sub for page in pages for sub in file.sub_directories(page))
        images = [page for page in islice(beside, _MAX_SUB_DIRECTORIES) if _is_full(page)]
    if not images:
        images = [max((page for page in pages if not _is_mask(page)), key=_pixels, default=pages[0])]
    images = _without_companions(images)
    if len(images) == 1:
        return images[0], None, None
    number = frame or len(images) // 2 + 1
    return images[number - 1], number, len(images)


def pixel_aspect(page: Directory) -> float:
    """Height of a pixel divided by its width, from the page's resolutions; 1 if they are not plausible."""
    across, down = page.ratios(Tag.XResolution), page.ratios(Tag.YResolution)
    return decoded.pixel_aspect(across[0], down[0]) if across and down else 1.0


def _is_full(page: Directory) -> bool:
    reduced = page.integer(Tag.NewSubfileType, 0) & _REDUCED_BIT
    return not (reduced or page.integer(Tag.SubfileType, 0) == _REDUCED or _is_mask(page))


def _is_mask(page: Directory) -> bool:
    return bool(
        page.integer(Tag.NewSubfileType, 0) & _MASK_BIT
        or page.integer(Tag.PhotometricInterpretation, 0) == _MASK
    )


def _size(page: Directory) -> tuple[int, int]:
    return page.integer(Tag.ImageWidth, 0), page.integer(Tag.ImageLength, 0)


def _pixels(page: Directory) -> int:
    columns, rows = _size(page)
    return columns * rows


def _without_companions(images: list[Directory]) -> list[Directory]:
    """The pages of the largest size that have the same sample type as the first of them.

    Slices of a volume are alike. Smaller pages are thumbnails, pyramid levels, or photos of a slide and its
    label. Pages of another sample type are masks or maps; one-bit pages are always masks.
    """
    images = [page for page in images if _kind(page) != _SINGLE_BITS] or images
    largest = max(images, key=_pixels)
    return [page for page in images if _size(page) == _size(largest) and _kind(page) == _kind(largest)]


_SINGLE_BITS = (1, 1, 1)


def _kind(page: Directory) -> tuple[int, int, int]:
    """Number, bits and format of the samples of a pixel."""
    return (
        page.integer(Tag.SamplesPerPixel, 1),
        page.integer(Tag.BitsPerSample, 1),
        page.integer(Tag.SampleFormat, 1),
    )

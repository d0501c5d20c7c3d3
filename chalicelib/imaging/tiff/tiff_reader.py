"""Decodes TIFF files (TIFF 6.0 with its supplements, and BigTIFF).

Pillow supports only some combinations of sample type, byte order and polarity, reduces deep colours to 8
bits regardless of their depth, and leaves missing strips black. Therefore tags and samples are read here,
with numpy. Decompression is done by zlib and, through Pillow, by libjpeg and libtiff. tifffile could read the
tags, but needs imagecodecs for LZW and JPEG, for which the Lambda layer has no room.
"""

from chalicelib.imaging import conversion
from chalicelib.imaging.decoded import DecodedImage, Source
from chalicelib.imaging.tiff import pages
from chalicelib.imaging.tiff.directory import File, Tag
from chalicelib.imaging.tiff.display import picture
from chalicelib.imaging.tiff.layout import read_layout
from chalicelib.tasks import InputSpec


def decode(data: bytes, spec: InputSpec, frame: int | None = None) -> DecodedImage:
    """Decode the full-resolution image of a TIFF file, or one of several: see `pages.choose`.

    Raises:
        ImageTooLarge, ImageTooSmall: if its size is out of bounds.
        UnsupportedImage: naming the tag whose value is not supported.
        InvalidImage: naming the tag that is missing, invalid or inconsistent.
        DamagedImage: if a part of the file is missing.
    """
    page, frame, frames = pages.choose(File.of(data), frame)
    layout = read_layout(page)
    image, to_display = picture(page, layout, spec.channels)
    rows, columns, aspect = layout.rows, layout.columns, pages.pixel_aspect(page)
    orientation = page.integer(Tag.Orientation, 1)
    image = conversion.upright(image, orientation)
    if conversion.swaps_sides(orientation):
        rows, columns, aspect = columns, rows, 1 / aspect
    return DecodedImage(
        image, Source("TIFF", rows, columns, frame=frame, frames=frames), to_display, pixel_aspect=aspect
    )

"""Decodes TIFF files (TIFF 6.0 with its supplements, and BigTIFF).

Pillow reads only the combinations of sample type, byte order and polarity that are in its list, scales deep
colours to 8 bits whatever their depth, and leaves missing strips black. So the tags and the samples are read
here, with numpy. Decompression, the hard part, is left to zlib and, through Pillow, to libjpeg and libtiff.
tifffile would read the tags as well, but needs imagecodecs for LZW and JPEG, which the Lambda layer has no
room for.
"""

from chalicelib.imaging import conversion
from chalicelib.imaging.decoded import DecodedImage, Source
from chalicelib.imaging.tiff import pages
from chalicelib.imaging.tiff.directory import File, Tag
from chalicelib.imaging.tiff.display import picture
from chalicelib.imaging.tiff.layout import read_layout
from chalicelib.tasks import InputSpec


def decode(data: bytes, spec: InputSpec) -> DecodedImage:
    """Decode the full-resolution image of a file that is known to begin as a TIFF file.

    Raises:
        ImageTooLarge, ImageTooSmall: if its tags say so.
        UnsupportedImage: naming the tag that says what is not supported.
        InvalidImage: naming the tag that is missing, impossible or contradictory.
        DamagedImage: if a part of the file is missing.
    """
    page, frame, frames = pages.choose(File.of(data))
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

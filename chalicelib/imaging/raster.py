"""Decodes JPEG, PNG and TIFF files."""

from io import BytesIO

from PIL import Image, ImageOps, UnidentifiedImageError
from PIL.TiffImagePlugin import PHOTOMETRIC_INTERPRETATION, TiffImageFile

from chalicelib import errors
from chalicelib.imaging import conversion, jpeg, png, tiff
from chalicelib.imaging.decoded import MAX_PIXELS, DecodedImage, Source, check_size
from chalicelib.tasks import InputSpec

_ORIENTATION = 0x0112
_TRANSPOSED = (5, 6, 7, 8)
"""EXIF orientations (TIFF 6.0, tag 274) that swap rows and columns."""


def decode(data: bytes, kind: str, spec: InputSpec) -> DecodedImage:
    """Decode a file whose `kind` (JPEG, PNG or TIFF) is already known.

    Raises:
        ImageError: if the headers show that it cannot be read.
        Exception: of any kind, for a damaged file.
    """
    if kind == "JPEG":
        return jpeg.decode(data, spec)
    if kind == "PNG":
        return png.decode(data, spec)
    try:
        image = Image.open(BytesIO(data), formats=("TIFF",))
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise errors.ImageTooLarge(
            f"The image has more than {MAX_PIXELS // 1_000_000} megapixels. Send a smaller version."
        ) from None
    except UnidentifiedImageError:
        tiff.refuse_unsupported(data)
        raise
    return _read(image, kind, spec)


def _read(image: Image.Image, kind: str, spec: InputSpec) -> DecodedImage:
    columns, rows = image.size
    check_size(columns, rows)
    frame = frames = None
    if isinstance(image, TiffImageFile):
        pages = tiff.full_pages(image)
        page = len(pages) // 2
        image.seek(pages[page])
        columns, rows = image.size
        check_size(columns, rows)
        if len(pages) > 1:
            frame, frames = page + 1, len(pages)
    # Pillow inverts WhiteIsZero files of 8 bits but not those of 16.
    inverted = isinstance(image, TiffImageFile) and image.tag_v2.get(PHOTOMETRIC_INTERPRETATION) == 0
    signed_or_deep = tiff.sample_type(image)
    if image.getexif().get(_ORIENTATION, 1) in _TRANSPOSED:
        columns, rows = rows, columns
    ImageOps.exif_transpose(image, in_place=True)  # a copy could take 400 MB
    source = Source(kind, rows, columns, frame=frame, frames=frames)
    if signed_or_deep is not None:
        image = tiff.with_samples(image, signed_or_deep)
    if image.mode.startswith("I") or image.mode == "F":
        return conversion.deep_grey(image, source, inverted)
    return DecodedImage(conversion.finished(image, spec), source)

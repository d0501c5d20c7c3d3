"""Decodes JPEG and PNG files, and leaves TIFF files to `tiff`."""

from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from chalicelib import errors
from chalicelib.imaging import tiff
from chalicelib.imaging.decoded import (
    MAX_PIXELS,
    DecodedImage,
    Pixels,
    Source,
    check_size,
    only_finite,
    stretch,
)
from chalicelib.tasks import InputSpec

_ORIENTATION = 0x0112
_TRANSPOSED = (5, 6, 7, 8)
"""EXIF orientations (TIFF 6.0, tag 274) that swap rows and columns."""

_PLUGINS = {"JPEG": ("JPEG", "MPO"), "PNG": ("PNG",)}


def decode(data: bytes, kind: str, spec: InputSpec) -> DecodedImage:
    """Decode a file whose `kind` (JPEG, PNG or TIFF) is already known.

    Raises:
        ImageTooLarge, ImageTooSmall: if the header says so.
        Exception: of any kind, for a damaged file.
    """
    if kind == "TIFF":
        return tiff.decode(data, spec)
    try:
        image = Image.open(BytesIO(data), formats=_PLUGINS[kind])
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise errors.ImageTooLarge(
            f"The image has more than {MAX_PIXELS // 1_000_000} megapixels. Send a smaller version."
        ) from None
    return _read(image, kind, spec)


def _read(image: Image.Image, kind: str, spec: InputSpec) -> DecodedImage:
    columns, rows = image.size
    check_size(columns, rows)
    if kind == "JPEG":
        # Lets the decoder skip detail (and colour) that the resize would throw away: half the time.
        enough = 2 * max(spec.width, spec.height)
        image.draft("L" if spec.channels == 1 else "RGB", (enough, enough))
    if image.getexif().get(_ORIENTATION, 1) in _TRANSPOSED:
        columns, rows = rows, columns
    image = ImageOps.exif_transpose(image)
    source = Source(kind, rows, columns)
    if image.mode.startswith("I") or image.mode == "F":
        return _deep_grey(image, source)
    return DecodedImage(_flat(image).convert("L" if spec.channels == 1 else "RGB"), source)


def _deep_grey(image: Image.Image, source: Source) -> DecodedImage:
    """Grey images of more than 8 bits, none of which may be clipped."""
    if image.mode == "I;16B":  # which Pillow reads but neither measures nor resizes
        image = Image.fromarray(np.asarray(image).astype(np.uint16))
    if image.mode == "F":
        image = Image.fromarray(only_finite(np.asarray(image)))
    low, high = image.getextrema()
    assert isinstance(low, int | float)
    assert isinstance(high, int | float)
    if image.mode.startswith("I;16"):
        # White is the top of the smallest bit depth that holds the brightest pixel: 12-bit detectors store
        # 0..4095 in 16 bits, and dividing those by 257 would leave a black image.
        low, high = 0, 2 ** max(8, int(high).bit_length()) - 1

    def to_display(values: NDArray[Any]) -> Pixels:
        return stretch(values, low, high)

    return DecodedImage(image, source, to_display)


def _flat(image: Image.Image) -> Image.Image:
    """Without palette or transparency; transparent parts become black, as the surround of a film is."""
    if image.mode in ("P", "PA"):
        image = image.convert("RGBA")
    if image.mode in ("LA", "La", "RGBa"):
        image = image.convert("RGBA")
    if image.mode == "RGBA":
        black = Image.new("RGBA", image.size, (0, 0, 0, 255))
        return Image.alpha_composite(black, image).convert("RGB")
    return image

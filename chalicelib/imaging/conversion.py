"""Makes a decoded image ready for resizing: upright, without transparency, unclipped.

A full copy of an image of 100 megapixels takes up to 400 MB, so there are as few copies as possible.
"""

import contextlib
from collections.abc import Iterator

from PIL import Image

from chalicelib.imaging.decoded import DecodedImage, Source, WholeRange
from chalicelib.tasks import InputSpec

_ORIENTATION = 0x0112
_TRANSPOSE = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""The operation that turns an image upright, by its orientation (TIFF 6.0 and Exif 2.3, tag 274)."""
_STRIP_PIXELS = 1 << 20

Box = tuple[int, int, int, int]
"""Left, top, right and bottom, as Pillow crops."""


def orientation(image: Image.Image) -> int:
    """The orientation in the image's EXIF or XMP data, 1 to 8; 1 (upright) if it is missing or invalid."""
    with contextlib.suppress(Exception):  # Pillow raises nearly anything on malformed EXIF data
        value = image.getexif().get(_ORIENTATION, 1)
        if value in range(1, 9):
            return int(value)
    return 1


def upright(image: Image.Image, orientation: int) -> Image.Image:
    """The image turned or mirrored according to its orientation."""
    return image.transpose(_TRANSPOSE[orientation]) if orientation in _TRANSPOSE else image


def swaps_sides(orientation: int) -> bool:
    """Whether turning the image upright exchanges rows and columns."""
    return orientation in range(5, 9)


def strips(image: Image.Image) -> Iterator[Box]:
    """Boxes that cover the image from top to bottom."""
    height = max(1, _STRIP_PIXELS // image.width)
    for top in range(0, image.height, height):
        yield 0, top, image.width, min(top + height, image.height)


def finished(image: Image.Image, spec: InputSpec) -> Image.Image:
    """The image in mode L or RGB, as the model requires, on black, like the surround of a film."""
    if image.mode == "LA":
        image = _on_black(image.getchannel("L"), image.getchannel("A"))
    elif image.mode == "RGBA":
        image = _on_black(image, image)
    mode = "L" if spec.channels == 1 else "RGB"
    return image if image.mode == mode else image.convert(mode)


def _on_black(image: Image.Image, alpha: Image.Image) -> Image.Image:
    black = Image.new("L" if image.mode == "L" else "RGB", image.size)
    black.paste(image, mask=alpha)
    return black


def deep_grey(image: Image.Image, source: Source, aspect: float) -> DecodedImage:
    """A grey image of 16 bits (mode I;16), which is scaled without clipping."""
    _, brightest = image.getextrema()
    assert isinstance(brightest, int)
    return DecodedImage(image, source, WholeRange(white_level(brightest)), pixel_aspect=aspect)


def white_level(brightest: int) -> int:
    """The top of the smallest bit depth, from 8 bits up, that holds the brightest sample.

    12-bit detectors store 0..4095 in 16 bits, and dividing those by 257 would leave a black image.
    """
    return int(2 ** max(8, brightest.bit_length()) - 1)

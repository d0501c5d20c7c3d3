"""Decodes JPEG, PNG and TIFF files."""

from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError
from PIL.TiffImagePlugin import (
    BITSPERSAMPLE,
    IMAGELENGTH,
    IMAGEWIDTH,
    PHOTOMETRIC_INTERPRETATION,
    SAMPLEFORMAT,
    ImageFileDirectory_v2,
    TiffImageFile,
)

from chalicelib import errors
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

_NEW_SUBFILE_TYPE, _SUBFILE_TYPE = 254, 255
"""TIFF 6.0, section 8. Bit 0 of the former marks a reduced image, bit 2 a transparency mask."""
_REDUCED = 2
_MAX_PAGES = 4096

_PLUGINS = {"JPEG": ("JPEG", "MPO"), "PNG": ("PNG",), "TIFF": ("TIFF",)}


def decode(data: bytes, kind: str, spec: InputSpec) -> DecodedImage:
    """Decode a file whose `kind` (JPEG, PNG or TIFF) is already known.

    Raises:
        ImageTooLarge, ImageTooSmall: if the header says so.
        Exception: of any kind, for a damaged file.
    """
    try:
        image = Image.open(BytesIO(data), formats=_PLUGINS[kind])
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise errors.ImageTooLarge(
            f"The image has more than {MAX_PIXELS // 1_000_000} megapixels. Send a smaller version."
        ) from None
    except UnidentifiedImageError:
        if kind == "TIFF":
            _refuse_unsupported_tiff(data)
        raise
    return _read(image, kind, spec)


def _refuse_unsupported_tiff(data: bytes) -> None:
    """Name what an intact TIFF file holds that Pillow cannot open.

    Raises:
        UnsupportedImage: if the first directory is complete; otherwise the file is damaged.
    """
    big = data[2:3] == b"+" or data[3:4] == b"+"
    tags = ImageFileDirectory_v2(data[: 16 if big else 8])
    stream = BytesIO(data)
    stream.seek(tags.next)
    tags.load(stream)
    if not {IMAGEWIDTH, IMAGELENGTH, PHOTOMETRIC_INTERPRETATION} <= set(tags):
        return
    bits = tags.get(BITSPERSAMPLE, (1,))[0]
    sample_format = tags.get(SAMPLEFORMAT, (1,))[0]
    raise errors.UnsupportedImage(
        f"TIFF images of {bits} bits a sample, sample format {sample_format} and photometric interpretation "
        f"{tags[PHOTOMETRIC_INTERPRETATION]} are not supported. Export it with 8 or 16 bits a sample."
    )


def _read(image: Image.Image, kind: str, spec: InputSpec) -> DecodedImage:
    columns, rows = image.size
    check_size(columns, rows)
    frame = frames = None
    if isinstance(image, TiffImageFile):
        pages = _full_pages(image)
        page = len(pages) // 2
        image.seek(pages[page])
        columns, rows = image.size
        check_size(columns, rows)
        if len(pages) > 1:
            frame, frames = page + 1, len(pages)
    if kind == "JPEG":
        # Lets the decoder skip detail (and colour) that the resize would throw away: half the time.
        enough = 2 * max(spec.width, spec.height)
        image.draft("L" if spec.channels == 1 else "RGB", (enough, enough))
    # Pillow inverts WhiteIsZero files of 8 bits but not those of 16.
    inverted = isinstance(image, TiffImageFile) and image.tag_v2.get(PHOTOMETRIC_INTERPRETATION) == 0
    signed_or_deep = _sample_type(image)
    if image.getexif().get(_ORIENTATION, 1) in _TRANSPOSED:
        columns, rows = rows, columns
    image = ImageOps.exif_transpose(image)
    source = Source(kind, rows, columns, frame=frame, frames=frames)
    if signed_or_deep is not None:
        image = _with_samples(image, signed_or_deep)
    if image.mode.startswith("I") or image.mode == "F":
        return _deep_grey(image, source, inverted)
    return DecodedImage(_flat(image).convert("L" if spec.channels == 1 else "RGB"), source)


def _full_pages(image: TiffImageFile) -> list[int]:
    """The pages that are images in full: no thumbnails, levels or masks. If none is, the first page.

    Raises:
        UnsupportedImage: if there are more than `_MAX_PAGES`.
    """
    full: list[int] = []
    for page in range(_MAX_PAGES + 1):
        try:
            image.seek(page)
        except EOFError:
            return full or [0]
        except SyntaxError:  # a page that Pillow cannot decode: its tags have been read all the same
            pass
        if page == _MAX_PAGES:
            break
        reduced_or_mask = image.tag_v2.get(_NEW_SUBFILE_TYPE, 0) & 0b101
        if not reduced_or_mask and image.tag_v2.get(_SUBFILE_TYPE) != _REDUCED:
            full.append(page)
    raise errors.UnsupportedImage(f"The TIFF file has more than {_MAX_PAGES} pages. Send one image of it.")


def _sample_type(image: Image.Image) -> type[np.generic] | None:
    """The type of samples that Pillow misreads: uint32 (as int32) and int8 (as uint8)."""
    if not isinstance(image, TiffImageFile):
        return None
    sample_format = image.tag_v2.get(SAMPLEFORMAT, (1,))[0]
    bits = image.tag_v2.get(BITSPERSAMPLE, (1,))[0]
    if image.mode == "I" and (sample_format, bits) == (1, 32):
        return np.uint32
    if image.mode == "L" and (sample_format, bits) == (2, 8):
        return np.int8
    return None


def _with_samples(image: Image.Image, dtype: type[np.generic]) -> Image.Image:
    """The image with its samples taken for `dtype`, in a mode that holds all of them."""
    samples = np.asarray(image).view(dtype)
    return Image.fromarray(samples.astype(np.float32 if dtype is np.uint32 else np.int32))


def _deep_grey(image: Image.Image, source: Source, inverted: bool) -> DecodedImage:
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
        levels = stretch(values, low, high)
        return 255 - levels if inverted else levels

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

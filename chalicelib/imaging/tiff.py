"""What only TIFF files have: pages that are no images, and samples that Pillow misreads."""

from io import BytesIO

import numpy as np
from PIL import Image
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

_NEW_SUBFILE_TYPE, _SUBFILE_TYPE = 254, 255
"""TIFF 6.0, section 8. Bit 0 of the former marks a reduced image, bit 2 a transparency mask."""
_REDUCED = 2
_MAX_PAGES = 4096


def refuse_unsupported(data: bytes) -> None:
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


def full_pages(image: TiffImageFile) -> list[int]:
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


def sample_type(image: Image.Image) -> type[np.generic] | None:
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


def with_samples(image: Image.Image, dtype: type[np.generic]) -> Image.Image:
    """The image with its samples taken for `dtype`, in a mode that holds all of them."""
    samples = np.asarray(image).view(dtype)
    return Image.fromarray(samples.astype(np.float32 if dtype is np.uint32 else np.int32))

"""Makes the picture that people are shown: the original without identity, reduced to the size of a screen.

Grey values of detectors keep their depth, so that a viewer can apply any window. Neither file format gets
anything besides pixels.
"""

from dataclasses import dataclass
from io import BytesIO
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from chalicelib.imaging import preparation
from chalicelib.imaging.decoded import DecodedImage, DisplayWindow, GreyImage
from chalicelib.tasks import InputSpec

MAX_SIDE = 2048
"""Pixels of the longest side."""
_JPEG_QUALITY = 90
_PNG_EFFORT = 4
"""Of zlib. The default, 6, takes three times as long for radiographs and saves 3 %."""
_TOP = 0xFFFF
_SPEC = InputSpec(MAX_SIDE, MAX_SIDE, channels=3, fit="pad")
"""Keeps colours, and the detail that a reduced picture can show."""


@dataclass(frozen=True)
class GreyScale:
    """What the samples of a picture mean: `sample * slope + intercept`, in the units of the windows."""

    slope: float
    intercept: float
    inverted: bool
    """Whether small values are bright."""
    windows: list[DisplayWindow]
    """At least one; the first is shown first."""


@dataclass(frozen=True)
class DisplayPicture:
    """A file for viewers."""

    content: bytes
    media_type: Literal["image/png", "image/jpeg"]
    width: int
    height: int
    """With the physical proportions of the original."""
    grey: GreyScale | None
    """Of a PNG of one channel, 8 or 16 bits deep; None if the picture's levels are finished."""


def shows_all(decoded: DecodedImage, spec: InputSpec) -> bool:
    """Whether an image that was decoded for `spec` has the colours and the detail of its display picture."""
    is_reduced = decoded.source.format == "JPEG"
    return not is_reduced and (decoded.to_display is not None or spec.channels == 3)


def make(data: bytes, decoded: DecodedImage | None = None, frame: int | None = None) -> DisplayPicture:
    """The display picture of an image.

    Args:
        data: a file that `prepare` accepts.
        decoded: the image, if it `shows_all`; otherwise it is decoded again.
        frame: number of a frame or page, from 1; None for the one that `prepare` takes.

    Raises:
        Exception: of any kind, for example if memory does not suffice.
    """
    decoded = decoded or preparation.decode(data, _SPEC, frame)
    size = _size(decoded)
    pixels = np.asarray(decoded.image.resize(size, Image.Resampling.BILINEAR))
    if decoded.to_display:
        return _grey(decoded.to_display.grey_image(pixels))
    if pixels.ndim == 3 and (pixels == pixels[..., :1]).all():
        pixels = pixels[..., 0]
    is_photograph = decoded.source.format == "JPEG"
    is_reduced = size != decoded.image.size and decoded.source.format != "DICOM"
    return _file(pixels, "JPEG" if is_photograph or is_reduced else "PNG")


def _size(decoded: DecodedImage) -> tuple[int, int]:
    """Width and height; smaller images are not enlarged."""
    columns, rows = decoded.image.size[0], decoded.image.size[1] * decoded.pixel_aspect
    scale = min(1.0, MAX_SIDE / max(columns, rows))
    return max(1, round(columns * scale)), max(1, round(rows * scale))


def _grey(image: GreyImage) -> DisplayPicture:
    """The values as samples of 16 bits: exactly if they fit, which integers of 16 bits do."""
    low, high = float(image.values.min()), float(image.values.max())
    if high - low > image.step * _TOP and image.windows:
        # A few outliers must not take the depth from what the first window shows.
        first = image.windows[0]
        margin = first.high - first.low
        low, high = max(low, first.low - margin), max(min(high, first.high + margin), low)
    step = max(image.step, (high - low) / _TOP) or 1.0
    samples = np.rint((image.values - low) / step).clip(0, _TOP).astype(np.uint16)
    windows = list(image.windows) or [DisplayWindow(low, high)]
    scale = GreyScale(step, low, image.inverted, windows)
    return _file(samples if samples.max() > 0xFF else samples.astype(np.uint8), "PNG", scale)


def _file(pixels: NDArray[Any], kind: str, grey: GreyScale | None = None) -> DisplayPicture:
    content = BytesIO()
    # A new image has no metadata that could be written with it.
    image = Image.fromarray(np.ascontiguousarray(pixels))
    if kind == "JPEG":
        image.save(content, "JPEG", quality=_JPEG_QUALITY, subsampling=0)
        return DisplayPicture(content.getvalue(), "image/jpeg", image.width, image.height, grey)
    image.save(content, "PNG", compress_level=_PNG_EFFORT)
    return DisplayPicture(content.getvalue(), "image/png", image.width, image.height, grey)

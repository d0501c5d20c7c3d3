"""A decoded image before it is fitted to a model's input, and the limits for every image."""

import math
from dataclasses import asdict, dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from chalicelib import errors

MAX_PIXELS = 100_000_000
MIN_SIDE = 8
"""Pixels; the smallest real image in use is an edge patch of histology, 50 x 17."""

# Pillow applies this limit in every decoder, also to DICOM frames.
Image.MAX_IMAGE_PIXELS = MAX_PIXELS

Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class Source:
    """What a result tells about the file it came from. Nothing in it identifies a person."""

    format: str
    rows: int
    columns: int
    modality: str | None = None
    laterality: str | None = None
    view_position: str | None = None
    frame: int | None = None
    """Number of the frame that was used, from 1; only for files with several frames."""
    frames: int | None = None
    transfer_syntax: str | None = None
    pixel_spacing: list[float] | None = None
    """Millimetres between the centres of adjacent rows and of adjacent columns of the file."""

    def to_dict(self) -> dict[str, Any]:
        """The known facts, as JSON types."""
        return {key: value for key, value in asdict(self).items() if value is not None}


@dataclass(frozen=True)
class DisplayWindow:
    """The values that are shown black and white."""

    low: float
    high: float
    name: str | None = None


@dataclass(frozen=True)
class GreyImage:
    """Grey values to which any window can be applied."""

    values: NDArray[Any]
    """Shape (rows, columns), in the units of the windows."""
    step: float
    """Difference of neighbouring values; 0 if there are values in between."""
    windows: tuple[DisplayWindow, ...] = ()
    """The first is shown first; without one, the whole range is shown."""
    inverted: bool = False
    """Whether small values are bright."""


class Display(Protocol):
    """Converts values in the detector's units, shape (rows, columns)."""

    def __call__(self, values: NDArray[Any], /) -> Pixels:
        """To grey levels 0..255."""
        ...

    def grey_image(self, values: NDArray[Any], /) -> GreyImage:
        """To values to which any window can be applied."""
        ...


@dataclass(frozen=True)
class WholeRange:
    """Shows 0 black, and the top of a depth white."""

    white: float

    def __call__(self, values: NDArray[Any]) -> Pixels:
        """Grey levels 0..255."""
        return stretch(values, 0, self.white)

    def grey_image(self, values: NDArray[Any]) -> GreyImage:
        """The values themselves."""
        return GreyImage(values.astype(np.float64), 1.0, (DisplayWindow(0.0, self.white),))


@dataclass(frozen=True)
class DecodedImage:
    """A decoded image before it is fitted to a model's input."""

    image: Image.Image
    """Mode L or RGB (finished), or I;16, I or F (still in the detector's units)."""
    source: Source
    to_display: Display | None = None
    """It runs after the resize, on a few thousand pixels instead of millions."""
    pixel_aspect: float = 1.0
    """Height of a pixel divided by its width."""


def check_size(columns: int, rows: int) -> None:
    """Refuse images too large to decode safely or too small to show anything, before decoding them.

    Raises:
        ImageTooLarge, ImageTooSmall: if the size is out of bounds.
    """
    if columns * rows > MAX_PIXELS:
        raise errors.ImageTooLarge(
            f"The image has {columns} x {rows} pixels; at most {MAX_PIXELS // 1_000_000} megapixels are "
            "accepted. Send a smaller version."
        )
    if min(columns, rows) < MIN_SIDE:
        raise errors.ImageTooSmall(
            f"The image has {columns} x {rows} pixels; at least {MIN_SIDE} x {MIN_SIDE} are needed."
        )


_MAX_ASPECT = 10.0
"""No device has longer pixels; a resolution or spacing beyond it is a typing error."""
_SQUARE = 0.01
"""Resolutions and spacings are rounded, so pixels count as square up to this difference."""


def plausible_aspect(height: float, width: float) -> float | None:
    """Height of a pixel divided by its width, 1 if it is nearly square; None if it is not plausible.

    The unit does not matter.
    """
    if not (0 < width < math.inf and 0 < height < math.inf):
        return None
    ratio = height / width
    if not 1 / _MAX_ASPECT <= ratio <= _MAX_ASPECT:
        return None
    return 1.0 if abs(ratio - 1) <= _SQUARE else ratio


def pixel_aspect(across: float, down: float) -> float:
    """Height of a pixel divided by its width, from resolutions in pixels per unit; 1 if not plausible."""
    # More pixels per unit of width mean narrower pixels, so the ratio is that of the resolutions.
    return plausible_aspect(across, down) or 1.0


_FINE = 2.0**-14
"""32-bit floats are rounded by up to 2**-25 of their size, an eighth of a grey level for this share of it."""


def is_fine(low: float, high: float) -> bool:
    """Whether 32-bit floats are too coarse for levels between these values."""
    return high - low < _FINE * max(abs(low), abs(high))


def stretch(values: NDArray[Any], black: float, white: float) -> Pixels:
    """Map `black`..`white` to 0..255 and clip values outside; a constant image becomes black."""
    span = white - black
    floats: NDArray[Any] = values.astype(np.float64 if is_fine(black, white) else np.float32)
    levels = (floats - black) * (255.0 / span if span > 0 else 0.0)
    return np.asarray(np.rint(levels).clip(0, 255), np.uint8)

"""Converts the stored values of a monochrome DICOM image to the grey levels that viewers show.

The order is: modality transform, value-of-interest transform, polarity (PS3.3 C.11.1, C.11.2, C.7.6.3.1.2).
"""

from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from chalicelib.imaging.decoded import DisplayWindow, GreyImage, Pixels, stretch
from chalicelib.imaging.dicom.attributes import MAX_VALUE, ImagePixel, invalid, numbers, raw_bytes, text
from chalicelib.imaging.dicom.defined_terms import WINDOWS
from chalicelib.imaging.dicom.lookup_tables import InvalidTable, LookupTable, read_table


@dataclass(frozen=True)
class Window:
    """A window of C.11.2.1.2."""

    centre: float
    width: float
    function: str
    """LINEAR, LINEAR_EXACT or SIGMOID."""
    name: str | None = None

    @property
    def bounds(self) -> DisplayWindow | None:
        """The values shown black and white; None if the levels between them do not rise evenly."""
        centre, width = self.centre, self.width
        if self.function == "LINEAR" and width > 1:
            return DisplayWindow(centre - 0.5 - (width - 1) / 2, centre - 0.5 + (width - 1) / 2, self.name)
        black, white = centre - width / 2, centre + width / 2
        is_threshold = not black < white or (self.function == "LINEAR" and width == 1)
        return None if self.function == "SIGMOID" or is_threshold else DisplayWindow(black, white, self.name)

    def apply(self, values: NDArray[Any]) -> Pixels:
        """Grey levels by the formulas of C.11.2.1.2.1 and C.11.2.1.3."""
        if self.bounds:
            return stretch(values, self.bounds.low, self.bounds.high)
        if self.function == "SIGMOID":
            exponents = (-4 * (values - self.centre) / self.width).clip(-700, 700)
            return stretch(1 / (1 + np.exp(exponents)), 0, 1)
        # The formula would divide by zero.
        is_one = self.function == "LINEAR" and self.width == 1
        return np.where(values > self.centre - 0.5 * is_one, 255, 0).astype(np.uint8)


@dataclass(frozen=True)
class GreyLevels:
    """The transforms of one image."""

    modality: LookupTable | tuple[float, float]
    """A table, or slope and intercept."""
    voi: LookupTable | None
    """Takes precedence over the windows."""
    windows: tuple[Window, ...]
    """The first applies. Without table and window, the whole range of values is shown."""
    inverted: bool
    offset: float = 0
    """Was added to the stored values, so that they are not negative, or not too large for 32-bit floats."""
    whole_range: DisplayWindow | None = None
    """The least and the greatest rescaled value of the whole image, which a resize averages away. If None,
    those of the values that are shown."""

    @property
    def shows_whole_range(self) -> bool:
        """Whether the range of values decides the contrast."""
        return self.voi is None and not self.windows

    def with_range_of(self, values: NDArray[Any]) -> "GreyLevels":
        """The transforms for an image of these stored values."""
        strips = (self._rescaled(values[top : top + _STRIP]) for top in range(0, len(values), _STRIP))
        ends = [(float(strip.min()), float(strip.max())) for strip in strips]
        lowest, highest = min(low for low, _ in ends), max(high for _, high in ends)
        return replace(self, whole_range=DisplayWindow(lowest, highest))

    def __call__(self, values: NDArray[Any]) -> Pixels:
        """Grey levels 0..255 of stored values."""
        levels = self._apply_voi(self._rescaled(values))
        return 255 - levels if self.inverted else levels

    def grey_image(self, values: NDArray[Any]) -> GreyImage:
        """The values that windows apply to; grey levels if the file's contrast is no linear window."""
        rescaled = self._rescaled(values)
        if self.voi:
            top = DisplayWindow(0, 2**self.voi.bits - 1)
            return GreyImage(self.voi.apply(rescaled).astype(np.float64), 1, (top,), self.inverted)
        if self.windows and not self.windows[0].bounds:
            levels = self.windows[0].apply(rescaled).astype(np.float64)
            return GreyImage(levels, 1, (DisplayWindow(0, 255),), self.inverted)
        step = 1.0 if isinstance(self.modality, LookupTable) else abs(self.modality[0])
        bounds = tuple(dict.fromkeys(window.bounds for window in self.windows if window.bounds))
        if self.whole_range:
            bounds = (self.whole_range,)
        return GreyImage(rescaled, step if values.dtype.kind in "iu" else 0, bounds, self.inverted)

    def _rescaled(self, values: NDArray[Any]) -> NDArray[np.float64]:
        values = values.astype(np.float64) - self.offset
        if isinstance(self.modality, LookupTable):
            return self.modality.apply(values).astype(np.float64)
        slope, intercept = self.modality
        rescaled: NDArray[np.float64] = values * slope + intercept
        return rescaled

    def _apply_voi(self, values: NDArray[Any]) -> Pixels:
        if self.voi:
            return stretch(self.voi.apply(values), 0, 2**self.voi.bits - 1)
        if self.windows:
            return self.windows[0].apply(values)
        shown = self.whole_range or DisplayWindow(float(values.min()), float(values.max()))
        return stretch(values, shown.low, shown.high)

    def darkest(self, low: float, high: float) -> float:
        """The value from `low` to `high` that is shown darkest.

        Of equally dark values, an end of the range is preferred: a value inside would change the range shown.
        """
        candidates = np.linspace(low, high, _CANDIDATES)
        if float(low).is_integer() and high - low < _CANDIDATES:
            candidates = np.arange(low, high + 1)
        shown = self(candidates)
        for end in (0, -1):
            if shown[end] == shown.min():
                return float(candidates[end])
        return float(candidates[int(np.argmin(shown))])


_STRIP = 256
"""Rows rescaled at a time, because full copies of a large image take too much memory."""
_CANDIDATES = 65_536
"""The number of 16-bit values."""
_MAX_WINDOWS = 6
"""More are no choice; results and metadata have to hold them."""


def read_grey_levels(dataset: Dataset, image: ImagePixel, *, little: bool) -> GreyLevels:
    """The transforms of a data set.

    An invalid window or VOI table is ignored, because it affects only the contrast. An invalid modality
    transform is an error, because without it the values have another meaning.

    Raises:
        InvalidImage: if there is a modality transform that cannot be used.
    """
    modality = _modality(dataset, image, little)
    if isinstance(modality, tuple):
        slope, intercept = modality
        ends = [end * slope + intercept for end in image.range]
    else:
        ends = [float(modality.entries.min()), float(modality.entries.max())]
    # If the two contradict each other (C.8.11.3.1.2), either of them inverts: see docs/imaging.md.
    inverted = image.photometric == "MONOCHROME1" or text(dataset, "PresentationLUTShape") == "INVERSE"
    return GreyLevels(
        modality, _voi_table(dataset, (min(ends), max(ends)), little), _windows(dataset), inverted
    )


def _modality(dataset: Dataset, image: ImagePixel, little: bool) -> LookupTable | tuple[float, float]:
    if tables := dataset.get("ModalityLUTSequence"):
        try:
            return read_table(tables[0], "LUTDescriptor", "LUTData", inputs=image.range, little=little)
        except InvalidTable:
            raise invalid(
                "ModalityLUTSequence", "has a table that is empty or shorter than it states"
            ) from None
    slope = _rescale(dataset, "RescaleSlope", 1.0)
    # A slope of 0 would make the image black. Viewers treat it as missing.
    return slope if abs(slope) > 1 / MAX_VALUE else 1.0, _rescale(dataset, "RescaleIntercept", 0.0)


def _rescale(dataset: Dataset, keyword: str, default: float) -> float:
    values = numbers(dataset, keyword)
    raw = dataset.get_item(keyword)
    if not values or raw is None or raw.value in (None, "", b""):
        return default
    if not abs(values[0]) < MAX_VALUE:
        raise invalid(keyword, "is not a usable number")
    return values[0]


def _voi_table(dataset: Dataset, inputs: tuple[float, float], little: bool) -> LookupTable | None:
    for table in dataset.get("VOILUTSequence") or ():
        try:
            return read_table(table, "LUTDescriptor", "LUTData", inputs=inputs, little=little)
        except InvalidTable:
            continue
    return None


def _windows(dataset: Dataset) -> tuple[Window, ...]:
    """The valid windows. Of their explanations, which are free text, only common terms are kept."""
    function = text(dataset, "VOILUTFunction")
    function = function if function in ("LINEAR_EXACT", "SIGMOID") else "LINEAR"
    centres, widths = numbers(dataset, "WindowCenter"), numbers(dataset, "WindowWidth")
    explanations = raw_bytes(dataset, "WindowCenterWidthExplanation").decode("ascii", "replace").split("\\")
    terms = [explanation.strip("\x00 ").upper() for explanation in explanations] + [""] * len(centres)
    valid = (
        Window(centre, width, function, term if term in WINDOWS else None)
        for centre, width, term in zip(centres, widths, terms, strict=False)
        if abs(centre) < MAX_VALUE and 0 < width < MAX_VALUE
    )
    return tuple(islice(valid, _MAX_WINDOWS))

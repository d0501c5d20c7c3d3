"""Converts the stored values of a monochrome DICOM image to the grey levels that viewers show.

The order is: modality transform, value-of-interest transform, polarity (PS3.3 C.11.1, C.11.2, C.7.6.3.1.2).
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from chalicelib.imaging.decoded import Pixels, stretch
from chalicelib.imaging.dicom.attributes import MAX_VALUE, ImagePixel, invalid, numbers, text
from chalicelib.imaging.dicom.lookup_tables import InvalidTable, LookupTable, read_table


@dataclass(frozen=True)
class Window:
    """A window of C.11.2.1.2."""

    centre: float
    width: float
    function: str
    """LINEAR, LINEAR_EXACT or SIGMOID."""

    def apply(self, values: NDArray[Any]) -> Pixels:
        """Grey levels by the formulas of C.11.2.1.2.1 and C.11.2.1.3."""
        centre, width = self.centre, self.width
        if self.function == "SIGMOID":
            exponents = (-4 * (values - centre) / width).clip(-700, 700)
            return stretch(1 / (1 + np.exp(exponents)), 0, 1)
        if self.function == "LINEAR_EXACT" or width < 1:
            black, white = centre - width / 2, centre + width / 2
            return stretch(values, black, white) if black < white else _threshold(values, centre)
        if width == 1:  # the formula would divide by zero
            return _threshold(values, centre - 0.5)
        return stretch(values, centre - 0.5 - (width - 1) / 2, centre - 0.5 + (width - 1) / 2)


def _threshold(values: NDArray[Any], highest_black: float) -> Pixels:
    return np.where(values > highest_black, 255, 0).astype(np.uint8)


@dataclass(frozen=True)
class GreyLevels:
    """The transforms of one image."""

    modality: LookupTable | tuple[float, float]
    """A table, or slope and intercept."""
    voi: LookupTable | Window | None
    """None shows the full range of values."""
    inverted: bool

    def __call__(self, values: NDArray[Any]) -> Pixels:
        """Grey levels 0..255 of stored values."""
        if isinstance(self.modality, LookupTable):
            values = self.modality.apply(values)
        else:
            slope, intercept = self.modality
            values = values * slope + intercept
        levels = self._apply_voi(values)
        return 255 - levels if self.inverted else levels

    def _apply_voi(self, values: NDArray[Any]) -> Pixels:
        if isinstance(self.voi, LookupTable):
            return stretch(self.voi.apply(values), 0, 2**self.voi.bits - 1)
        if isinstance(self.voi, Window):
            return self.voi.apply(values)
        return stretch(values, float(values.min()), float(values.max()))

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


_CANDIDATES = 65_536
"""The number of 16-bit values."""


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
        modality, _voi_table(dataset, (min(ends), max(ends)), little) or _window(dataset), inverted
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


def _window(dataset: Dataset) -> Window | None:
    """The first valid window."""
    function = text(dataset, "VOILUTFunction")
    for centre, width in zip(numbers(dataset, "WindowCenter"), numbers(dataset, "WindowWidth"), strict=False):
        if abs(centre) < MAX_VALUE and 0 < width < MAX_VALUE:
            return Window(centre, width, function if function in ("LINEAR_EXACT", "SIGMOID") else "LINEAR")
    return None

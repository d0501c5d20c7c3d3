"""Real DICOM files of many devices and writers: the grey levels of pydicom's pipeline, or a refusal.

They are read from the folder `dicom` of the data, and not part of this project.
"""

import csv
import os
import sys
import warnings
from copy import deepcopy
from io import BytesIO
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

import gdcm
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from pydicom import Dataset, dcmread
from pydicom.multival import MultiValue
from pydicom.pixels.processing import apply_color_lut, apply_modality_lut, apply_voi
from pydicom.pixels.utils import pixel_array
from pydicom.uid import JPEG2000Lossless

from chalicelib import errors, imaging
from chalicelib.imaging import decoded, display_picture
from chalicelib.imaging.dicom import attributes, elements, stored_values, tissue
from chalicelib.tasks import InputSpec
from tests import images
from tests.compression import with_streams
from tests.stage import ROOT

FOLDER = Path(os.environ.get("NEGATOSCOPE_DATA") or ROOT / ".." / "shared" / "data").resolve() / "dicom"
MANIFEST = FOLDER / "manifest.csv"
ROWS = MANIFEST.read_text().splitlines() if MANIFEST.exists() else []
FILES = [row["path"] for row in csv.DictReader(ROWS)]

GREY_TOLERANCE = 1
"""Of 255 levels; pydicom rounds at another step."""
COLOUR_TOLERANCE = 2
"""YCbCr is converted in integers."""

pytestmark = pytest.mark.skipif(not FILES, reason=f"no real files at {FOLDER}; set NEGATOSCOPE_DATA")


def reference(dataset: Dataset) -> NDArray[Any]:
    """The middle frame decoded by pydicom's plugins; 12-bit JPEG, which they do not support, by gdcm."""
    frames = int(dataset.get("NumberOfFrames") or 1)
    try:
        return pixel_array(dataset, index=frames // 2 if frames > 1 else None)
    except RuntimeError:
        return twelve_bits(dataset)


def twelve_bits(dataset: Dataset) -> NDArray[Any]:
    """The values of 12-bit JPEG.

    gdcm wraps values that exceed BitsStored, as they do here where lossy coding overshoots.
    """
    dataset = deepcopy(dataset)
    dataset.BitsStored, dataset.HighBit = 12, 11
    with NamedTemporaryFile() as file:
        dataset.save_as(file.name)
        reader = gdcm.ImageReader()
        reader.SetFileName(file.name)
        assert reader.Read()
        content = reader.GetImage().GetBuffer().encode("utf-8", "surrogateescape")
    return np.frombuffer(content, "<u2").reshape(dataset.Rows, dataset.Columns)


def shown(values: NDArray[Any], dataset: Dataset) -> NDArray[np.float64]:
    """The grey levels of viewers: by the data set's LUT or first window, otherwise the full range."""
    values = np.asarray(apply_modality_lut(values, dataset), np.float64)
    if dataset.get("VOILUTSequence"):
        table = apply_voi(values.astype(int), dataset)
        levels = table / (2 ** dataset.VOILUTSequence[0].LUTDescriptor[2] - 1)
    elif dataset.get("WindowWidth") is not None:
        centre, width = (
            float(value[0] if isinstance(value, MultiValue) else value)
            for value in (dataset.WindowCenter, dataset.WindowWidth)
        )
        levels = (values - (centre - 0.5)) / (width - 1) + 0.5
    else:
        levels = (values - values.min()) / max(np.ptp(values), 1e-9)
    levels = levels.clip(0, 1) * 255
    inverted = dataset.PhotometricInterpretation == "MONOCHROME1"
    return np.asarray(255 - levels if inverted else levels, np.float64)


def read(path: str) -> tuple[bytes, Dataset]:
    """The file, and its data set with the functional groups of the middle frame."""
    dataset = dcmread(FOLDER / path)
    frame = int(dataset.get("NumberOfFrames") or 1) // 2
    groups = list(dataset.get("SharedFunctionalGroupsSequence") or ())
    groups += list(dataset.get("PerFrameFunctionalGroupsSequence") or ())[frame : frame + 1]
    for group in groups:
        for macro in ("PixelValueTransformationSequence", "FrameVOILUTSequence"):
            for item in group.get(macro) or ():
                dataset.update({element.tag: element for element in item})
    return (FOLDER / path).read_bytes(), dataset


Real = tuple[bytes, Dataset, NDArray[Any]]
"""A file, its data set, and the stored values of its middle frame as other libraries decode them."""


@pytest.fixture(scope="module", params=FILES)
def real(request: pytest.FixtureRequest) -> Real:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        data, dataset = read(request.param)
        return data, dataset, reference(dataset)


def test_stored_values_equal_those_of_pydicom(real: Real) -> None:
    """They are equal even for lossy streams: all decoders follow the same standard."""
    data, dataset, expected = real
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        file = elements.read(data)
        image = attributes.image_pixel(file.dataset, "PixelData")
        frame = stored_values.read_frame(file, image, dataset.file_meta.TransferSyntaxUID)
    if expected.ndim == 3 and expected.itemsize == 1:
        np.testing.assert_allclose(frame.values.astype(int), expected.astype(int), atol=COLOUR_TOLERANCE)
    else:
        values = frame.values if expected.ndim == 3 else tissue.value_bits(frame, image)
        np.testing.assert_array_equal(values, expected)


def test_display_picture_shows_what_a_model_sees(real: Real) -> None:
    data, dataset, _ = real
    if min(dataset.Rows, dataset.Columns) < decoded.MIN_SIDE:
        return
    picture = display_picture.make(data)
    with Image.open(BytesIO(picture.content)) as image:
        pixels = np.asarray(image).astype(float)
    spec = InputSpec(picture.width, picture.height, 3 if pixels.ndim == 3 else 1, "stretch")
    array = imaging.prepare(data, spec).pixels.transpose(1, 2, 0).squeeze()
    if picture.grey:
        window = picture.grey.windows[0]
        pixels = pixels * picture.grey.slope + picture.grey.intercept
        pixels = (pixels - window.low) / max(window.high - window.low, 1e-9) * 255
        pixels = 255 - pixels.clip(0, 255) if picture.grey.inverted else pixels.clip(0, 255)
    np.testing.assert_allclose(pixels, array, atol=GREY_TOLERANCE)


@pytest.fixture(scope="module")
def poison() -> bytes:
    """A large picture of one level in a compressed file; remains of it would be visible."""
    grey = np.full((512, 512), 0xABCD, np.uint16)
    if sys.version_info >= (3, 14):  # no decoder, so only uncompressed files come before each other
        return images.dicom(grey, bits=16)
    dataset = images.dicom_dataset(grey, bits=16)
    stream = images.encode(Image.fromarray(grey), "JPEG2000", no_jp2=True)
    return with_streams(dataset, JPEG2000Lossless, [stream])


def test_grey_levels_equal_those_of_pydicom_in_any_order(real: Real, poison: bytes) -> None:
    imaging.prepare(poison, InputSpec(64, 64, 1, "stretch"))
    data, dataset, values = real
    if min(dataset.Rows, dataset.Columns) < decoded.MIN_SIDE:
        with pytest.raises(errors.ImageTooSmall):
            imaging.prepare(data, InputSpec(64, 64, 1, "stretch"))
        return
    channels = 3 if values.ndim == 3 or dataset.PhotometricInterpretation == "PALETTE COLOR" else 1
    # At its own size nothing is resized.
    array = imaging.prepare(data, InputSpec(dataset.Columns, dataset.Rows, channels, "stretch")).pixels
    if channels == 1:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            expected = shown(values, dataset)
        np.testing.assert_allclose(array[0], expected, atol=GREY_TOLERANCE)
        return
    if values.ndim == 2:
        values = apply_color_lut(values, dataset)
    eight_bits = values >> (values.itemsize * 8 - 8)
    np.testing.assert_allclose(array.transpose(1, 2, 0).astype(int), eight_bits, atol=COLOUR_TOLERANCE)

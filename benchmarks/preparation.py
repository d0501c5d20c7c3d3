"""Compares `prepare` with the simple order for large images: decode, convert, resize."""

from collections.abc import Iterator
from io import BytesIO

import numpy as np
from PIL import Image
from pydicom import dcmread
from pydicom.pixels.processing import apply_voi_lut

from benchmarks.timing import Comparison, compare
from chalicelib.imaging import prepare
from chalicelib.tasks import InputSpec
from tests import images

ROWS, COLUMNS = 4000, 3000
SPEC = InputSpec(width=384, height=512, channels=1, fit="stretch")
SIZE = (SPEC.width, SPEC.height)


def comparisons() -> Iterator[Comparison]:
    """One comparison per format."""
    film = _film()
    jpeg = images.encode(Image.fromarray((film >> 4).astype(np.uint8)), "JPEG")
    png = images.encode(Image.fromarray(film), "PNG")
    dicom = images.dicom(film, WindowCenter=2048, WindowWidth=4096)
    size = f"{COLUMNS} x {ROWS}"
    yield compare(f"JPEG {size}, prepare", lambda: prepare(jpeg, SPEC), lambda: _jpeg_at_full_scale(jpeg))
    yield compare(f"16-bit PNG {size}, prepare", lambda: prepare(png, SPEC), lambda: _png_as_floats(png))
    yield compare(
        f"DICOM {size}, prepare", lambda: prepare(dicom, SPEC), lambda: _dicom_windowed_first(dicom)
    )


def _film() -> np.ndarray[tuple[int, ...], np.dtype[np.uint16]]:
    """Twelve bits, smooth with some grain, as an X-ray is."""
    rows, columns = np.mgrid[0:ROWS, 0:COLUMNS]
    smooth = 2000 + 900 * np.sin(rows / 700) + 900 * np.cos(columns / 500)
    grain = np.random.default_rng(0).normal(0, 40, (ROWS, COLUMNS))
    return np.asarray((smooth + grain).clip(0, 4095), np.uint16)


def _jpeg_at_full_scale(data: bytes) -> object:
    return np.asarray(Image.open(BytesIO(data)).convert("L").resize(SIZE, Image.Resampling.BILINEAR))


def _png_as_floats(data: bytes) -> object:
    values = np.asarray(Image.open(BytesIO(data))).astype(np.float32) * (255 / 4095)
    return np.asarray(Image.fromarray(values).resize(SIZE, Image.Resampling.BILINEAR)).astype(np.uint8)


def _dicom_windowed_first(data: bytes) -> object:
    dataset = dcmread(BytesIO(data))
    values = apply_voi_lut(dataset.pixel_array, dataset).astype(np.float32)
    return np.asarray(Image.fromarray(values).resize(SIZE, Image.Resampling.BILINEAR)) / 16

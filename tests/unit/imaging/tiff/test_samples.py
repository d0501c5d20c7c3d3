"""Samples of every type and storage."""

from collections.abc import Sequence
from io import BytesIO
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.tiff_files import LEVELS, Order, Page, compress, levels_file, squares, tiff
from tests.unit.imaging.tiff.helpers import COMPRESSIONS, LUMA, PRIMARIES, SHOWN, close, colours, levels

UNSIGNED = [(np.uint8, (0, 64, 128, 255)), (np.uint16, (0, 0x4040, 0x8080, 0xFFFF))]


TYPES = [
    *UNSIGNED,
    (np.uint16, (0, 1028, 2056, 4095)),
    (np.uint32, (0, 0x40404040, 0x80808080, 0xFFFFFFFF)),
    (np.int8, (-128, -64, 0, 127)),
    (np.int16, (-0x8000, -0x3FC0, 0x80, 0x7FFF)),
    (np.int32, (-(2**31), -0x3FBFBFC0, 0x808080, 2**31 - 1)),
    (np.int32, (2**31 - 256, 2**31 - 192, 2**31 - 128, 2**31 - 1)),
    (np.float16, (0, 64, 128, 255)),
    (np.float32, (-1.0, -0.498, 0.004, 1)),
    (np.float64, (1e9, 1e9 + 0.64, 1e9 + 1.28, 1e9 + 2.55)),
    (np.float64, (-1.7e308, -0.8466e308, 0.0068e308, 1.7e308)),
]


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize(("dtype", "values"), TYPES)
def test_samples_of_every_type_keep_their_levels(dtype: Any, values: Sequence[float], order: Order) -> None:
    close(levels(levels_file(values, dtype, order)), LEVELS)
    white_is_zero = levels_file(values, dtype, order, tags={262: 0})
    close(levels(white_is_zero), [255 - level for level in LEVELS])


@pytest.mark.parametrize("photometric", [0, 1])
@pytest.mark.parametrize("bits", [1, 2, 3, 4, 6, 10, 12, 14])
def test_samples_of_every_bit_depth_keep_their_levels(bits: int, photometric: int) -> None:
    top = 2**bits - 1
    values = [0, top // 3, top // 2, top]
    shown = [255 * value / top for value in values]
    data = levels_file(values, np.uint16, bits=bits, tags={262: photometric})
    close(levels(data), shown if photometric else [255 - level for level in shown])


def segment(data: bytes) -> bytes:
    """The only strip of a file."""
    tags: Any = Image.open(BytesIO(data)).getexif()
    return data[tags[273] : tags[273] + tags[279]]


@pytest.mark.parametrize("bits", [1, 4, 8, 16])
@pytest.mark.parametrize("compression", COMPRESSIONS)
def test_fill_order_2_is_read(bits: int, compression: int) -> None:
    page = Page(squares([0, 0, 2**bits - 1, 2**bits - 1], np.uint16), bits=bits, compression=compression)
    straight = tiff(page)
    reverse = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))
    stored = straight[straight.index(segment(straight)) :]
    assert len(stored) - len(segment(straight)) < 2
    data = tiff(
        Page(
            page.samples,
            {266: 2},
            bits=bits,
            compression=compression,
            segments=[segment(straight).translate(reverse)],
        )
    )
    close(levels(data), (0, 0, 255, 255))


WITH_PREDICTOR = [(compression, 2) for compression in COMPRESSIONS if compression not in (1, 32773)]


@pytest.mark.parametrize(
    ("compression", "predictor"), [*((name, 1) for name in COMPRESSIONS), *WITH_PREDICTOR]
)
@pytest.mark.parametrize("planar", [False, True], ids=["chunky", "planar"])
@pytest.mark.parametrize("cut", [{}, {"strip": 3}, {"tile": (16, 16)}], ids=["one strip", "strips", "tiles"])
@pytest.mark.parametrize("order", ["<", ">"])
def test_samples_are_read_in_every_layout(
    compression: int, planar: bool, cut: Any, predictor: int, order: Order
) -> None:
    how = {"compression": compression, "planar": planar, "predictor": predictor, **cut}
    assert levels(levels_file(LEVELS, order=order, **how)) == list(LEVELS)
    deep = [tuple(257 * value for value in pixel) for pixel in PRIMARIES]
    assert colours(levels_file(deep, np.uint16, order, **how)) == PRIMARIES


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("predictor", [2, 3])
@pytest.mark.parametrize("cut", [{"strip": 3}, {"tile": (16, 16)}], ids=["strips", "tiles"])
def test_float_predictors_are_undone(dtype: Any, predictor: int, cut: Any, order: Order) -> None:
    how = {"compression": 8, "predictor": predictor, **cut}
    assert levels(levels_file(LEVELS, dtype, order, **how)) == list(LEVELS)
    assert colours(levels_file(PRIMARIES, dtype, order, **how)) == PRIMARIES


@pytest.mark.parametrize(("across", "down"), [(2, 1), (2, 2), (4, 1), (1, 2), (4, 4)])
@pytest.mark.parametrize("compression", [1, 5, 8])
@pytest.mark.parametrize("strip", [0, 4])
def test_subsampled_chroma_is_converted(across: int, down: int, compression: int, strip: int) -> None:
    samples = squares(LUMA)
    units = samples.reshape(8 // down, down, 32 // across, across, 3).transpose(0, 2, 1, 3, 4)
    luma = units[..., 0].reshape(8 // down, 32 // across, -1)
    stored = np.concatenate([luma, units[:, :, 0, 0, 1:]], axis=-1).reshape(8 // down, -1)
    rows = (strip or 8) // down
    segments = [compress(stored[top : top + rows], compression) for top in range(0, len(stored), rows)]
    page = Page(samples, {262: 6, 530: [across, down]}, compression, strip=strip, segments=segments)
    close(colours(tiff(page)), SHOWN, 3)

"""TIFF files as a whole."""

from typing import Any

import numpy as np
import pytest

from chalicelib import errors, imaging
from chalicelib.tasks import InputSpec
from tests.tiff_files import Page, tiff
from tests.unit.imaging.tiff.helpers import IMAGE, RAMP


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_orientation_is_applied(orientation: int, dtype: Any) -> None:
    upright = np.kron(np.array([[0, 64], [128, 255]], dtype), np.ones((8, 16), dtype))
    turn = {
        1: upright,
        2: upright[:, ::-1],
        3: upright[::-1, ::-1],
        4: upright[::-1],
        5: upright.T,
        6: upright.T[::-1],
        7: upright[::-1, ::-1].T,
        8: upright.T[:, ::-1],
    }
    scale = 257 if dtype is np.uint16 else 1
    data = tiff(Page(turn[orientation] * scale, {274: orientation}))
    prepared = imaging.prepare(data, InputSpec(32, 16, 1, "pad"))
    assert prepared.box == (0, 0, 32, 16)
    assert prepared.pixels[0, ::8, ::16].tolist() == [[0, 64], [128, 255]]
    assert (prepared.source.rows, prepared.source.columns) == (16, 32)


def test_every_prefix_of_a_file_is_damaged() -> None:
    data = tiff(Page(IMAGE, compression=5, strip=2), Page(IMAGE, compression=8, tile=(16, 16)))
    for end in range(4, len(data) - 2, 7):
        with pytest.raises(errors.DamagedImage):
            imaging.prepare(data[:end], RAMP)


def test_time_is_limited_by_the_size_of_the_file() -> None:
    """All strips may be the same one, and each directory may have thousands of entries."""
    samples = np.zeros((20_000, 8), np.uint8)
    data = tiff(Page(samples, {273: [8] * 20_000, 279: [8] * 20_000}, strip=1))
    assert imaging.prepare(data, InputSpec(32, 32, 1, "pad")).source.rows == 20_000

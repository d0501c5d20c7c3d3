"""What several of these tests use."""

from typing import Any

import numpy as np
import pytest

from chalicelib import errors, imaging
from chalicelib.tasks import InputSpec
from tests.tiff_files import LEVELS, squares

RAMP = InputSpec(width=32, height=8, channels=1, fit="stretch")


COLOUR_RAMP = InputSpec(width=32, height=8, channels=3, fit="stretch")


PRIMARIES = [(255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 128, 64)]


COMPRESSIONS = {1: "none", 5: "LZW", 8: "deflate", 32946: "old deflate", 32773: "PackBits"} | {
    34925: "LZMA",
    50000: "Zstandard",
}


def levels(data: bytes) -> list[int]:
    """The grey levels of the four squares."""
    return [int(value) for value in imaging.prepare(data, RAMP).pixels[0, 0, ::8]]


def colours(data: bytes) -> list[tuple[int, ...]]:
    """The colours of the four squares."""
    return [tuple(map(int, pixel)) for pixel in imaging.prepare(data, COLOUR_RAMP).pixels[:, 0, ::8].T]


def close(got: Any, wanted: Any, tolerance: int = 1) -> None:
    np.testing.assert_allclose(got, wanted, atol=tolerance)


LUMA = [(76, 85, 255), (150, 44, 21), (29, 255, 107), (128, 128, 128)]


SHOWN = [(255, 0, 0), (0, 255, 0), (0, 0, 255), (128, 128, 128)]


IMAGE, OTHER = squares(LEVELS), squares([9, 9, 9, 9])


def shown(data: bytes) -> tuple[list[int], int | None, int | None]:
    """The levels of the four squares, the number of the page and that of all images."""
    prepared = imaging.prepare(data, RAMP)
    return prepared.pixels[0, 0, ::8].tolist(), prepared.source.frame, prepared.source.frames


def refused(data: bytes, words: str, error: type[errors.ImageError] = errors.DamagedImage) -> None:
    with pytest.raises(error, match=words) as caught:
        levels(data)
    assert type(caught.value) is error
    assert len(caught.value.message) < 250

"""Orientation, transparency and depth of decoded images."""

import numpy as np
import pytest
from PIL import Image

from chalicelib import imaging
from chalicelib.tasks import InputSpec
from tests import images

GREY = InputSpec(width=64, height=96, channels=1, fit="pad")


def prepared(data: bytes, spec: InputSpec = GREY) -> np.ndarray:
    return imaging.prepare(data, spec).pixels


@pytest.mark.parametrize(
    ("low", "high", "white"), [(0, 65535, 65535), (0, 4095, 4095), (100, 3000, 4095), (0, 255, 255)]
)
@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_sixteen_bits_are_scaled_to_their_bit_depth_and_never_clipped(
    kind: str, low: int, high: int, white: int
) -> None:
    values = images.gradient(low=low, high=high)
    array = prepared(images.encode(Image.fromarray(values.astype(np.uint16)), kind))[0]
    np.testing.assert_allclose(array, values * (255 / white), atol=0.51)
    assert len(np.unique(array)) > 100


RGB = InputSpec(width=64, height=96, channels=3, fit="pad")


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "P", "LA", "1", "CMYK"])
def test_every_colour_mode_becomes_grey(mode: str) -> None:
    kind = "TIFF" if mode == "CMYK" else "PNG"
    image = Image.fromarray(images.gradient().astype(np.uint8)).convert("RGB").convert(mode)
    array = prepared(images.encode(image, kind))[0]
    assert array[0, 0] < 20
    assert array[-1, -1] > 235


def test_transparent_pixels_become_black() -> None:
    image = Image.new("RGBA", (64, 96), (255, 255, 255, 0))
    assert prepared(images.encode(image, "PNG")).max() == 0


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_applied(orientation: int) -> None:
    upright = Image.fromarray(images.gradient(96, 64).astype(np.uint8))
    upright.paste(255, (0, 0, 20, 10))
    undo = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    stored = upright.transpose(undo[orientation]) if orientation in undo else upright
    exif = Image.Exif()
    exif[0x0112] = orientation
    image = imaging.prepare(images.encode(stored, "JPEG", quality=95, exif=exif), GREY)
    assert (image.source.rows, image.source.columns) == (96, 64)
    np.testing.assert_allclose(image.pixels[0].astype(int), np.asarray(upright).astype(int), atol=40)

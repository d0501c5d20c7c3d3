"""Sizes read from compressed frames."""

import pytest
from PIL import Image

from chalicelib.imaging.codestream import frame_shape
from tests import images


@pytest.mark.parametrize("progressive", [False, True])
def test_jpeg(progressive: bool) -> None:
    grey = images.encode(Image.new("L", (40, 30)), "JPEG", progressive=progressive)
    colour = images.encode(Image.new("RGB", (40, 30)), "JPEG", progressive=progressive)
    assert frame_shape(grey) == (30, 40, 1)
    assert frame_shape(colour) == (30, 40, 3)


@pytest.mark.parametrize("wrapped", [False, True])
def test_jpeg_2000(wrapped: bool) -> None:
    stream = images.encode(Image.new("RGB", (40, 30)), "JPEG2000", no_jp2=not wrapped)
    assert frame_shape(stream) == (30, 40, 3)


def test_fill_bytes_and_restart_markers_are_skipped() -> None:
    stream = images.encode(Image.new("L", (40, 30)), "JPEG")
    assert frame_shape(b"\xff\xd8\xff\xff\xff\xd0" + stream[2:]) == (30, 40, 1)


@pytest.mark.parametrize(
    "stream",
    [
        b"",
        b"\xff\xd8",
        b"\xff\xd8\xff",
        b"\xff\xd8hello",
        b"\xff\xd8\xff\xe0\x00",
        b"\xff\x4f\xff\x51\x00",
        b"GIF89a",
    ],
)
def test_what_is_no_frame_is_refused(stream: bytes) -> None:
    with pytest.raises(ValueError, match=r"JPEG|marker"):
        frame_shape(stream)

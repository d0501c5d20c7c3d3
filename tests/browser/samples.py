"""Synthetic images for the page."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from playwright.sync_api import FilePayload

from tests import images

type Maker = Callable[[], FilePayload]


def phantom(columns: int = 300, rows: int = 600, grain: float = 12) -> NDArray[np.uint8]:
    """A phantom that resembles a mammogram, shape (rows, columns).

    Its grain is never the same twice: one image has one result, also that of an earlier run of the tests.
    """
    y, x = np.mgrid[0:rows, 0:columns]
    inside = np.clip(1.2 - (x / columns) ** 2 - ((y / rows - 0.5) * 2.2) ** 2, 0, 1)
    noise = np.random.default_rng().normal(0, grain, (rows, columns))
    pixels: NDArray[np.uint8] = np.clip(inside * 190 + noise * (inside > 0) + 5, 0, 255).astype(np.uint8)
    return pixels


def jpeg() -> FilePayload:
    """An ordinary JPEG file."""
    return _payload("phantom.jpg", "image/jpeg", images.encode(Image.fromarray(phantom()), "JPEG"))


def both_breasts() -> FilePayload:
    """An image of both sides, which is ambiguous."""
    half = phantom()
    film = Image.fromarray(np.concatenate([half, half[:, ::-1]], axis=1))
    return _payload("both.png", "image/png", images.encode(film, "PNG"))


def truncated_jpeg() -> FilePayload:
    """A truncated JPEG file."""
    whole = jpeg()["buffer"]
    return _payload("truncated.jpg", "image/jpeg", whole[: len(whole) // 2])


def tiff() -> FilePayload:
    """An image that browsers cannot display."""
    return _payload("phantom.tif", "image/tiff", images.encode(Image.fromarray(phantom()), "TIFF"))


def deep_png() -> FilePayload:
    """A 16-bit image with 12-bit values, which a browser would show as black."""
    pixels = phantom().astype(np.uint16) * 16
    return _payload("deep.png", "image/png", images.encode(Image.fromarray(pixels), "PNG"))


def large_png() -> FilePayload:
    """An image over 4.5 MB, the limit of one call."""
    image = Image.fromarray(phantom(1800, 2900))
    return _payload("large.png", "image/png", images.encode(image, "PNG", compress_level=0))


def dicom() -> FilePayload:
    """A 12-bit mammogram as a scanner writes it."""
    pixels = phantom().astype(np.uint16) * 16
    data = images.dicom(pixels, ImageLaterality="L", ViewPosition="CC")
    return _payload("phantom.dcm", "application/dicom", data)


def text_file() -> FilePayload:
    """A text file."""
    return _payload("notes.txt", "text/plain", b"These are notes, not an image.\n" * 20)


def unknown_file() -> FilePayload:
    """A file in no known format, which only the server can judge."""
    return _payload("unknown.bin", "application/octet-stream", bytes(range(256)) * 8)


def empty_file() -> FilePayload:
    """An empty file."""
    return _payload("empty.png", "image/png", b"")


def _payload(name: str, media_type: str, data: bytes) -> FilePayload:
    return FilePayload(name=name, mimeType=media_type, buffer=data)

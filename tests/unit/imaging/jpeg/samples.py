"""JPEG files that several of these tests use."""

import struct
from typing import Any

import numpy as np
from PIL import Image

from chalicelib import imaging
from chalicelib.tasks import InputSpec
from tests import images

LEVELS = [0, 80, 160, 255]


GREY = InputSpec(width=64, height=64, channels=1, fit="stretch")


END = b"\xff\xd9"


def squares(mode: str = "L") -> Image.Image:
    grey = Image.fromarray(images.quadrants(LEVELS, "u1", 64))
    return grey.convert(mode)


def jpeg(image: Image.Image | None = None, **options: Any) -> bytes:
    return images.encode(image or squares(), "JPEG", **{"quality": 95} | options)


def segment(marker: int, body: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(body) + 2) + body


def with_segment(data: bytes, marker: int, body: bytes) -> bytes:
    """The file with another segment at its start."""
    return data[:2] + segment(marker, body) + data[2:]


def levels(data: bytes, spec: InputSpec = GREY) -> Any:
    """The level in the middle of each square, of each channel if there are three."""
    quarter = spec.width // 4
    found = imaging.prepare(data, spec).pixels[:, quarter :: 2 * quarter, quarter :: 2 * quarter]
    found = found.reshape(spec.channels, 4)
    return found[0].tolist() if spec.channels == 1 else found.T.tolist()


def assert_levels(data: bytes, spec: InputSpec = GREY) -> None:
    np.testing.assert_allclose(levels(data, spec), LEVELS, atol=3)


NOISE = Image.fromarray(np.random.default_rng(1).integers(0, 256, (64, 64, 3), np.uint8))


def incomplete() -> dict[str, bytes]:
    """Grey pictures of 64 x 64 pixels that libjpeg decodes without an error, although parts are missing."""
    noise = NOISE.convert("L")
    restarts = jpeg(noise, restart_marker_rows=1)
    places = [restarts.index(bytes([0xFF, marker])) for marker in range(0xD0, 0xD7)]
    parts = [restarts[start:end] for start, end in zip([0, *places], [*places, len(restarts)], strict=True)]
    progressive = jpeg(noise, progressive=True)
    second_scan = progressive.index(b"\xff\xda", progressive.index(b"\xff\xda") + 2)
    last_scan = progressive[progressive.rindex(b"\xff\xda") : -2]
    return {
        "one interval missing": b"".join(parts[:3] + parts[4:]),
        "two intervals missing": b"".join(parts[:3] + parts[5:]),
        "intervals swapped": b"".join([*parts[:3], parts[4], parts[3], *parts[5:]]),
        "scans missing": progressive[:second_scan] + END,
        "a scan repeated": progressive[:-2] + 3 * last_scan + END,
        "a thumbnail behind a truncated picture": jpeg(noise)[:-200] + END + jpeg(),
    }

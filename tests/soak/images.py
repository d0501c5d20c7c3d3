"""Images to load the system with: each unlike every other, most of them quick to decode."""

from collections.abc import Iterator
from itertools import count, cycle
from pathlib import Path

import numpy as np
from PIL import Image

from tests.images import encode

_seeds = count(1)


def fresh() -> bytes:
    """A small picture that nobody has sent before."""
    pixels = np.random.default_rng((20261128, next(_seeds))).integers(0, 256, (32, 24), dtype=np.uint8)
    return encode(Image.fromarray(pixels), "PNG")


def unusable() -> bytes:
    """A picture that is cut off."""
    return fresh()[:200]


def mammograms(folder: Path) -> Iterator[bytes]:
    """Real mammograms without end, the later ones with a comment that makes other files of them."""
    files = sorted(file for file in folder.rglob("*") if file.suffix.lower() in (".jpg", ".jpeg", ".png"))
    for number, file in enumerate(cycle(files)):
        content = file.read_bytes()
        yield content if number < len(files) else content + str(number).encode()

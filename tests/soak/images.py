"""Images for load: all different, most of them quick to decode."""

from collections.abc import Iterator
from itertools import count, cycle
from pathlib import Path

import numpy as np
from PIL import Image

from tests.images import encode

_seeds = count(1)


def fresh() -> bytes:
    """A small picture that has not been sent before."""
    pixels = np.random.default_rng((20261128, next(_seeds))).integers(0, 256, (32, 24), dtype=np.uint8)
    return encode(Image.fromarray(pixels), "PNG")


def unusable() -> bytes:
    """A truncated picture."""
    return fresh()[:200]


def mammograms(folder: Path) -> Iterator[bytes]:
    """Endless real mammograms; repeated ones have a comment, so that their content differs."""
    files = sorted(file for file in folder.rglob("*") if file.suffix.lower() in (".jpg", ".jpeg", ".png"))
    for number, file in enumerate(cycle(files)):
        content = file.read_bytes()
        yield content if number < len(files) else content + str(number).encode()

"""Stress test: the test images again, changed as images of other hospitals and devices differ.

The changes are made to the prepared images, so that the same change has the same size for every task. Sizes
are fractions of the image's sides.
"""

from collections.abc import Callable, Mapping
from functools import partial
from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter, ImageOps

from training.core.arrays import Ints
from training.data.pixels import Images
from training.evaluation.answers import Answers

BATCH = 64
SEED = 0
SHIFT = 0.08
"""To the right and downwards."""
BORDER = 0.1
"""Width of the border that is cut off, or added, on each side."""
BLUR = 0.01
"""Standard deviation of the blur, as a fraction of the longer side."""
NOISE = 10
"""Standard deviation of the noise, in grey levels of 255."""
JPEG_QUALITY = 30
MARKER = 0.12
"""Side of the marker, as a fraction of the shorter side."""

Change = Callable[[Image.Image, np.random.Generator], Image.Image]


def _shift(image: Image.Image, _: np.random.Generator) -> Image.Image:
    across, down = SHIFT * image.width, SHIFT * image.height
    return image.transform(
        image.size, Image.Transform.AFFINE, (1, 0, -across, 0, 1, -down), fillcolor=_background(image)
    )


def _crop(image: Image.Image, _: np.random.Generator) -> Image.Image:
    box = (
        BORDER * image.width,
        BORDER * image.height,
        (1 - BORDER) * image.width,
        (1 - BORDER) * image.height,
    )
    return image.resize(image.size, Image.Resampling.BILINEAR, box)


def _pad(image: Image.Image, _: np.random.Generator) -> Image.Image:
    left, top = round(BORDER * image.width), round(BORDER * image.height)
    padded = Image.new(image.mode, image.size)  # black
    inner = image.resize((image.width - 2 * left, image.height - 2 * top), Image.Resampling.BILINEAR)
    padded.paste(inner, (left, top))
    return padded


def _apply_gamma(gamma: float, image: Image.Image, _: np.random.Generator) -> Image.Image:
    levels = [round(255 * (level / 255) ** gamma) for level in range(256)]
    return image.point(levels * len(image.getbands()))


def _invert(image: Image.Image, _: np.random.Generator) -> Image.Image:
    return ImageOps.invert(image)


def _blur(image: Image.Image, _: np.random.Generator) -> Image.Image:
    return image.filter(ImageFilter.GaussianBlur(BLUR * max(image.size)))


def _add_noise(image: Image.Image, generator: np.random.Generator) -> Image.Image:
    pixels = np.asarray(image, np.float64)
    noisy = pixels + NOISE * generator.standard_normal(pixels.shape)
    return Image.fromarray(noisy.round().clip(0, 255).astype(np.uint8))


def _compress(image: Image.Image, _: np.random.Generator) -> Image.Image:
    file = BytesIO()
    image.save(file, "JPEG", quality=JPEG_QUALITY)
    return Image.open(file)


def _mark(image: Image.Image, _: np.random.Generator) -> Image.Image:
    """Add a white L in a corner, as film markers and burnt-in letters have."""
    marked = image.copy()
    side = MARKER * min(image.size)
    left, top = side / 2, side / 2
    stroke = max(1, round(side / 4))
    corners = [(left, top), (left, top + side), (left + 0.7 * side, top + side)]
    ImageDraw.Draw(marked).line(corners, fill="white", width=stroke)
    return marked


def _halve_resolution(image: Image.Image, _: np.random.Generator) -> Image.Image:
    return image.reduce(2).resize(image.size, Image.Resampling.BILINEAR)


CHANGES: Mapping[str, Change] = {
    f"shift by {SHIFT:.0%}": _shift,
    f"crop to {1 - 2 * BORDER:.0%}": _crop,
    f"black border of {BORDER:.0%}": _pad,
    "gamma 0.6": partial(_apply_gamma, 0.6),
    "gamma 1.6": partial(_apply_gamma, 1.6),
    "inversion": _invert,
    "blur": _blur,
    "noise": _add_noise,
    f"JPEG quality {JPEG_QUALITY}": _compress,
    "marker in a corner": _mark,
    "half the resolution": _halve_resolution,
}


def measure_stress(
    answer: Callable[[NDArray[np.uint8]], Answers], images: Images, labels: Ints
) -> dict[str, dict[str, Any]]:
    """The answers for changed images, as the entry `stress` of a part's metrics in model.json.

    Args:
        answer: gives the model's answers for prepared images (n, C, H, W).
        images: prepared images, shape (N, C, H, W).
        labels: their true classes, shape (N,).

    Returns:
        By name of the change: `accuracy`; `review`, the share of the images marked for review; and
        `accuracy_of_rest`, the accuracy of the others, None without any.
    """
    return {name: _measure(change, answer, images, labels) for name, change in CHANGES.items()}


def _measure(
    change: Change, answer: Callable[[NDArray[np.uint8]], Answers], images: Images, labels: Ints
) -> dict[str, Any]:
    generator = np.random.default_rng(SEED)
    right, review = np.empty(len(labels), bool), np.empty(len(labels), bool)
    for first in range(0, len(labels), BATCH):
        rows = slice(first, first + BATCH)
        answers = answer(np.stack([apply(change, pixels, generator) for pixels in images[rows]]))
        right[rows] = answers.probabilities.argmax(1) == labels[rows]
        review[rows] = answers.needs_review
    return {
        "accuracy": float(right.mean()),
        "review": float(review.mean()),
        "accuracy_of_rest": None if review.all() else float(right[~review].mean()),
    }


def apply(change: Change, pixels: NDArray[np.uint8], generator: np.random.Generator) -> NDArray[np.uint8]:
    """Change one prepared image, shape (C, H, W) with one or three channels."""
    image = Image.fromarray(pixels[0] if len(pixels) == 1 else np.moveaxis(pixels, 0, 2))
    changed = np.asarray(change(image, generator))
    return changed[None] if changed.ndim == 2 else np.moveaxis(changed, 2, 0)


def _background(image: Image.Image) -> int | tuple[int, ...]:
    """The median colour along the edges."""
    pixels = np.asarray(image)
    edges = np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])
    colour = np.median(edges, axis=0).astype(int)
    return tuple(colour.tolist()) if colour.ndim else int(colour)

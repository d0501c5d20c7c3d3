"""Draw the page's example images of tasks whose data sets may not be redistributed, into frontend/examples/.

    python -m local.example_images

They are synthetic and show no patients. `frontend/examples/README.md` names the sources of the others.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

EXAMPLES = Path(__file__).resolve().parent.parent / "frontend" / "examples"

Plane = NDArray[np.float64]
"""Brightness or concentration per pixel, shape (rows, columns), mostly from 0 to 1."""


def main() -> None:
    """Write each drawing as TASK.jpg."""
    for task, draw in DRAWINGS.items():
        draw().save(EXAMPLES / f"{task}.jpg", quality=80)


def mammogram() -> Image.Image:
    """A film of the left breast, mediolateral oblique: breast, pectoral muscle and fatty margin on black."""
    rows, columns = np.mgrid[0:1:480j, 0:1:240j]
    random = np.random.default_rng(1)
    # The chest wall is on the left; the breast ends in an arc that is widest at two thirds of the height.
    reach = 0.86 * np.sqrt(np.clip(1 - ((rows - 0.58) / np.where(rows < 0.58, 0.68, 0.34)) ** 2, 0, 1))
    depth = reach - columns
    breast = np.clip(depth / 0.05, 0, 1)
    thickness = np.clip(depth / 0.3, 0, 1) ** 0.6
    gland = np.exp(-(((columns - 0.4) / 0.24) ** 2) - ((rows - 0.6) / 0.17) ** 2)
    texture = clouds(random, rows.shape, (6, 14, 40))
    muscle = np.clip((0.62 - columns - 0.95 * rows) / 0.05, 0, 1)
    brightness = breast * (
        0.12 + 0.3 * thickness + 0.38 * gland * (0.55 + 0.9 * texture) + 0.1 * (texture - 0.5)
    )
    brightness = np.maximum(brightness, muscle * breast * (0.6 + 0.2 * (texture - 0.5)))
    return grey(brightness + 0.012 * random.standard_normal(rows.shape))


def ultrasound() -> Image.Image:
    """A frame of a breast with an oval, dark, sharply bounded lesion that brightens what lies below it."""
    rows, columns = np.mgrid[0:1:280j, 0:1:340j]
    random = np.random.default_rng(2)
    waves = clouds(random, rows.shape, (4, 9))
    layer = rows + 0.05 * (waves - 0.5)
    skin = np.exp(-(((layer - 0.04) / 0.022) ** 2))
    fat = 0.26 + 0.1 * (waves - 0.5)
    gland = 0.5 + 0.25 * (clouds(random, rows.shape, (8, 20)) - 0.5)
    fascia = 0.5 * np.exp(-(((layer - 0.24) / 0.012) ** 2)) + 0.55 * np.exp(-(((layer - 0.76) / 0.015) ** 2))
    muscle = 0.28 + 0.12 * np.sin(90 * layer + 8 * waves)
    tissue = np.where(layer < 0.24, fat, np.where(layer < 0.76, gland, muscle)) + fascia + 0.6 * skin
    radius = np.hypot((columns - 0.5) / 0.19, (rows - 0.46) / 0.125)
    behind = (rows > 0.46) * np.exp(-(((columns - 0.5) / 0.15) ** 2)) * np.exp(-(((rows - 0.66) / 0.12) ** 2))
    tissue = tissue + 0.28 * behind
    inside = 1 / (1 + np.exp((radius - 1) / 0.03))
    rim = np.exp(-(((radius - 1.05) / 0.06) ** 2))
    tissue = tissue * (1 - inside) + 0.1 * inside + 0.12 * rim
    depth = np.exp(-1.1 * np.clip(rows - 0.5, 0, None))
    return grey(tissue * depth * speckle(random, rows.shape))


def histology() -> Image.Image:
    """A patch of breast tissue stained with haematoxylin and eosin: fibres, fat cells and few nuclei."""
    random = np.random.default_rng(3)
    rows, columns = np.mgrid[0:200, 0:200]
    eosin = 0.3 + 0.3 * clouds(random, rows.shape, (5, 12)) + 0.1 * np.sin((rows + 0.6 * columns) / 4.5)
    haematoxylin = 0.05 + 0.06 * clouds(random, rows.shape, (10, 30))
    for _ in range(12):
        row, column, radius = *random.uniform(0, 200, 2), random.uniform(22, 36)
        eosin *= 1 / (1 + np.exp((radius - np.hypot(rows - row, columns - column)) / 1.5)) * 0.92 + 0.08
    for _ in range(9):
        row, column, angle = *random.uniform(0, 200, 2), random.normal(0.55, 0.35)
        along = (columns - column) * np.cos(angle) - (rows - row) * np.sin(angle)
        across = (columns - column) * np.sin(angle) + (rows - row) * np.cos(angle)
        haematoxylin += 0.75 / (1 + np.exp(np.clip(np.hypot(along / 7.5, across / 2.8) - 1, -1, 2) / 0.12))
    # Absorption of each stain in red, green and blue.
    stains = np.stack([haematoxylin, np.clip(eosin, 0, None)], axis=-1) @ np.array(
        [[0.65, 0.70, 0.29], [0.10, 0.92, 0.42]]
    )
    light = np.exp(-0.95 * stains) + 0.012 * random.standard_normal((200, 200, 1))
    return (
        Image.fromarray(levels(light))
        .filter(ImageFilter.GaussianBlur(1))
        .resize((50, 50), Image.Resampling.BOX)
    )


def clouds(random: np.random.Generator, shape: tuple[int, int], cells: tuple[int, ...]) -> Plane:
    """Smooth noise from 0 to 1: random grids of each number of cells, enlarged and averaged."""
    total = np.zeros(shape)
    for count in cells:
        grid = Image.fromarray(random.random((count, count)).astype(np.float32))
        total += np.asarray(grid.resize((shape[1], shape[0]), Image.Resampling.BICUBIC), np.float64)
    total -= total.min()
    return total / total.max()


def speckle(random: np.random.Generator, shape: tuple[int, int]) -> Plane:
    """The grain of ultrasound, wider than it is high, with a mean of 1."""
    waves = random.standard_normal((2, *shape))
    for axis, width in ((1, 1.4), (2, 2.2)):
        kernel = np.exp(-((np.arange(-5, 6) / width) ** 2))
        waves = np.apply_along_axis(np.convolve, axis, waves, kernel, "same")
    grain = np.hypot(*waves) / np.hypot(*waves).mean()
    return np.asarray(0.72 + 0.28 * grain)


def grey(brightness: Plane) -> Image.Image:
    """The image of a plane."""
    return Image.fromarray(levels(brightness))


def levels(brightness: Plane) -> NDArray[np.uint8]:
    """Values from 0 to 1 as bytes."""
    return np.clip(brightness * 255, 0, 255).round().astype(np.uint8)


DRAWINGS: dict[str, Callable[[], Image.Image]] = {
    "breast-histology": histology,
    "breast-ultrasound": ultrasound,
    "mammography-views": mammogram,
}

if __name__ == "__main__":
    main()

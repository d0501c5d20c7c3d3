"""Drawn breast ultrasound frames: thousands to learn from before the few hundred real ones.

They follow what radiologists look for (ACR BI-RADS Atlas, Ultrasound, Mendelson et al. 2013). A benign lesion
is oval, wider than tall and sharply bounded, often with a bright rim and brighter tissue behind it; a
malignant one is irregular, may be taller than wide, with spicules, a blurred border, a bright halo or
calcifications, and casts a shadow. Looks deceive now and then, as they do in patients. Nothing in a frame is
measured from real images.

Echoes are logarithms of intensities until speckle has been added, as a scanner compresses them.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

Field = NDArray[np.float64]
"""A value for each pixel, shape (side, side)."""

TASK = "breast-ultrasound"
CLASSES = ("normal", "benign", "malignant")
"""Of that task, in its order."""
SIDE = 128
"""Pixels; lengths below are in pixels of frames of this size."""
DECEPTIVE = 0.12
"""Share of lesions that look like the other kind."""

ROWS, COLUMNS = np.mgrid[0:SIDE, 0:SIDE].astype(np.float64)


def draw_frames(count: int, seed: int) -> Iterator[tuple[NDArray[np.uint8], int]]:
    """Frames, shape (SIDE, SIDE), and the index of their class; classes take turns."""
    for number in range(count):
        label = number % len(CLASSES)
        yield draw_frame(np.random.default_rng((seed, number)), CLASSES[label]), label


def draw_frame(rng: np.random.Generator, kind: str) -> NDArray[np.uint8]:
    """One frame of a class, shape (SIDE, SIDE)."""
    echo = _tissue(rng)
    lesion = None
    if kind != "normal":
        deceptive = rng.random() < DECEPTIVE
        lesion = _place_lesion(rng, malignant=(kind == "malignant") != deceptive)
        echo = _add_lesion(rng, echo, lesion)
    echo -= (ROWS / SIDE) ** rng.uniform(0.7, 2) * rng.uniform(0, 2)
    image = _show(rng, echo)
    _burn_in(rng, image, lesion)
    return np.rint(255 * image).astype(np.uint8)


# ------------------------------------------------------------------------------------------------- tissue


def _texture(rng: np.random.Generator, height: float, width: float) -> Field:
    """Smooth noise of mean 0 and deviation 1, its blobs about so high and wide."""
    field = gaussian_filter(rng.standard_normal((SIDE, SIDE)), (height, width), mode="reflect")
    centred: Field = (field - field.mean()) / field.std()
    return centred


def _tissue(rng: np.random.Generator) -> Field:
    """Skin, fat, gland and muscle in layers, with their texture and what disturbs the view."""
    echo = np.log(np.maximum(_layers(rng), 0.05))
    echo += _texture(rng, rng.uniform(1.5, 4), rng.uniform(6, 20)) * rng.uniform(0.1, 0.45)
    echo += _texture(rng, rng.uniform(5, 12), rng.uniform(8, 30)) * rng.uniform(0, 0.4)
    for _ in range(rng.integers(1, 4)):
        echo += _strands(rng)
    for _ in range(rng.integers(0, 4)):
        echo += _lobule(rng)
    if rng.random() < 0.4:
        echo -= _shadow_of_skin(rng)
    return echo


def _layers(rng: np.random.Generator) -> Field:
    """Bands of even brightness along the skin, a little wavy and tilted."""
    wave = gaussian_filter(rng.standard_normal(SIDE), 20, mode="reflect")
    wave *= rng.uniform(0, 6) / wave.std()
    depth = ROWS + wave * np.minimum(ROWS / 30, 1) + rng.uniform(-0.15, 0.15) * (COLUMNS - SIDE / 2)
    brightness = np.full((SIDE, SIDE), rng.uniform(0.6, 1))
    border = rng.uniform(2, 8)
    while border < 1.2 * SIDE:
        brightness[depth >= border] = rng.uniform(0.2, 0.8)
        border += rng.uniform(10, 60)
    smooth: Field = gaussian_filter(brightness, rng.uniform(0.5, 2.5))
    return smooth


def _strands(rng: np.random.Generator) -> Field:
    """Fascia and ligaments: thin bright lines, mostly along the skin, in some places."""
    course = np.abs(_texture(rng, rng.uniform(2, 5), rng.uniform(7, 25)))
    places = np.clip(_texture(rng, 15, 15) + rng.uniform(0, 1.2), 0, 1.5)
    strands: Field = rng.uniform(0.2, 0.9) * np.exp(-course / rng.uniform(0.08, 0.25)) * places
    return strands


def _lobule(rng: np.random.Generator) -> Field:
    """A lobule of fat or gland, which is not a lesion: it has no border."""
    row, column = rng.uniform(0, SIDE, 2)
    wide = rng.uniform(5, 25)
    tall = wide * rng.uniform(0.3, 0.7)
    away = ((COLUMNS - column) / wide) ** 2 + ((ROWS - row) / tall) ** 2
    lobule: Field = rng.uniform(-0.5, 0.4) * np.exp(-away * rng.uniform(0.5, 1.5))
    return lobule


def _shadow_of_skin(rng: np.random.Generator) -> Field:
    """A dark stripe downwards, where the probe had no contact or a ligament takes the sound."""
    column = rng.uniform(0, SIDE) + rng.uniform(-0.2, 0.2) * ROWS
    begins = np.clip((ROWS - rng.uniform(0, 60)) / 20, 0, 1)
    shadow: Field = rng.uniform(0.2, 1) * np.exp(-(((COLUMNS - column) / rng.uniform(3, 15)) ** 2)) * begins
    return shadow


# ------------------------------------------------------------------------------------------------- lesion


@dataclass(frozen=True)
class _Lesion:
    malignant: bool
    """Whether it looks so."""
    row: float
    column: float
    wide: float
    """Half its width."""
    tall: float
    """Half its height."""
    depth: Field
    """About how many pixels each place lies within its border, negative outside."""
    angle: Field
    """Around its centre."""


def _place_lesion(rng: np.random.Generator, *, malignant: bool) -> _Lesion:
    wide = rng.uniform(7, 38)
    tall = wide * (rng.uniform(0.55, 1.35) if malignant else rng.uniform(0.35, 0.85))
    row, column = rng.uniform(0.2, 0.7) * SIDE, rng.uniform(0.2, 0.8) * SIDE
    turn = rng.normal(0, 0.5 if malignant else 0.2)
    along = (COLUMNS - column) * np.cos(turn) + (ROWS - row) * np.sin(turn)
    across = (ROWS - row) * np.cos(turn) - (COLUMNS - column) * np.sin(turn)
    angle = np.arctan2(across / tall, along / wide)
    radius = np.hypot(along / wide, across / tall)
    outline = 1 + (_irregular(rng, angle) if malignant else _lobulated(rng, angle))
    return _Lesion(malignant, row, column, wide, tall, (outline - radius) * min(wide, tall), angle)


def _lobulated(rng: np.random.Generator, angle: Field) -> Field:
    """A few gentle bulges."""
    outline = np.zeros_like(angle)
    for wave in range(2, 5):
        outline += rng.uniform(0, 0.084) / wave * rng.normal() * np.cos(wave * angle + rng.uniform(0, 6.3))
    return outline


def _irregular(rng: np.random.Generator, angle: Field) -> Field:
    """Corners and bays of all sizes and, often, spicules."""
    outline = np.zeros_like(angle)
    for wave in range(2, 14):
        size = rng.uniform(0.12, 0.36) / wave**0.9
        outline += size * rng.normal() * np.cos(wave * angle + rng.uniform(0, 6.3))
    if rng.random() < 0.4:
        for _ in range(rng.integers(1, 6)):
            away = np.angle(np.exp(1j * (angle - rng.uniform(-np.pi, np.pi))))
            outline += rng.uniform(0.08, 0.4) * np.exp(-((away / rng.uniform(0.05, 0.2)) ** 2))
    return outline


def _add_lesion(rng: np.random.Generator, echo: Field, lesion: _Lesion) -> Field:
    softness = rng.uniform(1.2, 4) if lesion.malignant else rng.uniform(0.4, 1.3)
    inside = 1 / (1 + np.exp(-np.clip(lesion.depth / softness, -30, 30)))
    interior = np.median(echo) - _darkness(rng, lesion) + _interior_texture(rng, lesion)
    behind = echo + _strength_behind(rng, lesion) * _place_behind(rng, lesion, inside)
    together: Field = behind * (1 - inside) + interior * inside
    return together + (_malignant_signs(rng, lesion) if lesion.malignant else _benign_signs(rng, lesion))


def _darkness(rng: np.random.Generator, lesion: _Lesion) -> float:
    """How much darker than the tissue; a cyst is black, and some benign lesions are not dark at all."""
    if lesion.malignant:
        return rng.uniform(0.7, 2.2)
    if rng.random() < 0.12:
        return -rng.uniform(0, 0.4)
    return rng.uniform(2, 4) if rng.random() < 0.3 else rng.uniform(0.4, 1.6)


def _interior_texture(rng: np.random.Generator, lesion: _Lesion) -> Field:
    strength = rng.uniform(0.2, 0.7) if lesion.malignant else rng.uniform(0, 0.25)
    return _texture(rng, rng.uniform(1.5, 5), rng.uniform(1.5, 6)) * strength


def _strength_behind(rng: np.random.Generator, lesion: _Lesion) -> float:
    """Of the brightening (or, if negative, the shadow) behind a lesion."""
    chance = rng.random()
    if lesion.malignant:
        return -rng.uniform(0.4, 1.6) if chance < 0.55 else rng.uniform(0, 0.3) if chance < 0.8 else 0.0
    return rng.uniform(0.2, 0.9) if chance < 0.5 else -rng.uniform(0.1, 0.5) if chance < 0.6 else 0.0


def _place_behind(rng: np.random.Generator, lesion: _Lesion, inside: Field) -> Field:
    """Below the lesion, as wide as it is, and fading with depth."""
    cover = gaussian_filter(np.maximum.accumulate(inside, 0) * (1 - inside), (1.5, 2.5))
    begins = np.clip((ROWS - lesion.row) / (lesion.tall + 1), 0, 1)
    below = np.maximum(ROWS - lesion.row - lesion.tall, 0)
    place: Field = cover * begins * np.exp(-below / rng.uniform(20, 80))
    return place


def _benign_signs(rng: np.random.Generator, lesion: _Lesion) -> Field:
    """A thin bright rim, where the border faces the probe."""
    if rng.random() < 0.5:
        return np.zeros((SIDE, SIDE))
    facing = np.abs(np.sin(lesion.angle)) ** rng.uniform(0.5, 2)
    rim: Field = rng.uniform(0.2, 0.7) * np.exp(-((lesion.depth / rng.uniform(0.8, 1.8)) ** 2)) * facing
    return rim


def _malignant_signs(rng: np.random.Generator, lesion: _Lesion) -> Field:
    """A broad bright halo around, and calcifications within."""
    signs = np.zeros((SIDE, SIDE))
    if rng.random() < 0.45:
        halo = (lesion.depth + rng.uniform(2, 6)) / rng.uniform(2, 6)
        signs += rng.uniform(0.2, 0.6) * np.exp(-(halo**2))
    if rng.random() < 0.35:
        for _ in range(rng.integers(3, 15)):
            row = lesion.row + 0.4 * rng.normal() * lesion.tall
            column = lesion.column + 0.4 * rng.normal() * lesion.wide
            away = (ROWS - row) ** 2 + (COLUMNS - column) ** 2
            signs += rng.uniform(0.6, 1.8) * np.exp(-away / rng.uniform(0.6, 1.6))
    return signs


# ------------------------------------------------------------------------------------------------- scanner


def _show(rng: np.random.Generator, echo: Field) -> Field:
    """The picture of an echo, 0 to 1: speckle, and the scanner's window, gamma and sharpness."""
    size = rng.uniform(0.35, 0.8)
    real, imaginary = (gaussian_filter(rng.standard_normal((SIDE, SIDE)), (size, 2 * size)) for _ in range(2))
    # The sound of many scatterers adds up like a walk in the plane (Goodman 1975).
    speckle = np.hypot(real, imaginary)
    image = echo + np.log(speckle / speckle.mean() + 0.3) * rng.uniform(0.1, 0.5)
    darkest, brightest = np.quantile(image, [rng.uniform(0, 0.15), rng.uniform(0.97, 0.999)])
    image = np.clip((image - darkest) / (brightest - darkest), 0, 1) ** rng.uniform(1.2, 2.4)
    shown: Field = gaussian_filter(image * rng.uniform(0.7, 1), rng.uniform(0.2, 0.9))
    return shown


def _burn_in(rng: np.random.Generator, image: Field, lesion: _Lesion | None) -> None:
    """Callipers at a lesion's ends, and the dark borders of some frames."""
    if lesion and rng.random() < 0.35:
        ends = (
            (lesion.row, lesion.column - lesion.wide),
            (lesion.row, lesion.column + lesion.wide),
            (lesion.row - lesion.tall, lesion.column),
            (lesion.row + lesion.tall, lesion.column),
        )
        for end in ends:
            row, column = (int(np.clip(place, 2, SIDE - 3)) for place in end)
            cross = rng.uniform(0.8, 1)
            image[row - 2 : row + 3, column] = cross
            image[row, column - 2 : column + 3] = cross
    if rng.random() < 0.3:
        image[: rng.integers(2, 8)] *= rng.uniform(0, 0.5)
    if rng.random() < 0.2:
        image[-rng.integers(2, 14) :] *= rng.uniform(0, 0.3)

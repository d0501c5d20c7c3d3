"""Tissue without a lesion: layers, strands, lobules, shadows."""

import numpy as np
from scipy.ndimage import gaussian_filter

from training.data.phantoms.field import COLUMNS, ROWS, SIDE, Field, texture


def draw_tissue(rng: np.random.Generator) -> Field:
    """The echo of skin, fat, gland and muscle in layers, with their texture and artefacts."""
    echo = np.log(np.maximum(_layers(rng), 0.05))
    echo += texture(rng, rng.uniform(1.5, 4), rng.uniform(6, 20)) * rng.uniform(0.1, 0.45)
    echo += texture(rng, rng.uniform(5, 12), rng.uniform(8, 30)) * rng.uniform(0, 0.4)
    for _ in range(rng.integers(1, 4)):
        echo += _strands(rng)
    for _ in range(rng.integers(0, 4)):
        echo += _lobule(rng)
    if rng.random() < 0.4:
        echo -= _shadow_of_skin(rng)
    return echo


def _layers(rng: np.random.Generator) -> Field:
    """Bands of uniform brightness along the skin, slightly wavy and tilted."""
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
    """Fascia and ligaments: thin bright lines here and there, mostly parallel to the skin."""
    course = np.abs(texture(rng, rng.uniform(2, 5), rng.uniform(7, 25)))
    places = np.clip(texture(rng, 15, 15) + rng.uniform(0, 1.2), 0, 1.5)
    strands: Field = rng.uniform(0.2, 0.9) * np.exp(-course / rng.uniform(0.08, 0.25)) * places
    return strands


def _lobule(rng: np.random.Generator) -> Field:
    """A lobule of fat or gland; unlike a lesion it has no border."""
    row, column = rng.uniform(0, SIDE, 2)
    wide = rng.uniform(5, 25)
    tall = wide * rng.uniform(0.3, 0.7)
    away = ((COLUMNS - column) / wide) ** 2 + ((ROWS - row) / tall) ** 2
    lobule: Field = rng.uniform(-0.5, 0.4) * np.exp(-away * rng.uniform(0.5, 1.5))
    return lobule


def _shadow_of_skin(rng: np.random.Generator) -> Field:
    """A dark vertical stripe, where the probe has no contact or a ligament absorbs the sound."""
    column = rng.uniform(0, SIDE) + rng.uniform(-0.2, 0.2) * ROWS
    begins = np.clip((ROWS - rng.uniform(0, 60)) / 20, 0, 1)
    shadow: Field = rng.uniform(0.2, 1) * np.exp(-(((COLUMNS - column) / rng.uniform(3, 15)) ** 2)) * begins
    return shadow

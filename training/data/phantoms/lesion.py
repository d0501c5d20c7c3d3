"""Benign and malignant lesions."""

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter

from training.data.phantoms.field import COLUMNS, ROWS, SIDE, Field, texture


@dataclass(frozen=True)
class Lesion:
    """Shape and place of a lesion; lengths in pixels."""

    malignant: bool
    """Whether it looks malignant."""
    row: float
    column: float
    wide: float
    """Half its width."""
    tall: float
    """Half its height."""
    depth: Field
    """Approximate distance inside the border, negative outside, shape (SIDE, SIDE)."""
    angle: Field
    """Polar angle around the centre in radians, shape (SIDE, SIDE)."""


def place_lesion(rng: np.random.Generator, *, malignant: bool) -> Lesion:
    """A lesion that looks malignant or benign, at a random place."""
    wide = rng.uniform(7, 38)
    tall = wide * (rng.uniform(0.55, 1.35) if malignant else rng.uniform(0.35, 0.85))
    row, column = rng.uniform(0.2, 0.7) * SIDE, rng.uniform(0.2, 0.8) * SIDE
    turn = rng.normal(0, 0.5 if malignant else 0.2)
    along = (COLUMNS - column) * np.cos(turn) + (ROWS - row) * np.sin(turn)
    across = (ROWS - row) * np.cos(turn) - (COLUMNS - column) * np.sin(turn)
    angle = np.arctan2(across / tall, along / wide)
    radius = np.hypot(along / wide, across / tall)
    outline = 1 + (_irregular(rng, angle) if malignant else _lobulated(rng, angle))
    return Lesion(malignant, row, column, wide, tall, (outline - radius) * min(wide, tall), angle)


def _lobulated(rng: np.random.Generator, angle: Field) -> Field:
    """A few gentle bulges."""
    outline = np.zeros_like(angle)
    for wave in range(2, 5):
        outline += rng.uniform(0, 0.084) / wave * rng.normal() * np.cos(wave * angle + rng.uniform(0, 6.3))
    return outline


def _irregular(rng: np.random.Generator, angle: Field) -> Field:
    """Corners and indentations of all sizes and, often, spicules."""
    outline = np.zeros_like(angle)
    for wave in range(2, 14):
        size = rng.uniform(0.12, 0.36) / wave**0.9
        outline += size * rng.normal() * np.cos(wave * angle + rng.uniform(0, 6.3))
    if rng.random() < 0.4:
        for _ in range(rng.integers(1, 6)):
            away = np.angle(np.exp(1j * (angle - rng.uniform(-np.pi, np.pi))))
            outline += rng.uniform(0.08, 0.4) * np.exp(-((away / rng.uniform(0.05, 0.2)) ** 2))
    return outline


def add_lesion(rng: np.random.Generator, echo: Field, lesion: Lesion) -> Field:
    """The echo of tissue with a lesion in it."""
    softness = rng.uniform(1.2, 4) if lesion.malignant else rng.uniform(0.4, 1.3)
    inside = 1 / (1 + np.exp(-np.clip(lesion.depth / softness, -30, 30)))
    interior = np.median(echo) - _darkness(rng, lesion) + _interior_texture(rng, lesion)
    behind = echo + _strength_behind(rng, lesion) * _place_behind(rng, lesion, inside)
    together: Field = behind * (1 - inside) + interior * inside
    return together + (_malignant_signs(rng, lesion) if lesion.malignant else _benign_signs(rng, lesion))


def _darkness(rng: np.random.Generator, lesion: Lesion) -> float:
    """How much darker than the tissue: a cyst is black, and some benign lesions are brighter."""
    if lesion.malignant:
        return rng.uniform(0.7, 2.2)
    if rng.random() < 0.12:
        return -rng.uniform(0, 0.4)
    return rng.uniform(2, 4) if rng.random() < 0.3 else rng.uniform(0.4, 1.6)


def _interior_texture(rng: np.random.Generator, lesion: Lesion) -> Field:
    strength = rng.uniform(0.2, 0.7) if lesion.malignant else rng.uniform(0, 0.25)
    return texture(rng, rng.uniform(1.5, 5), rng.uniform(1.5, 6)) * strength


def _strength_behind(rng: np.random.Generator, lesion: Lesion) -> float:
    """Strength of the enhancement behind a lesion or, if negative, of its shadow."""
    chance = rng.random()
    if lesion.malignant:
        return -rng.uniform(0.4, 1.6) if chance < 0.55 else rng.uniform(0, 0.3) if chance < 0.8 else 0.0
    return rng.uniform(0.2, 0.9) if chance < 0.5 else -rng.uniform(0.1, 0.5) if chance < 0.6 else 0.0


def _place_behind(rng: np.random.Generator, lesion: Lesion, inside: Field) -> Field:
    """Weight of the region below a lesion, as wide as the lesion and fading with depth."""
    cover = gaussian_filter(np.maximum.accumulate(inside, 0) * (1 - inside), (1.5, 2.5))
    begins = np.clip((ROWS - lesion.row) / (lesion.tall + 1), 0, 1)
    below = np.maximum(ROWS - lesion.row - lesion.tall, 0)
    place: Field = cover * begins * np.exp(-below / rng.uniform(20, 80))
    return place


def _benign_signs(rng: np.random.Generator, lesion: Lesion) -> Field:
    """A thin bright rim where the border faces the probe."""
    if rng.random() < 0.5:
        return np.zeros((SIDE, SIDE))
    facing = np.abs(np.sin(lesion.angle)) ** rng.uniform(0.5, 2)
    rim: Field = rng.uniform(0.2, 0.7) * np.exp(-((lesion.depth / rng.uniform(0.8, 1.8)) ** 2)) * facing
    return rim


def _malignant_signs(rng: np.random.Generator, lesion: Lesion) -> Field:
    """A broad bright halo, and calcifications inside."""
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

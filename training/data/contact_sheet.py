"""A contact sheet: small images of every class."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from training.data.preparation import PreparedData

WIDTH = 1400
TILE = 128
"""Side in pixels of a square with the area of a tile."""
GAP = 6
MARGIN = 24
HEADING = 30
BACKGROUND = (24, 26, 30)
TEXT = (232, 232, 228)
FAINT = (150, 152, 156)


def draw_contact_sheet(data: PreparedData, path: Path) -> None:
    """Write a PNG with a row of prepared images per class, chosen by the seed of the split."""
    rng = np.random.default_rng(data.split_seed)
    labels = np.array([record.label for record in data.records])
    _, channels, height, width = data.pixels.shape
    scale = TILE / (height * width) ** 0.5
    tile = (round(width * scale), round(height * scale))
    columns = (WIDTH - 2 * MARGIN + GAP) // (tile[0] + GAP)
    step = HEADING + tile[1] + 2 * GAP
    size = (
        2 * MARGIN + columns * (tile[0] + GAP) - GAP,
        2 * MARGIN + HEADING + len(data.class_names) * step,
    )
    sheet = Image.new("RGB", size, BACKGROUND)
    draw = ImageDraw.Draw(sheet)
    _write(draw, (MARGIN, MARGIN), data.source.title, 20, TEXT, size[0])
    for label, name in enumerate(data.class_names):
        top = MARGIN + HEADING + label * step + GAP
        members = np.flatnonzero(labels == label)
        _write(draw, (MARGIN, top), f"{name}   {len(members)} images", 15, FAINT, size[0])
        chosen = np.sort(rng.choice(members, min(columns, len(members)), replace=False))
        for column, pixels in enumerate(data.pixels[chosen]):
            image = _picture(pixels, channels).resize(tile, Image.Resampling.LANCZOS)
            sheet.paste(image, (MARGIN + column * (tile[0] + GAP), top + HEADING - GAP))
    sheet.save(path)


def _picture(pixels: NDArray[np.uint8], channels: int) -> Image.Image:
    return Image.fromarray(pixels[0] if channels == 1 else pixels.transpose(1, 2, 0))


def _write(
    draw: ImageDraw.ImageDraw,
    place: tuple[int, int],
    text: str,
    size: int,
    colour: tuple[int, int, int],
    width: int,
) -> None:
    """Write one line, cut to the width of the sheet."""
    font = ImageFont.load_default(size)
    while draw.textlength(text, font) > width - 2 * MARGIN:
        text = text.removesuffix("…")[:-1] + "…"
    draw.text(place, text, fill=colour, font=font)

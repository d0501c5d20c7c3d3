"""A synthetic data set that is small enough to train on in seconds."""

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from chalicelib.tasks import Augmentation
from training.model.ood_score import OODScore, fit_ood_score
from training.model.residual_network import Architecture, ResidualNetwork

PATIENTS = 12
"""Per class; the split needs ten."""
VIEWS = 2
"""Images per patient."""
NO_RECIPE = ("--recipe", os.devnull)
"""Options of a training: a small network from random weights instead of the task's recipe."""
NO_AUGMENTATION = Augmentation(
    flip=False,
    rotate_degrees=0,
    scale=0,
    shift=0,
    gamma=0,
    contrast=0,
    fog=0,
    noise=0,
    quarter_turns=False,
    colour=0,
)


def blob(label: int, classes: int, seed: int) -> Image.Image:
    """A noisy image whose class is the position of its bright band."""
    rng = np.random.default_rng((seed, label))
    height = 64 // classes
    pixels = rng.integers(0, 60, (64, 40)).astype(np.uint8)
    pixels[label * height : (label + 1) * height, 5:30] = rng.integers(180, 255, (height, 25))
    return Image.fromarray(pixels)


def write_images(folder: Path, class_names: Sequence[str], patients: int = PATIENTS) -> Path:
    """Write one folder of images per class into `folder`."""
    for label, name in enumerate(class_names):
        (folder / name).mkdir(parents=True)
        for patient in range(patients):
            for view in range(VIEWS):
                image = blob(label, len(class_names), VIEWS * patient + view)
                image.save(folder / name / f"p{patient:02}-{view}.png")
    return folder


def write_manifest(folder: Path) -> None:
    """Write a manifest.csv for the images in `folder`, with the patient in the file name as group."""
    lines = ["path,class,group"]
    for path in sorted(folder.glob("*/*.png")):
        name = path.parent.name
        lines.append(f"{name}/{path.name},{name},{name}-{path.stem[:3]}")
    (folder / "manifest.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")


def make_network(channels: int = 1, classes: int = 2, width: int = 4, **others: int | str) -> ResidualNetwork:
    """A network with random weights."""
    usual: dict[str, int | str] = {"stem_stride": 4, "padding": 0, "normalization": "image"}
    return ResidualNetwork(Architecture(channels, classes, width, 0.0, **{**usual, **others}))  # type: ignore[arg-type]


def make_ood_score(descriptors: int) -> OODScore:
    """An OOD score that is fitted to uniform random descriptors between 0 and 1."""
    train, validation, others = torch.rand(3, 200, descriptors)
    return fit_ood_score(train, torch.arange(200) % 3, validation, others + 1, 0.99)

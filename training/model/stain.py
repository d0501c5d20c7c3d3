"""Random changes of the stains of H&E images, which set the slides of one laboratory apart from another's."""

import torch
from torch import Tensor

from training.model.random_numbers import RandomNumbers

# Optical density of red, green and blue of haematoxylin, eosin, and what is left (DAB's): table 1 of Ruifrok
# and Johnston, "Quantification of histochemical staining by color deconvolution" (2001).
STAINS = torch.tensor([[0.65, 0.70, 0.29], [0.07, 0.99, 0.11], [0.27, 0.57, 0.78]])
STAINS = STAINS / STAINS.norm(dim=1, keepdim=True)
DARKEST = 1 / 255
"""Smallest transmittance; that of black is 0, whose density is infinite."""
TINT = 0.25
"""Small, because a constant change tints the glass as well."""


def vary_stains(images: Tensor, amount: float, numbers: RandomNumbers) -> Tensor:
    """Vary the concentration of every stain of an image (Tellez et al. 2018).

    Args:
        images: RGB, float 0..1, shape (N, 3, H, W).
        amount: largest relative change of a concentration; all concentrations also change by up to `TINT`
            times as much in optical density.
        numbers: that are random.
    """
    shape = (len(images), len(STAINS), 1, 1)
    scale, shift = (numbers.uniform(shape, -largest, largest) for largest in (amount, amount * TINT))
    density = -images.clamp_min(DARKEST).log()
    concentrations = torch.einsum("nchw,cs->nshw", density, torch.linalg.inv(STAINS))
    varied = concentrations * (1 + scale) + shift
    return torch.einsum("nshw,sc->nchw", varied, STAINS).neg().exp().clamp(0, 1)

import torch

from training.model.random_numbers import RandomNumbers
from training.model.stain import STAINS, vary_stains

IMAGES = torch.rand(16, 3, 6, 5, generator=torch.Generator().manual_seed(1))


def vary(amount: float, seed: int = 2) -> torch.Tensor:
    return vary_stains(IMAGES, amount, RandomNumbers().manual_seed(seed))


def test_vary_stains_by_nothing_changes_nothing() -> None:
    assert torch.allclose(vary(0.0), IMAGES.clamp_min(1 / 255), atol=1e-5)


def test_vary_stains_follows_from_the_generator() -> None:
    assert torch.equal(vary(0.2), vary(0.2))
    assert not torch.equal(vary(0.2), vary(0.2, seed=3))


def test_vary_stains_keeps_the_value_range() -> None:
    changed = vary(1.0)

    assert torch.isfinite(changed).all()
    assert 0 <= changed.min() <= changed.max() <= 1


def test_vary_stains_keeps_the_hue_of_a_stain() -> None:
    haematoxylin = (-0.8 * STAINS[0]).exp().view(1, 3, 1, 1).expand(32, -1, 1, 1)

    changed = vary_stains(haematoxylin, 0.05, RandomNumbers().manual_seed(1))

    densities = -changed.flatten(1).log()
    assert torch.nn.functional.cosine_similarity(densities, STAINS[0].expand_as(densities)).min() > 0.99
    assert densities.std(0).max() > 0.01

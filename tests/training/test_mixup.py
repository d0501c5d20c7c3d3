"""Mixed images get mixed targets."""

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from training.model.mixup import Mixer
from training.model.random_numbers import RandomNumbers

IMAGES = torch.arange(8.0).view(8, 1, 1, 1).expand(8, 1, 12, 20) / 8
TARGETS = functional.one_hot(torch.arange(8), 8).float()


def mix(mixup: float, cutmix: float, seed: int = 0) -> tuple[Tensor, Tensor]:
    images, targets = Mixer(mixup, cutmix, RandomNumbers().manual_seed(seed))(IMAGES, TARGETS)
    return images, targets


def test_mixer_with_zero_probabilities_changes_nothing() -> None:
    images, targets = mix(0, 0)

    assert torch.equal(images, IMAGES)
    assert torch.equal(targets, TARGETS)


@pytest.mark.parametrize(("mixup", "cutmix"), [(1, 0), (0, 1)])
def test_targets_are_the_shares_of_the_mixed_images(mixup: float, cutmix: float) -> None:
    for seed in range(10):
        images, targets = mix(mixup, cutmix, seed)

        # Each image has a grey value of its own, so the mean gives the shares of the two images.
        assert targets.sum(1) == pytest.approx(1)
        assert images.mean((1, 2, 3)) == pytest.approx((targets @ (torch.arange(8.0) / 8)), abs=1e-5)
    assert not torch.equal(images, IMAGES)


def test_mixup_changes_every_pixel_and_cutmix_only_some() -> None:
    blended, pasted = mix(1, 0)[0], mix(0, 1)[0]

    assert all(len(image.unique()) == 1 for image in blended)
    assert max(len(image.unique()) for image in pasted) == 2


def test_probabilities_are_shares_of_the_batches() -> None:
    mixer = Mixer(0.25, 0.25, RandomNumbers().manual_seed(0))
    kinds = [max(len(image.unique()) for image in mixer(IMAGES, TARGETS)[0]) for _ in range(200)]
    untouched = 200 - sum(not torch.equal(mixer(IMAGES, TARGETS)[0], IMAGES) for _ in range(200))

    assert 30 < kinds.count(2) < 70
    assert 70 < untouched < 130

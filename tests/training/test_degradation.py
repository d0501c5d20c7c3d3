"""Changes of quality: each does what it is called, to about as many images as it should."""

import pytest
import torch
from torch import Tensor

from training.model.degradation import Degradation
from training.model.random_numbers import RandomNumbers

COUNT = 200


@pytest.fixture
def degradation() -> Degradation:
    return Degradation(RandomNumbers().manual_seed(0))


def stripes(channels: int = 1) -> Tensor:
    """Images (200, C, 32, 24) with fine vertical stripes."""
    images = torch.zeros(COUNT, channels, 32, 24)
    images[:, :, :, ::2] = 1
    return images


def changed(before: Tensor, after: Tensor) -> Tensor:
    assert after.shape == before.shape
    return (after - before).abs().amax((1, 2, 3)) > 1e-4


def test_inversion_inverts_a_share_of_the_images(degradation: Degradation) -> None:
    images = stripes()

    after = degradation.invert(images, 0.25)

    inverted = changed(images, after)
    assert 0.15 < inverted.float().mean() < 0.35
    assert torch.equal(after[inverted], 1 - images[inverted])


@pytest.mark.parametrize("channels", [1, 3])
def test_blur_smooths_half_of_the_images_and_keeps_means(degradation: Degradation, channels: int) -> None:
    images = stripes(channels)

    after = degradation.blur(images, 0.05)

    blurred = changed(images, after)
    assert 0.3 < blurred.float().mean() < 0.7
    assert after[blurred].std((1, 2, 3)).min() < 0.1 < images.std()
    assert after.mean((1, 2, 3)) == pytest.approx(images.mean((1, 2, 3)), abs=0.05)


def test_blur_mixes_no_images_and_no_channels(degradation: Degradation) -> None:
    images = torch.zeros(COUNT, 3, 32, 24)
    images[::2, 0] = 1

    assert torch.allclose(degradation.blur(images, 0.05), images, atol=1e-5)


def test_blur_takes_images_that_are_not_contiguous(degradation: Degradation) -> None:
    """Those beside outlines are channels of a larger tensor."""
    with_outlines = stripes(4)

    assert degradation.blur(with_outlines[:, :-1], 0.05).shape == (COUNT, 3, 32, 24)


def test_lower_resolution_loses_fine_detail_only(degradation: Degradation) -> None:
    images = stripes()
    images[:, :, 16:] = 0.25  # a smooth half

    after = degradation.reduce_resolution(images, 4)

    reduced = changed(images, after)
    assert 0.3 < reduced.float().mean() < 0.7
    assert after[:, :, 24:] == pytest.approx(images[:, :, 24:], abs=1e-5)
    assert after[reduced, :, :8].std() < images[:, :, :8].std()


def test_markers_touch_an_edge(degradation: Degradation) -> None:
    images = torch.full((COUNT, 1, 32, 24), 0.5)

    after = degradation.add_markers(images.clone(), 0.5)

    marked = changed(images, after)
    assert 0.35 < marked.float().mean() < 0.65
    for image in after[marked]:
        edges = torch.cat([image[0, 0], image[0, -1], image[0, :, 0], image[0, :, -1]])
        assert (edges != 0.5).any()
        assert (image != 0.5).float().mean() < 0.05
        assert set(image.unique().tolist()) in ({0.0, 0.5}, {0.5, 1.0})


def test_changes_follow_from_the_seed() -> None:
    first, again = (Degradation(RandomNumbers().manual_seed(3)).blur(stripes(), 0.05) for _ in range(2))
    assert torch.equal(first, again)

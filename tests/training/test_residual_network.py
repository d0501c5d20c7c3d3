"""The residual network, and batch-norm folding for inference."""

import pytest
import torch
from torch import nn

from tests.training.samples import make_network
from training.model.classifier import fold_batch_norm
from training.model.residual_network import Halve, ResidualNetwork


def make_trained_network(channels: int = 1, classes: int = 3, **others: int | str) -> ResidualNetwork:
    """A network with random batch-norm statistics, as if it were trained."""
    torch.manual_seed(0)
    network = make_network(channels, classes, 8, **others)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.normal_(module.running_mean, 0, 0.1)  # type: ignore[arg-type]  # tracked, so not None
            nn.init.uniform_(module.running_var, 0.5, 1.5)  # type: ignore[arg-type]
            nn.init.uniform_(module.weight, 0.5, 1.5)
    return network.eval()


@pytest.mark.parametrize(("channels", "height", "width"), [(1, 224, 112), (3, 50, 50)])
def test_network_accepts_any_size_and_number_of_channels(channels: int, height: int, width: int) -> None:
    assert make_trained_network(channels)(torch.rand(2, channels, height, width)).shape == (2, 3)


@pytest.mark.parametrize(("height", "width"), [(16, 8), (15, 8), (15, 7)])
def test_halving_keeps_odd_rows_and_columns(height: int, width: int) -> None:
    maps = torch.rand(2, 3, height, width)

    assert torch.allclose(Halve()(maps), nn.AvgPool2d(2, ceil_mode=True)(maps))


def test_fold_batch_norm_changes_no_answer() -> None:
    network, images = make_trained_network(), torch.rand(4, 1, 64, 32)

    folded = fold_batch_norm(network)

    assert not [module for module in folded.modules() if isinstance(module, nn.BatchNorm2d)]
    assert torch.allclose(folded(images), network(images), atol=1e-5)


def test_stem_with_a_smaller_stride_gives_larger_maps() -> None:
    images = torch.rand(2, 3, 50, 50)

    assert make_trained_network(3).features(images)[0].shape == (2, 64, 2, 2)
    assert make_trained_network(3, stem_stride=2).features(images)[0].shape == (2, 64, 4, 4)


def test_image_normalisation_cancels_exposure_and_nearly_contrast() -> None:
    normalise = make_trained_network().normalise
    images = torch.rand(2, 1, 64, 32)
    faded = normalise(0.5 * images)

    assert torch.allclose(normalise(images + 0.3), normalise(images), atol=1e-5)
    assert 0.8 < faded.std() / normalise(images).std() < 1
    assert torch.allclose(normalise(torch.full((1, 1, 8, 8), 0.7)), torch.zeros(1), atol=1e-5)


def test_fixed_normalisation_keeps_colour() -> None:
    normalise = make_trained_network(3, normalization="fixed").normalise
    images = torch.rand(2, 3, 8, 8)

    assert torch.allclose(normalise(images)[0], normalise(images[:1]))
    assert normalise(torch.tensor([0.0, 0.5, 1.0])).tolist() == [-2, 0, 2]


def test_padding_is_black() -> None:
    image = torch.full((1, 1, 20, 10), 255, dtype=torch.uint8)
    padded = make_trained_network(padding=8).pad(image)

    assert padded.shape == (1, 1, 36, 26)
    assert padded.sum() == 200
    assert padded[:, :, 8:-8, 8:-8].min() == 1
    assert make_trained_network().pad(image).shape == image.shape

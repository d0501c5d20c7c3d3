"""Inference for many images."""

import pytest
import torch
from torch import Tensor, nn

from training.model.runner import Runner


class Sums(nn.Module):
    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        return images.float().sum((1, 2, 3)), images.float().mean((2, 3))


@pytest.mark.parametrize("count", [3, 1000])
@pytest.mark.parametrize("images", [torch.rand(3, 2, 5, 4), torch.ones(3, 1, 4, 4, dtype=torch.uint8)])
def test_runner_answers_like_the_module(count: int, images: Tensor) -> None:
    runner = Runner(Sums(), 2, count, torch.device("cpu"))

    for inputs in (images, images[:1]):
        for answer, expected in zip(runner(inputs), Sums()(inputs), strict=True):
            assert torch.allclose(answer, expected)

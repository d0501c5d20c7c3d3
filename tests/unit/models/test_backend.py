"""Outputs of models."""

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from chalicelib.models.backend import ModelIdentity, ModelOutputs
from chalicelib.models.thresholds import Thresholds


def outputs(distance: NDArray[np.float32] | None, threshold: float) -> ModelOutputs:
    model = ModelIdentity("1", None, "embedded")
    return ModelOutputs(np.full((2, 2), 0.5, np.float32), None, distance, Thresholds(threshold), model)


@pytest.mark.parametrize(
    ("threshold", "found"), [(2.0, [False, True]), (3.0, [False, False]), (0.5, [True, True])]
)
def test_image_beyond_the_threshold_is_out_of_distribution(threshold: float, found: list[bool]) -> None:
    answer = outputs(np.array([1, 3], np.float32), threshold)

    assert [answer.is_out_of_distribution(index) for index in range(2)] == found


def test_model_without_distances_finds_nothing_out_of_distribution() -> None:
    assert not outputs(None, math.inf).is_out_of_distribution(0)

"""The distance from the training images."""

import numpy as np
import pytest
import torch
from torch import Tensor

from training.model.ood_score import fit_distance, fit_ood_score, fit_score

CENTRES = torch.tensor([[0.0, 0.0, 0.0], [20.0, 0.0, 0.0]])
SPREAD = torch.tensor([[2.0, 0.0, 0.0], [0.8, 1.5, 0.0], [0.0, 0.0, 50.0]])


def draw_descriptors(count: int, seed: int) -> tuple[Tensor, Tensor]:
    """Descriptors of two classes with the same correlated covariance, and their labels."""
    labels = torch.arange(count) % 2
    noise = torch.randn(count, 3, generator=torch.Generator().manual_seed(seed))
    return CENTRES[labels] + noise @ SPREAD, labels


def test_distance_is_mahalanobis_to_the_nearest_class() -> None:
    distance = fit_distance(*draw_descriptors(4000, 0))
    probes = torch.tensor([[0.0, 0.0, 0.0], [20.0, 0.0, 0.0], [10.0, 0.0, 0.0], [0.0, 5.0, 0.0]])

    inverse = torch.linalg.inv(SPREAD.T @ SPREAD)
    expected = [min(((p - c) @ inverse @ (p - c)).sqrt().item() for c in CENTRES) for p in probes]
    # Shrinkage slightly reduces the correlations.
    assert distance(probes).numpy() == pytest.approx(expected, rel=0.3, abs=0.3)


def test_score_of_one_is_the_edge_of_the_validation_images() -> None:
    (train, labels), (validation, _) = draw_descriptors(2000, 0), draw_descriptors(1000, 1)

    score = fit_ood_score(train, labels, validation, None, 0.95)

    distances = score(validation)
    assert (distances <= 1).float().mean().item() == pytest.approx(0.95, abs=0.002)
    assert distances.min() >= 0
    assert score(torch.full((1, 3), 1000.0)).item() > 10


@pytest.mark.parametrize(("quantile", "alike"), [(0.5, False), (0.99, True)])
def test_distances_are_numbers_where_the_edge_is_the_middle(quantile: float, alike: bool) -> None:
    """That of an odd number of images is one of them."""
    (train, labels), (validation, _) = draw_descriptors(100, 0), draw_descriptors(7, 1)
    validation = validation[:1].expand(7, 3) if alike else validation

    distances = fit_ood_score(train, labels, validation, train + 100, quantile)(validation)

    assert torch.isfinite(distances).all()


def test_counterexamples_improve_detection_of_small_shifts_in_all_descriptors() -> None:
    train, validation, others, unseen = torch.randn(4, 1000, 30, generator=torch.Generator().manual_seed(0))
    labels = torch.zeros(1000, dtype=torch.long)

    without = fit_ood_score(train, labels, validation, None, 0.99)
    shown = fit_ood_score(train, labels, validation, others + 0.7, 0.99)

    assert (without(unseen + 0.7) > 1).float().mean() < 0.5
    assert (shown(unseen + 0.7) > 1).float().mean() > 0.8
    assert (shown(validation) <= 1).float().mean() > 0.97


def test_linear_score_separates_counterexamples_from_training_images() -> None:
    train = torch.randn(500, 8) * torch.logspace(-2, 2, 8)
    others = train + 4 * torch.logspace(-2, 2, 8)

    score = fit_score(train, others)

    answers = np.concatenate([score(train).numpy(), score(others).numpy()]).ravel()
    assert ((answers > 0) == np.repeat([False, True], 500)).mean() > 0.99

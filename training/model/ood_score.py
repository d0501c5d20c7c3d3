"""The distance of an image from the training images, by which out-of-distribution images are recognised."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

SHRINKAGE = 0.2
"""Shrinkage of the correlations towards zero, so that their matrix can be inverted."""
PENALTY = 0.01
"""Inverse strength of the ridge penalty: there may be fewer images than descriptors."""


@dataclass(frozen=True)
class Scale:
    """A linear scale: 0 is the middle of the validation images, 1 their edge."""

    middle: float
    edge: float

    def __call__(self, values: Tensor) -> Tensor:
        """Values -> the same on this scale; on one with its edge in the middle, their distance from it."""
        return (values - self.middle) / (self.edge - self.middle or 1.0)


class MahalanobisDistance(nn.Module):
    """Mahalanobis distance to the nearest class mean, with a shared covariance (Lee et al. 2018)."""

    whitening: Tensor
    means: Tensor

    def __init__(self, means: Tensor, whitening: Tensor):
        """Take class means (K, D) and a matrix (D, D) that whitens the shared covariance."""
        super().__init__()
        self.register_buffer("whitening", whitening.float())
        self.register_buffer("means", (means @ whitening).float())

    def forward(self, descriptors: Tensor) -> Tensor:
        """Descriptors (N, D) -> distances (N,)."""
        differences = (descriptors @ self.whitening)[:, None] - self.means
        return differences.square().sum(2).min(1).values.sqrt()


class OODScore(nn.Module):
    """The distance of an image from the training images; about 1 at the edge of the validation images.

    It is the larger of two distances: a Mahalanobis distance, which is fitted to the training images only,
    and, if there are counterexamples, a linear score that separates them from training images (outlier
    exposure, Hendrycks et al. 2019).
    """

    score: nn.Linear | None

    def __init__(
        self, distance: MahalanobisDistance, scale: Scale, score: nn.Linear | None, score_scale: Scale | None
    ):
        super().__init__()
        self.distance = distance
        self.scale = scale
        self.score = score
        self.score_scale = score_scale

    def forward(self, descriptors: Tensor) -> Tensor:
        """Descriptors (N, D) -> distances (N,)."""
        distances = self.scale(self.distance(descriptors))
        if self.score is None or self.score_scale is None:
            return distances
        return torch.maximum(distances, self.score_scale(self.score(descriptors).squeeze(1)))


def fit_ood_score(
    train: Tensor, labels: Tensor, validation: Tensor, counterexamples: Tensor | None, quantile: float
) -> OODScore:
    """Fit the score.

    Args:
        train: descriptors of the training images, shape (N, D).
        labels: of the training images, shape (N,).
        validation: descriptors of other images of the same kind, shape (M, D); they set the scales.
        counterexamples: descriptors of out-of-distribution images, shape (L, D); None without any.
        quantile: share of the validation images inside the edge.
    """
    distance = fit_distance(train, labels)
    # A distance is never negative: its scale starts at 0.
    scale = Scale(0.0, torch.quantile(distance(validation), quantile).item())
    if counterexamples is None:
        return OODScore(distance, scale, None, None)
    score = fit_score(train, counterexamples)
    with torch.inference_mode():
        scores = score(validation).squeeze(1)
    score_scale = Scale(scores.median().item(), torch.quantile(scores, quantile).item())
    return OODScore(distance, scale, score, score_scale)


def fit_distance(train: Tensor, labels: Tensor) -> MahalanobisDistance:
    """The distance for class means and shared covariance of descriptors (N, D) with labels (N,)."""
    train = train.double()
    classes, members = torch.unique(labels, return_inverse=True)
    means = torch.stack([train[members == index].mean(0) for index in range(len(classes))])
    deviations = train - means[members]
    # Layers differ in scale: shrink correlations rather than covariances.
    spread = deviations.square().mean(0).sqrt() + 1e-6
    standard = deviations / spread
    correlation = standard.T @ standard / len(standard)
    correlation = (1 - SHRINKAGE) * correlation + SHRINKAGE * torch.eye(len(correlation))
    variances, axes = torch.linalg.eigh(correlation)
    return MahalanobisDistance(means, axes / variances.sqrt() / spread[:, None])


def fit_score(train: Tensor, counterexamples: Tensor) -> nn.Linear:
    """A linear score: high for counterexamples (M, D), low for training images (N, D)."""
    from sklearn.linear_model import LogisticRegression  # its import takes a second

    middle, spread = train.mean(0), train.std(0) + 1e-6
    images = ((torch.cat([train, counterexamples]) - middle) / spread).numpy()
    is_counterexample = np.repeat([0, 1], [len(train), len(counterexamples)])
    model = LogisticRegression(C=PENALTY, class_weight="balanced", max_iter=5000).fit(
        images, is_counterexample
    )
    weight = torch.from_numpy(model.coef_).float() / spread
    score = nn.Linear(train.shape[1], 1)
    with torch.no_grad():
        score.weight.copy_(weight)
        score.bias.copy_(torch.from_numpy(model.intercept_).float() - weight @ middle)
    return score.requires_grad_(False)

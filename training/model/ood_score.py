"""How far an image lies from everything seen in training, to tell "this is not an image of this kind"."""

from dataclasses import dataclass

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression
from torch import Tensor, nn

SHRINKAGE = 0.2
"""Share of every correlation that is taken for chance, so that their matrix can be inverted safely."""
PENALTY = 0.01
"""Inverse strength of the logistic regression's ridge penalty: there may be fewer images than descriptors."""


@dataclass(frozen=True)
class Scale:
    """Where the familiar lies on an axis: at 0 its middle, at 1 its edge."""

    middle: float
    edge: float

    def __call__(self, values: Tensor) -> Tensor:
        """Any values -> the same on this scale."""
        return (values - self.middle) / (self.edge - self.middle)


class MahalanobisDistance(nn.Module):
    """Distance to the nearest class mean, in units of the common spread (Lee et al. 2018)."""

    whitening: Tensor
    means: Tensor

    def __init__(self, means: Tensor, whitening: Tensor):
        """Take class means (K, D) and a matrix (D, D) that turns the common covariance into the identity."""
        super().__init__()
        self.register_buffer("whitening", whitening.float())
        self.register_buffer("means", (means @ whitening).float())

    def forward(self, descriptors: Tensor) -> Tensor:
        """Descriptors (N, D) -> distances (N,)."""
        differences = (descriptors @ self.whitening)[:, None] - self.means
        return differences.square().sum(2).min(1).values.sqrt()


class OODScore(nn.Module):
    """An image's distance from the familiar, about 1 at its edge.

    It has two opinions, of which the more alarmed one counts: a Mahalanobis distance, which knows nothing but
    the training images, and, where counterexamples were shown, a linear score that tells these from training
    images (outlier exposure, Hendrycks et al. 2019).
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
    """Learn what is familiar.

    Args:
        train: descriptors of the training images, shape (N, D).
        labels: of the training images, shape (N,).
        validation: descriptors of images that nothing was learnt from; they set the scales.
        counterexamples: descriptors of images of other kinds, if there are any.
        quantile: share of the validation images within the edge.
    """
    distance = fit_distance(train, labels)
    # A distance is never negative: its scale begins where it does.
    scale = Scale(0.0, torch.quantile(distance(validation), quantile).item())
    if counterexamples is None:
        return OODScore(distance, scale, None, None)
    score = fit_score(train, counterexamples)
    with torch.inference_mode():
        scores = score(validation).squeeze(1)
    score_scale = Scale(scores.median().item(), torch.quantile(scores, quantile).item())
    return OODScore(distance, scale, score, score_scale)


def fit_distance(train: Tensor, labels: Tensor) -> MahalanobisDistance:
    """The distance for class means and common covariance of descriptors (N, D) with labels (N,)."""
    train = train.double()
    classes, members = torch.unique(labels, return_inverse=True)
    means = torch.stack([train[members == index].mean(0) for index in range(len(classes))])
    deviations = train - means[members]
    # Layers differ in scale; as correlations, shrinkage treats them alike.
    spread = deviations.square().mean(0).sqrt() + 1e-6
    standard = deviations / spread
    correlation = standard.T @ standard / len(standard)
    correlation = (1 - SHRINKAGE) * correlation + SHRINKAGE * torch.eye(len(correlation))
    variances, axes = torch.linalg.eigh(correlation)
    return MahalanobisDistance(means, axes / variances.sqrt() / spread[:, None])


def fit_score(train: Tensor, counterexamples: Tensor) -> nn.Linear:
    """A linear score, high for counterexamples (M, D) and low for training images (N, D)."""
    middle, spread = train.mean(0), train.std(0) + 1e-6
    images = ((torch.cat([train, counterexamples]) - middle) / spread).numpy()
    foreign = np.repeat([0, 1], [len(train), len(counterexamples)])
    model = LogisticRegression(C=PENALTY, class_weight="balanced", max_iter=5000).fit(images, foreign)
    weight = torch.from_numpy(model.coef_).float() / spread
    score = nn.Linear(train.shape[1], 1)
    with torch.no_grad():
        score.weight.copy_(weight)
        score.bias.copy_(torch.from_numpy(model.intercept_).float() - weight @ middle)
    return score.requires_grad_(False)

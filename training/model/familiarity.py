"""How far an image lies from everything seen in training, to tell "this is not an image of this kind"."""

import torch
from torch import Tensor, nn

SHRINKAGE = 0.05
"""Share of the covariance that is replaced by its mean variance, so that it can be inverted safely."""


class MahalanobisDistance(nn.Module):
    """Distance of features to the nearest class mean, in units of the common spread (Lee et al. 2018)."""

    whitening: Tensor
    means: Tensor

    def __init__(self, means: Tensor, whitening: Tensor):
        """Take class means (K, F) and a matrix (F, F) that turns the common covariance into the identity."""
        super().__init__()
        self.register_buffer("whitening", whitening.float())
        self.register_buffer("means", (means @ whitening).float())

    def forward(self, features: Tensor) -> Tensor:
        """Features (N, F) -> distances (N,)."""
        differences = (features @ self.whitening)[:, None] - self.means
        return differences.square().sum(2).min(1).values.sqrt()


def fit_distance(features: Tensor, labels: Tensor) -> MahalanobisDistance:
    """Learn the class means and the common covariance from training features (N, F) and labels (N,)."""
    features = features.double()
    classes, members = torch.unique(labels, return_inverse=True)
    means = torch.stack([features[members == index].mean(0) for index in range(len(classes))])
    deviations = features - means[members]
    covariance = deviations.T @ deviations / len(features)
    mean_variance = covariance.diagonal().mean()
    covariance = (1 - SHRINKAGE) * covariance + SHRINKAGE * mean_variance * torch.eye(len(covariance))
    variances, axes = torch.linalg.eigh(covariance)
    return MahalanobisDistance(means, axes / variances.sqrt())

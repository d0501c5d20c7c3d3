"""Accuracy of predictions, as a plain number."""

import numpy as np

from training.core.arrays import Ints


def balanced_accuracy(labels: Ints, predicted: Ints) -> float:
    """Mean sensitivity over the classes that occur in `labels`; both of shape (N,)."""
    return float(np.mean([(predicted[labels == label] == label).mean() for label in np.unique(labels)]))

"""Calibration of probabilities: temperature scaling (Guo et al. 2017) and calibration error."""

from typing import Any

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, softmax

from training.core.arrays import Floats, Ints

MIN_TEMPERATURE, MAX_TEMPERATURE = 0.05, 20.0
BINS = 15
CHANCE_DRAWS = 1000


def fit_temperature(logits: Floats, labels: Ints, correction: Floats | float = 0.0) -> tuple[float, float]:
    """The temperature that calibrates logits, shape (N, classes), and the loss with it.

    Logits are divided by the temperature; then `correction`, shape (classes,), is added. The temperature
    minimises the negative log-likelihood of targets that are smoothed like those of Platt (1999): N images
    without an error lead to a confidence of (N + 1) / (N + 2), not to certainty.
    """
    count, classes = logits.shape
    wrong = 1 / (count + 2) / (classes - 1)
    targets = np.full((count, classes), wrong)
    targets[np.arange(count), labels] = 1 - wrong * (classes - 1)

    def loss(log_temperature: float) -> float:
        corrected = logits / np.exp(log_temperature) + correction
        return float(-(targets * log_softmax(corrected, axis=1)).sum(1).mean())

    best = minimize_scalar(loss, bounds=(np.log(MIN_TEMPERATURE), np.log(MAX_TEMPERATURE)), method="bounded")
    return float(np.exp(best.x)), float(best.fun)


def reliability_table(probabilities: Floats, labels: Ints) -> dict[str, Any]:
    """Mean confidence, accuracy and number of images in 15 bins of confidence of equal width.

    Confidence is the probability of the predicted class. `confidence`, `accuracy` and `images` are lists with
    an entry for each bin that has images.
    """
    confidence = probabilities.max(1)
    correct = probabilities.argmax(1) == labels
    bins = _bins(confidence)
    images = np.bincount(bins, minlength=BINS)
    used = images > 0
    means = [np.bincount(bins, values, BINS)[used] / images[used] for values in (confidence, correct)]
    return {"confidence": means[0].tolist(), "accuracy": means[1].tolist(), "images": images[used].tolist()}


def expected_calibration_error(probabilities: Floats, labels: Ints) -> float:
    """Mean gap between confidence and accuracy over the bins of `reliability_table`, weighted by size."""
    table = reliability_table(probabilities, labels)
    gaps = np.abs(np.subtract(table["confidence"], table["accuracy"]))
    return float(np.average(gaps, weights=table["images"]))


def calibration_error_by_chance(probabilities: Floats, seed: int) -> tuple[float, float]:
    """Mean and 95th percentile of the calibration error that these answers would have if calibrated.

    Even the error of calibrated probabilities is not 0: it is a mean of absolute gaps, and few images leave a
    gap in each bin. Here, each answer is right with its own probability (Vaicenavicius et al. 2019).
    """
    confidence, rng = probabilities.max(1), np.random.default_rng(seed)
    bins = _bins(confidence)
    errors = []
    for _ in range(CHANCE_DRAWS):
        right = rng.random(len(confidence)) < confidence
        errors.append(np.abs(np.bincount(bins, right - confidence)).sum() / len(confidence))
    return float(np.mean(errors)), float(np.quantile(errors, 0.95))


def change_temperature(probabilities: Floats, factor: float) -> Floats:
    """The probabilities, shape (N, classes), at `factor` times the temperature."""
    changed: Floats = softmax(np.log(np.maximum(probabilities, np.finfo(float).tiny)) / factor, axis=1)
    return changed


def _bins(confidence: Floats) -> Ints:
    bins: Ints = np.minimum((confidence * BINS).astype(np.int64), BINS - 1)
    return bins

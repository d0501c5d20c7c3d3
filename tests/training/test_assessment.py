"""Measurements of an assessment that need no true classes."""

import numpy as np
import pytest

from chalicelib.tasks import load_task
from tests.training.assessments import make_assessment


def test_profile_describes_the_answers_without_true_classes() -> None:
    task = load_task("chest-xray")
    assessment = make_assessment(task)
    profile, probabilities = assessment.metrics["profile"], assessment.answers.probabilities

    assert profile["images"] == len(probabilities)
    assert sum(profile["labels"].values()) == pytest.approx(1)
    assert profile["labels"]["normal"] == np.mean(probabilities.argmax(1) == 0)
    below = [np.mean(probabilities.max(1) <= decile) for decile in profile["confidence_deciles"]]
    assert below == pytest.approx(np.arange(1, 10) / 10, abs=0.01)
    assert profile["distance_deciles"] == pytest.approx(np.linspace(5, 30, 11)[1:-1], abs=1e-4)

"""What is measured beside the metrics."""

import numpy as np
import pytest

from chalicelib.tasks import load_task
from tests.training.assessments import made_up


def test_the_profile_says_what_answers_look_like_without_true_classes() -> None:
    task = load_task("chest-xray")
    assessment = made_up(task)
    profile, probabilities = assessment.metrics["profile"], assessment.answers.probabilities

    assert profile["images"] == len(probabilities)
    assert sum(profile["labels"].values()) == pytest.approx(1)
    assert profile["labels"]["normal"] == np.mean(probabilities.argmax(1) == 0)
    below = [np.mean(probabilities.max(1) <= decile) for decile in profile["confidence_deciles"]]
    assert below == pytest.approx(np.arange(1, 10) / 10, abs=0.01)
    assert profile["distance_deciles"] == pytest.approx(np.linspace(5, 30, 11)[1:-1], abs=1e-4)

"""Answers for single images."""

from dataclasses import replace

import numpy as np

from chalicelib.models.backend import ModelIdentity, ModelOutputs
from chalicelib.models.classification import Classification
from chalicelib.models.thresholds import Thresholds
from chalicelib.tasks import load_task
from tests.models import TASK

TASK_ = load_task(TASK)
BOX = (0, 0, TASK_.input.width, TASK_.input.height)
ACTIVATION = np.zeros((2, 5, 7, 4), np.float32)
ACTIVATION[1, 4] = 1
"""Evidence everywhere for the last class in the second image."""
OUTPUTS = ModelOutputs(
    probabilities=np.array([[0.96, 0.01, 0.01, 0.01, 0.01], [0.1, 0.1, 0.1, 0.1, 0.6]], np.float32),
    activation=ACTIVATION,
    distance=np.array([1.23456789, 20], np.float32),
    thresholds=Thresholds(10),
    model=ModelIdentity("1", "0" * 64, "embedded"),
)


def classification(
    index: int, outputs: ModelOutputs = OUTPUTS, *, weak: bool = False, chosen: float | None = None
) -> Classification:
    return Classification.of(TASK_, outputs, index, BOX, weak=weak, chosen=chosen)


def test_label_is_the_most_probable_class() -> None:
    first, second = classification(0), classification(1)

    assert (first.label, first.probability) == (TASK_.class_names[0], 0.96)
    assert (second.label, second.probability) == (TASK_.class_names[4], 0.6)
    assert first.probabilities == dict(zip(TASK_.class_names, (0.96, 0.01, 0.01, 0.01, 0.01), strict=True))
    assert first.model == OUTPUTS.model


def test_numbers_have_six_decimals() -> None:
    assert classification(0).distance == 1.234568


def test_reasons_are_those_of_the_image() -> None:
    assert classification(0).reasons == ()
    assert [reason.code for reason in classification(1).reasons] == ["unfamiliar", "low-confidence"]
    assert [reason.code for reason in classification(0, weak=True).reasons] == ["weak-model"]


def test_chosen_probability_replaces_that_of_task_and_model() -> None:
    own = replace(OUTPUTS, thresholds=Thresholds(100, 0.97))
    assert [reason.code for reason in classification(0, own).reasons] == ["low-confidence"]
    assert classification(0, own, chosen=0.95).reasons == ()
    assert [reason.message for reason in classification(0, chosen=0.99).reasons] == [
        "The probability is 96.0%; results below 99.0% need review."
    ]


def test_answer_has_the_probability_that_it_was_judged_by() -> None:
    assert classification(0).min_probability == TASK_.review.min_probability == 0.9
    assert classification(0, replace(OUTPUTS, thresholds=Thresholds(100, 0.97))).min_probability == 0.97
    assert classification(0, chosen=0.0).min_probability == 0.0
    weak = classification(0, weak=True, chosen=0.0)
    assert (weak.min_probability, [reason.code for reason in weak.reasons]) == (None, ["weak-model"])
    assert classification(0, replace(OUTPUTS, thresholds=Thresholds(100, None))).min_probability is None


def test_heat_map_shows_the_evidence_for_the_label() -> None:
    first, second = classification(0).heatmap, classification(1).heatmap

    assert first is not None
    assert second is not None
    assert (set(first["values"]), set(second["values"])) == ({0.0}, {1.0})


def test_model_without_activation_maps_and_distances_has_neither() -> None:
    answer = classification(1, replace(OUTPUTS, activation=None, distance=None))

    assert (answer.heatmap, answer.distance) == (None, None)
    assert [reason.code for reason in answer.reasons] == ["low-confidence"]

"""Classifying prepared arrays."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from chalicelib.api.task_views import describe
from chalicelib.errors import (
    InvalidModelPackage,
    ModelFailed,
    NotClassified,
    TaskHasNoModel,
)
from chalicelib.imaging.decoded import Pixels
from chalicelib.models.backend import ModelOutputs
from chalicelib.models.classifier import Classifier
from chalicelib.models.embedded import EmbeddedBackend
from chalicelib.models.package import ModelPackage
from chalicelib.tasks import EndpointSpec, load_task
from tests.models import METRICS, TASK, FakeBackend, write_package

TASK_ = load_task(TASK)
BOX = (0, 0, TASK_.input.width, TASK_.input.height)


def batch(*levels: int) -> np.ndarray:
    return np.stack(
        [np.full((1, TASK_.input.height, TASK_.input.width), level, np.uint8) for level in levels]
    )


def no_endpoint() -> Any:
    raise AssertionError("there is no endpoint to call")


@pytest.fixture
def models(tmp_path: Path) -> Path:
    write_package(tmp_path / TASK)
    return tmp_path


def classifier_with(backend: FakeBackend, models: Path) -> Classifier:
    classifier = Classifier({}, no_endpoint, models)
    classifier._backends[TASK] = backend
    return classifier


def test_embedded_model_classifies_a_batch(models: Path) -> None:
    answers = Classifier({}, no_endpoint, models).classify(TASK_, batch(0, 255), [BOX, BOX])
    assert [answer.label for answer in answers] == [TASK_.class_names[0], TASK_.class_names[-1]]
    for answer in answers:
        assert list(answer.probabilities) == list(TASK_.class_names)
        assert sum(answer.probabilities.values()) == pytest.approx(1, abs=1e-5)
        assert answer.probability == max(answer.probabilities.values()) == answer.probabilities[answer.label]
        assert answer.model.backend == "embedded"
        assert answer.model.version == "2026.01.01-tiny"
    assert [answer.distance for answer in answers] == [0.0, 255.0]  # the mean grey level


def test_session_is_made_once(models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = []
    original = EmbeddedBackend.__init__

    def counting(self: EmbeddedBackend, package: ModelPackage, threads: int) -> None:
        made.append(package)
        original(self, package, threads)

    monkeypatch.setattr(EmbeddedBackend, "__init__", counting)
    classifier = Classifier({}, no_endpoint, models)
    for _ in range(3):
        classifier.classify(TASK_, batch(7), [BOX])
    assert len(made) == 1


def test_distant_image_is_out_of_distribution(models: Path) -> None:
    near, far = Classifier({}, no_endpoint, models).classify(TASK_, batch(199, 255), [BOX, BOX])
    assert "unfamiliar" not in [reason.code for reason in near.reasons]
    assert "unfamiliar" in [reason.code for reason in far.reasons]


@pytest.mark.parametrize(("accuracy", "codes"), [(0.995, []), (0.5, ["weak-model"]), (None, ["weak-model"])])
def test_model_below_its_gate_needs_review_of_every_answer(
    tmp_path: Path, accuracy: float | None, codes: list[str]
) -> None:
    measured = METRICS | {"accuracy": {"value": accuracy, "low": 0.4, "high": 1.0}}
    write_package(tmp_path / TASK, metrics={"test": measured})

    classifier = Classifier({}, no_endpoint, tmp_path)

    [answer] = classifier.classify(TASK_, batch(0), [BOX])

    assert [reason.code for reason in answer.reasons] == codes
    model = describe(TASK_, classifier)["model"]
    assert model
    shortfall = model["shortfall"]
    least = TASK_.gate["accuracy"]
    assert shortfall == [{"metric": "accuracy", "value": accuracy, "least": least} for _ in codes]


def test_task_without_model_is_explained(models: Path) -> None:
    with pytest.raises(TaskHasNoModel, match="make train TASK=chest-xray"):
        Classifier({}, no_endpoint, models).classify(load_task("chest-xray"), batch(0), [BOX])


def test_model_trained_for_other_classes_is_refused(tmp_path: Path) -> None:
    write_package(tmp_path / TASK, classes=["cat", "dog"])
    with pytest.raises(InvalidModelPackage, match="other classes"):
        Classifier({}, no_endpoint, tmp_path).package(TASK_)


def test_model_with_another_number_of_classes_fails(models: Path) -> None:
    with pytest.raises(ModelFailed, match="other classes"):
        classifier_with(FakeBackend([0.5, 0.5]), models).classify(TASK_, batch(0), [BOX])


def test_non_finite_probabilities_fail(models: Path) -> None:
    with pytest.raises(ModelFailed, match="not all finite"):
        classifier_with(FakeBackend([np.nan] * 5), models).classify(TASK_, batch(0), [BOX])


def test_non_finite_distances_fail(models: Path) -> None:
    backend = FakeBackend([0.2] * 5, distance=np.inf)
    with pytest.raises(ModelFailed, match="distances"):
        classifier_with(backend, models).classify(TASK_, batch(0), [BOX])


def test_array_of_another_size_fails_with_a_message(models: Path) -> None:
    with pytest.raises(ModelFailed, match="could not process"):
        Classifier({}, no_endpoint, models).classify(TASK_, np.zeros((1, 3, 5, 5), np.uint8), [BOX])


class PointingBackend(FakeBackend):
    """Activates one spot of the image for each class, or has no activation maps."""

    points = True

    def run(self, images: Pixels) -> ModelOutputs:
        outputs = super().run(images)
        activation = np.zeros((len(images), len(self.probabilities), 7, 4), np.float32)
        for index in range(len(self.probabilities)):
            activation[:, index, index, 0] = 1
        return replace(outputs, activation=activation if self.points else None)


def test_explain_shows_any_class(models: Path) -> None:
    classifier = classifier_with(PointingBackend([0.2] * 5), models)
    model = {"version": "fake", "sha256": "0" * 64}
    for index, label in enumerate(TASK_.class_names):
        heat = classifier.explain(TASK_, batch(7)[0], BOX, label, model)
        assert int(np.argmax(heat["values"])) == index * heat["width"]


def test_explain_refuses_another_model_than_the_result_has(models: Path) -> None:
    classifier = classifier_with(PointingBackend([0.2] * 5), models)
    with pytest.raises(NotClassified, match="no longer used"):
        classifier.explain(TASK_, batch(7)[0], BOX, "left-cc", {"version": "older", "sha256": "0" * 64})


def test_explain_refuses_an_image_that_was_prepared_for_another_input(models: Path) -> None:
    smaller = batch(7)[0][:, ::2, ::2]
    with pytest.raises(NotClassified, match="no longer used"):
        Classifier({}, no_endpoint, models).explain(TASK_, smaller, BOX, "left-cc", {"version": "older"})


def test_explain_refuses_a_model_without_activation_maps(models: Path) -> None:
    backend = PointingBackend([0.2] * 5)
    backend.points = False
    with pytest.raises(NotClassified, match="does not provide heat maps"):
        classifier_with(backend, models).explain(TASK_, batch(7)[0], BOX, "left-cc", {})


def test_answer_of_an_endpoint_never_counts_as_current(models: Path) -> None:
    bundled = Classifier({}, no_endpoint, models)
    package = bundled.package(TASK_)
    assert package is not None
    assert bundled.is_current(TASK_, {"sha256": package.sha256})
    assert not bundled.is_current(TASK_, {"sha256": "0" * 64})
    assert not bundled.is_current(TASK_, None)
    assert not bundled.is_current(TASK_, {"sha256": None})
    endpoints = {TASK: EndpointSpec("x", "negatoscope")}
    assert not Classifier(endpoints, no_endpoint, models).is_current(TASK_, {"sha256": package.sha256})


def test_bundled_model_for_other_classes_is_ignored_with_an_endpoint(tmp_path: Path) -> None:
    write_package(tmp_path / TASK, classes=["cat", "dog"])
    classifier = Classifier({TASK: EndpointSpec("x", "image-classification")}, no_endpoint, tmp_path)
    classifier.require_model(TASK_)
    assert not classifier.is_current(TASK_, {"sha256": None})
    model = describe(TASK_, classifier)["model"]
    assert model
    assert (model["backend"], model["endpoint"]) == ("endpoint", "x")

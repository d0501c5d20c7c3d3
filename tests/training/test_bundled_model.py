"""The packages that ship hold what their cards promise."""

import hashlib
import json
import re
from pathlib import Path

import numpy as np
import pytest

from chalicelib.models.package import BUNDLED_MODELS, ModelPackage
from chalicelib.tasks import load_task
from training.data.preparation import prepare_data
from training.model.export import open_session, run
from training.reports.card import render_card
from training.reports.overview import render_overview
from training.reports.package import MAX_BYTES

MODELS = Path(__file__).parents[2] / "docs" / "models.md"
BUNDLED = sorted(file.parent.name for file in BUNDLED_MODELS.glob("*/model.json"))

BELOW_THE_GATE = ("breast-histology", "breast-ultrasound")
"""Starter models that do not reach what their tasks ask for; each of their answers needs review."""


def test_the_main_job_has_a_model() -> None:
    assert "mammography-views" in BUNDLED


@pytest.mark.parametrize("name", BUNDLED)
def test_graph_facts_task_and_card_belong_together(name: str) -> None:
    package, task = ModelPackage.load(BUNDLED_MODELS / name), load_task(name)
    graph = package.graph_path.read_bytes()

    assert hashlib.sha256(graph).hexdigest() == package.sha256
    assert len(graph) <= MAX_BYTES
    assert package.facts["task"] == name
    assert package.classes == task.class_names
    size = package.facts["input"]
    assert size == {
        "width": task.input.width,
        "height": task.input.height,
        "channels": task.input.channels,
        "fit": task.input.fit,
    }
    assert open_session(package.graph_path).get_inputs()[0].shape == [
        "batch",
        size["channels"],
        size["height"],
        size["width"],
    ]
    assert (package.folder / "card.md").read_text(encoding="utf-8") == render_card(package.facts)


@pytest.mark.parametrize("name", [name for name in BUNDLED if name not in BELOW_THE_GATE])
def test_measured_quality_passes_the_gate_of_the_task(name: str) -> None:
    test = ModelPackage.load(BUNDLED_MODELS / name).facts["metrics"]["test"]

    for metric, least in load_task(name).gate.items():
        assert test[metric]["value"] >= least


@pytest.mark.parametrize("name", BELOW_THE_GATE)
def test_whose_quality_does_not_says_so(name: str) -> None:
    folder = BUNDLED_MODELS / name
    short = load_task(name).shortfall(ModelPackage.load(folder).facts["metrics"]["test"])

    assert short
    card = (folder / "card.md").read_text(encoding="utf-8")
    for metric, value in short.items():
        assert f"{metric.replace('_', ' ')} {value:.3f} (at least " in card.split("## Test", 1)[1]


@pytest.mark.parametrize("name", BUNDLED)
def test_a_package_tells_nothing_of_the_machine_it_was_made_on(name: str) -> None:
    folder = BUNDLED_MODELS / name

    assert not re.search(rb"/(home|root|tmp|work|Users)/", (folder / "model.onnx").read_bytes())
    assert not re.search(r"/(home|root|tmp|work|Users)/", json.dumps(ModelPackage.load(folder).facts))


@pytest.mark.parametrize("name", BUNDLED)
def test_real_test_images_reach_the_accuracy_of_the_card(name: str, data_set: Path, tmp_path: Path) -> None:
    package, task = ModelPackage.load(BUNDLED_MODELS / name), load_task(name)

    data = prepare_data(data_set / name, name, task, package.facts["training"]["split_seed"], tmp_path)
    assert data.fingerprint == package.facts["data"]["fingerprint"]
    images = data.labelled("test")
    answers = run(open_session(package.graph_path), images.pixels)

    predicted = answers["probabilities"].argmax(1)
    card = package.facts["metrics"]["test"]
    # Another processor may round an image at a threshold to its other side.
    tolerance = 2.5 / len(predicted)
    assert np.mean(predicted == images.labels) == pytest.approx(card["accuracy"]["value"], abs=tolerance)
    unfamiliar = np.mean(answers["distance"] > package.distance_threshold)
    assert unfamiliar == pytest.approx(card["unfamiliar"], abs=tolerance)


def test_the_readme_shows_what_the_models_reach() -> None:
    models = [ModelPackage.load(BUNDLED_MODELS / name).facts for name in BUNDLED]

    assert render_overview([dict(facts) for facts in models]).strip() in MODELS.read_text(encoding="utf-8")

"""The bundled packages match their cards, their tasks and real test images."""

import hashlib
import json
import re
from pathlib import Path

import numpy as np
import pytest

from chalicelib.models.package import BUNDLED_MODELS, ModelPackage
from chalicelib.tasks import load_task
from training.data.preparation import prepare_data
from training.data.sources import dataset_folders
from training.model.graph import open_session, run
from training.reports.card import render_card
from training.reports.overview import render_overview
from training.reports.package import MAX_BYTES

MODELS = Path(__file__).parents[2] / "docs" / "models.md"
BUNDLED = sorted(file.parent.name for file in BUNDLED_MODELS.glob("*/model.json"))

BELOW_THE_GATE = ("retinal-oct-2017",)
"""Models below the gate of their task; all their answers are marked for review."""


def test_mammography_model_is_bundled() -> None:
    assert "mammography-views" in BUNDLED


@pytest.mark.parametrize("name", BUNDLED)
def test_package_is_consistent_with_its_task_and_card(name: str) -> None:
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
def test_package_passes_the_gate_of_its_task(name: str) -> None:
    test = ModelPackage.load(BUNDLED_MODELS / name).facts["metrics"]["test"]

    for metric, least in load_task(name).gate.items():
        assert test[metric]["value"] >= least


@pytest.mark.parametrize("name", BELOW_THE_GATE)
def test_card_names_the_metrics_below_the_gate(name: str) -> None:
    folder = BUNDLED_MODELS / name
    short = load_task(name).shortfall(ModelPackage.load(folder).facts["metrics"]["test"])

    assert short
    card = (folder / "card.md").read_text(encoding="utf-8")
    for metric, value in short.items():
        assert f"{metric.replace('_', ' ')} {value:.3f} (at least " in card.split("## Test", 1)[1]


@pytest.mark.parametrize("name", BUNDLED)
def test_package_contains_no_path_of_the_build_machine(name: str) -> None:
    folder = BUNDLED_MODELS / name

    assert not re.search(rb"/(home|root|tmp|work|Users)/", (folder / "model.onnx").read_bytes())
    assert not re.search(r"/(home|root|tmp|work|Users)/", json.dumps(ModelPackage.load(folder).facts))


@pytest.mark.parametrize("name", BUNDLED)
def test_package_reaches_the_accuracy_of_its_card_on_real_images(
    name: str, data_set: Path, tmp_path: Path
) -> None:
    package, task = ModelPackage.load(BUNDLED_MODELS / name), load_task(name)

    folders = dataset_folders(str(data_set), name)
    data = prepare_data(folders, name, task, package.facts["training"]["split_seed"], tmp_path)
    assert data.fingerprint == package.facts["data"]["fingerprint"]
    images = data.labelled("test")
    answers = run(open_session(package.graph_path), images.pixels)

    predicted = answers["probabilities"].argmax(1)
    card = package.facts["metrics"]["test"]
    # On another CPU, rounding may move an image to the other side of a threshold.
    tolerance = 2.5 / len(predicted)
    assert np.mean(predicted == images.labels) == pytest.approx(card["accuracy"]["value"], abs=tolerance)
    unfamiliar = np.mean(answers["distance"] > package.thresholds.distance)
    assert unfamiliar == pytest.approx(card["unfamiliar"], abs=tolerance)


def test_heat_maps_of_ultrasound_point_at_lesions() -> None:
    pointing = ModelPackage.load(BUNDLED_MODELS / "breast-ultrasound").facts["metrics"]["test"]["pointing"]

    assert pointing["hit"] > 2 * pointing["centre_hit"]
    assert pointing["mass"] > 2 * pointing["area"]


def test_models_page_contains_the_current_results() -> None:
    models = [ModelPackage.load(BUNDLED_MODELS / name).facts for name in BUNDLED]

    assert render_overview([dict(facts) for facts in models]).strip() in MODELS.read_text(encoding="utf-8")

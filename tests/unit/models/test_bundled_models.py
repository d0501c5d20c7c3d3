"""The bundled models, in the environment that serves them."""

import numpy as np
import onnxruntime
import pytest

from chalicelib import DISCLAIMER
from chalicelib.models.package import BUNDLED_MODELS, ModelPackage
from chalicelib.tasks import load_task

NAMES = sorted(file.parent.name for file in BUNDLED_MODELS.glob("*/model.json"))
MAX_BYTES = 12 * 1024 * 1024


@pytest.fixture(params=NAMES)
def package(request: pytest.FixtureRequest) -> ModelPackage:
    return ModelPackage.load(BUNDLED_MODELS / request.param)


def smooth_images(package: ModelPackage) -> np.ndarray:
    """Blurred noise of several sizes, which excites a network more evenly than white noise."""
    spec = load_task(package.folder.name).input
    random = np.random.default_rng(0)
    images = []
    for grain in (1, 4, 16, 32):
        coarse = random.integers(
            0, 256, (spec.channels, spec.height // grain + 1, spec.width // grain + 1), np.uint8
        )
        full = coarse.repeat(grain, axis=1).repeat(grain, axis=2)
        images.append(full[:, : spec.height, : spec.width])
    return np.stack(images)


def test_mammography_has_a_bundled_model() -> None:
    assert "mammography-views" in NAMES


def test_package_fits_its_task(package: ModelPackage) -> None:
    task = load_task(package.folder.name)
    assert package.classes == task.class_names
    assert package.facts["input"] == {
        "width": task.input.width,
        "height": task.input.height,
        "channels": task.input.channels,
        "fit": task.input.fit,
    }
    assert package.graph_path.stat().st_size <= MAX_BYTES


def test_card_states_its_limits(package: ModelPackage) -> None:
    card = (package.folder / "card.md").read_text()
    assert DISCLAIMER in card
    assert package.version in card
    assert package.facts["data"]["citation"] in card


def test_optimised_graph_answers_like_the_plain_one(package: ModelPackage) -> None:
    """onnxruntime 1.28 optimises some poolings wrongly; a graph must not contain them."""
    images = smooth_images(package)
    plain = onnxruntime.SessionOptions()
    plain.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    providers = ["CPUExecutionProvider"]
    fast = onnxruntime.InferenceSession(str(package.graph_path), providers=providers).run(
        None, {"image": images}
    )
    slow = onnxruntime.InferenceSession(str(package.graph_path), plain, providers=providers).run(
        None, {"image": images}
    )
    for one, other in zip(fast, slow, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-4)


def test_outputs_have_the_specified_shapes(package: ModelPackage) -> None:
    images = smooth_images(package)
    session = onnxruntime.InferenceSession(str(package.graph_path), providers=["CPUExecutionProvider"])
    probabilities, activation, distance = session.run(
        ["probabilities", "activation", "distance"], {"image": images}
    )
    classes = len(package.classes)
    assert probabilities.shape == (4, classes)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-5)
    assert activation.shape[:2] == (4, classes)
    assert activation.min() >= 0
    assert activation.max() <= 1
    assert distance.shape == (4,)

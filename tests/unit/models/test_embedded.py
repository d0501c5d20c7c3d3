"""Running model packages in this process."""

from pathlib import Path

import numpy as np
import pytest

from chalicelib.errors import ModelFailed
from chalicelib.models.backend import ModelIdentity
from chalicelib.models.embedded import EmbeddedBackend
from chalicelib.models.package import ModelPackage
from chalicelib.tasks import load_task
from tests.models import TASK, VERSION, write_package

SPEC = load_task(TASK).input
FRAME = SPEC.shape


@pytest.fixture
def package(tmp_path: Path) -> ModelPackage:
    return ModelPackage.load(write_package(tmp_path / TASK))


def test_outputs_are_those_of_the_graph(package: ModelPackage) -> None:
    images = np.stack([np.full(FRAME, level, np.uint8) for level in (0, 255)])

    outputs = EmbeddedBackend(package, threads=1).run(images)

    assert outputs.probabilities.argmax(axis=1).tolist() == [0, 4]
    assert outputs.distance is not None
    assert outputs.distance.tolist() == [0, 255]
    assert outputs.activation is not None
    assert outputs.activation.shape[:2] == (2, 5)
    assert outputs.thresholds.distance == 200
    assert outputs.model == ModelIdentity(VERSION, package.sha256, "embedded")


def test_image_that_the_graph_cannot_take_fails(package: ModelPackage) -> None:
    with pytest.raises(ModelFailed, match=f"{VERSION} could not process the image"):
        EmbeddedBackend(package, threads=1).run(np.zeros((1, 3, 5, 5), np.uint8))

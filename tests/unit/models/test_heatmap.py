"""Heat maps from activation maps."""

import json

import numpy as np

from chalicelib.models.heatmap import heatmap
from chalicelib.tasks import InputSpec


def test_heat_map_covers_the_frame() -> None:
    activation = np.linspace(0, 1, 28, dtype=np.float32).reshape(7, 4)
    heat = heatmap(activation, InputSpec(64, 112, 1, "pad"), (0, 0, 64, 112))
    assert (heat["width"], heat["height"]) == (4, 7)
    np.testing.assert_allclose(heat["values"], activation.ravel(), atol=0.001)
    assert all(len(repr(value)) <= len("0.123") for value in heat["values"])


def test_heat_map_excludes_the_padding() -> None:
    activation = np.zeros((8, 4), np.float32)
    activation[:2] = activation[6:] = 1  # the padding above and below
    heat = heatmap(activation, InputSpec(32, 64, 1, "pad"), (0, 16, 32, 32))
    assert (heat["width"], heat["height"]) == (4, 4)
    assert max(heat["values"]) == 0


def test_empty_cells_have_no_sign() -> None:
    made = heatmap(np.full((2, 2), -0.0), InputSpec(32, 32, channels=1, fit="stretch"), (0, 0, 32, 32))

    assert json.dumps(made["values"]) == "[0.0, 0.0, 0.0, 0.0]"

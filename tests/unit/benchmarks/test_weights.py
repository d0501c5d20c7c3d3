from pathlib import Path

import numpy as np
import onnxruntime

from benchmarks.weights import write_weights
from chalicelib.models.package import bundled_package


def test_weights_are_those_that_the_graph_computes_with(tmp_path: Path) -> None:
    package = bundled_package("mammography-views")
    assert package
    write_weights(package, tmp_path / "weights.npz")
    with np.load(tmp_path / "weights.npz") as found:
        weights = {name: found[name] for name in found.files}
    assert {array.dtype for array in weights.values()} == {np.dtype(np.float32)}
    assert weights["temperature"] == np.float32(package.facts["temperature"])
    network = "members.0.network."
    assert weights[f"{network}stem.0.weight"].shape == (32, 3, 3, 3)
    assert weights[f"{network}head.weight"].shape == (len(package.classes), 1280)
    kernel = weights[f"{network}body.3.expand.0.weight"]  # stored as int8
    assert 0 < np.abs(kernel).max() < 10
    assert len(np.unique(kernel[0])) > 3
    session = onnxruntime.InferenceSession(str(package.graph_path), providers=["CPUExecutionProvider"])
    assert session.get_inputs()[0].name == "image"

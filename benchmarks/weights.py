"""The weights of a bundled model, for networks in other libraries."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import numpy_helper

from chalicelib.models.package import ModelPackage


def weights(package: ModelPackage) -> dict[str, Any]:
    """All named arrays of the graph in float32, as they are after loading, and its temperature."""
    graph = onnx.load(str(package.graph_path)).graph
    stored = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    found: dict[str, Any] = {"temperature": np.float32(json.loads(json.dumps(package.facts))["temperature"])}
    for name, array in stored.items():
        plain = name.removesuffix(".int8").removesuffix(".half")
        scale = stored[f"{plain}.scale"] if name.endswith(".int8") else np.float32(1)
        if not name.endswith(".scale"):
            found[plain] = array.astype(np.float32) * scale
    return found


def write_weights(package: ModelPackage, path: Path) -> None:
    """Write them as .npz."""
    np.savez(path, **weights(package))

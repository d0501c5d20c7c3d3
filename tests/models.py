"""Tiny model packages with the outputs of real ones, and fake backends."""

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from chalicelib.imaging.decoded import Pixels
from chalicelib.models.backend import ModelIdentity, ModelOutputs
from chalicelib.models.thresholds import Thresholds
from chalicelib.tasks import Task, load_task

TASK = "mammography-views"
METRICS = {
    name: {"value": 0.99, "low": 0.98, "high": 1.0} for name in ("accuracy", "balanced_accuracy", "auc")
}
VERSION = "2026.01.01-tiny"


def write_package(folder: Path, task: Task | None = None, *, cell: int = 16, **changes: Any) -> Path:
    """A package whose answer depends on the mean grey level: the brighter, the later the class.

    Packages of different versions have different digests. A cell of the activation map is `cell` pixels
    wide and high.
    """
    task = task or load_task(TASK)
    folder.mkdir(parents=True)
    model = _graph(task, cell)
    model.producer_version = changes.get("version", VERSION)
    graph = model.SerializeToString()
    (folder / "model.onnx").write_bytes(graph)
    facts = {
        "task": task.name,
        "classes": list(task.class_names),
        "version": VERSION,
        "created_at": "2026-01-01T00:00:00Z",
        "sha256": hashlib.sha256(graph).hexdigest(),
        "thresholds": {"distance": 200.0},
        "metrics": {"test": METRICS},
        "data": {"fingerprint": "f00"},
    }
    (folder / "model.json").write_text(json.dumps(facts | changes))
    return folder


def _graph(task: Task, cell: int) -> onnx.ModelProto:
    """Logits are -(mean - k * 255 / (K - 1))^2 / 200 for class k; distance is the mean grey level."""
    classes = len(task.classes)
    levels = np.linspace(0, 255, classes, dtype=np.float32)[np.newaxis]
    nodes = [
        helper.make_node("Cast", ["image"], ["pixels"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMean", ["pixels", "all_axes"], ["mean"], keepdims=0),
        helper.make_node("Unsqueeze", ["mean", "last"], ["column"]),
        helper.make_node("Sub", ["column", "levels"], ["off"]),
        helper.make_node("Mul", ["off", "off"], ["square"]),
        helper.make_node("Div", ["square", "scale"], ["logits"]),
        helper.make_node("Softmax", ["logits"], ["probabilities"], axis=1),
        helper.make_node("Identity", ["mean"], ["distance"]),
        helper.make_node("AveragePool", ["pixels"], ["pooled"], kernel_shape=[cell] * 2, strides=[cell] * 2),
        helper.make_node("ReduceMean", ["pooled", "channel"], ["grey"], keepdims=1),
        helper.make_node("Div", ["grey", "full"], ["map"]),
        helper.make_node("Concat", ["map"] * classes, ["activation"], axis=1),
    ]
    constants: dict[str, NDArray[Any]] = {
        "all_axes": np.array([1, 2, 3], np.int64),
        "channel": np.array([1], np.int64),
        "last": np.array([1], np.int64),
        "levels": levels,
        "scale": np.array(-200, np.float32),
        "full": np.array(255, np.float32),
    }
    spec = task.input
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info("image", TensorProto.UINT8, ["N", *spec.shape])],
        [
            helper.make_tensor_value_info(name, TensorProto.FLOAT, None)
            for name in ("probabilities", "activation", "distance")
        ],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)


class FakeBackend:
    """Gives the same answer for every image, and records its requests."""

    def __init__(self, probabilities: list[float], distance: float = 0.0):
        self.probabilities = probabilities
        self.distance = distance
        self.batches: list[tuple[int, ...]] = []

    def run(self, images: Pixels) -> ModelOutputs:
        self.batches.append(images.shape)
        count, classes = len(images), len(self.probabilities)
        return ModelOutputs(
            np.tile(np.array(self.probabilities, np.float32), (count, 1)),
            np.full((count, classes, 7, 4), 0.5, np.float32),
            np.full(count, self.distance, np.float32),
            Thresholds(10.0),
            ModelIdentity("fake", "0" * 64, "embedded"),
        )

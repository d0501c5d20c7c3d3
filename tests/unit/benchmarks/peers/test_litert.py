"""Peers whose libraries are not installed here, with libraries that are made up."""

import importlib
import sys
from collections.abc import Iterator
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest

from tests.images import grey_file

SHAPE = (1, 12, 10)


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Installs a module with these attributes and imports a peer, which is forgotten afterwards."""
    imported: list[str] = []

    def install(peer: str, name: str, **attributes: Any) -> Any:
        module = ModuleType(name)
        vars(module).update(attributes)
        for part in (name.partition(".")[0], name):
            monkeypatch.setitem(sys.modules, part, module)
        imported.append(f"benchmarks.peers.{peer}")
        return importlib.import_module(imported[-1])

    yield install
    for name in imported:
        sys.modules.pop(name, None)


def test_litert_answers_with_the_likeliest_class(fake: Any) -> None:
    class Interpreter:
        def __init__(self, model_path: str, num_threads: int) -> None:
            assert (model_path, num_threads) == ("model.tflite", 1)

        def allocate_tensors(self) -> None: ...
        def get_input_details(self) -> list[dict[str, Any]]:
            return [{"index": 3, "dtype": np.float32}]

        def get_output_details(self) -> list[dict[str, Any]]:
            return [{"index": 7}]

        def set_tensor(self, index: int, images: Any) -> None:
            assert (index, images.shape, images.dtype) == (3, (1, 12, 10, 1), np.float32)

        def invoke(self) -> None: ...
        def get_tensor(self, index: int) -> Any:
            return np.array([[0.1, 0.7, 0.2]]) if index == 7 else None

    peer = fake("litert", "ai_edge_litert.interpreter", Interpreter=Interpreter)
    assert peer.load("model.tflite", "10", "12", "a", "b", "c")(grey_file()) == "b"


@pytest.mark.parametrize(("keep", "loads"), [("kept", 1), ("each", 2)])
def test_keras_loads_the_model_once_or_for_each_image(fake: Any, keep: str, loads: int) -> None:
    loaded: list[str] = []

    def load_model(path: str, compile: bool) -> Any:  # noqa: A002
        loaded.append(path)

        def predict(images: Any, verbose: int) -> Any:
            assert images.shape == (1, 12, 10, 3)
            return np.array([[0.1, 0.2, 0.7]])

        return SimpleNamespace(predict=predict)

    threading = SimpleNamespace(
        set_intra_op_parallelism_threads=lambda count: None,
        set_inter_op_parallelism_threads=lambda count: None,
    )
    peer = fake(
        "keras",
        "tensorflow",
        config=SimpleNamespace(threading=threading),
        keras=SimpleNamespace(models=SimpleNamespace(load_model=load_model), Model=object),
    )
    answer = peer.load(keep, "resnet.keras", "3", "10", "12", "a", "b", "c")
    assert [answer(grey_file()), answer(grey_file())] == ["c", "c"]
    assert loaded == ["resnet.keras"] * loads


def test_bentoml_serves_the_floor(fake: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    peer = fake(
        "bentoml_service", "bentoml", service=lambda workers: lambda kind: kind, api=lambda method: method
    )
    monkeypatch.setenv("_NEGATOSCOPE_PEER", "model.onnx\n10\n12\na\nb")
    asked: list[tuple[str, ...]] = []

    def load(*arguments: str) -> Any:
        asked.append(arguments)
        return lambda data: data.decode()

    monkeypatch.setattr(peer.floor, "load", load)
    (tmp_path / "image").write_bytes(b"left")
    assert peer.Classification().classify(tmp_path / "image") == "left"
    assert asked == [("model.onnx", "10", "12", "a", "b")]

"""The exported graph gives the same answers as the network."""

import copy
import itertools
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from torch import nn
from torch.nn import functional

from tests.training.samples import blob, make_ood_score
from tests.training.test_residual_network import make_trained_network
from training.errors import TrainingError
from training.model.classifier import Classifier, fold_batch_norm
from training.model.ensemble_module import EnsembleModule, Member
from training.model.export import check_parity, export
from training.model.graph import open_session, run
from training.model.weight_precision import round_weights

PIXELS = np.stack([np.asarray(blob(label, 3, label))[np.newaxis] for label in (0, 1, 2, 0, 1)])


@pytest.fixture(scope="module")
def model() -> EnsembleModule:
    network = fold_batch_norm(make_trained_network(padding=8))
    round_weights(network, "float16")
    distance = make_ood_score(96)
    return EnsembleModule([Member(network, distance)], 0.7)


@pytest.fixture(scope="module")
def graph(model: EnsembleModule, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("graph") / "model.onnx"
    export(model, PIXELS[:2], path)
    return path


def test_graph_agrees_with_torch(model: EnsembleModule, graph: Path) -> None:
    session = open_session(graph)
    with torch.inference_mode():
        expected = model(torch.from_numpy(PIXELS))
    answers = run(session, PIXELS)

    assert check_parity(model, session, PIXELS) <= 1e-5
    for name, values in zip(("probabilities", "activation", "distance"), expected, strict=True):
        assert answers[name] == pytest.approx(values.numpy(), abs=1e-3)


@pytest.mark.parametrize(
    ("name", "change"), [("probabilities", 1e-3), ("activation", 0.1), ("distance", 0.5)]
)
def test_graph_with_another_answer_is_refused(
    name: str, change: float, model: EnsembleModule, graph: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run_differently(*arguments: Any) -> dict[str, Any]:
        answers = run(*arguments)
        return {**answers, name: answers[name] + change}

    monkeypatch.setattr("training.model.export.run", run_differently)

    with pytest.raises(TrainingError, match=f"output '{name}' differs"):
        check_parity(model, open_session(graph), PIXELS)


def test_graph_outputs_have_the_expected_shapes_and_ranges(graph: Path) -> None:
    session = open_session(graph)
    for count in (1, 3):
        answers = run(session, PIXELS[:count])
        assert answers["probabilities"].shape == (count, 3)
        assert answers["probabilities"].sum(1) == pytest.approx(1, abs=1e-5)
        assert answers["activation"].shape[:2] == (count, 3)
        assert answers["distance"].shape == (count,)
        largest = answers["activation"].max((2, 3))
        assert np.all(np.isclose(largest, 1) | (largest == 0))
        assert answers["activation"].min() >= 0
    given = session.get_inputs()
    assert [(value.name, value.type, value.shape) for value in given] == [
        ("image", "tensor(uint8)", ["batch", 1, 64, 40])
    ]


def test_graph_answers_batches_like_single_images(graph: Path) -> None:
    session = open_session(graph)
    together, apart = run(session, PIXELS), run(session, PIXELS, batch_size=1)

    for name, values in together.items():
        assert apart[name] == pytest.approx(values, abs=1e-5)


def test_graph_contains_temperature_and_head(model: EnsembleModule, graph: Path) -> None:
    with torch.inference_mode():
        images = functional.pad(torch.from_numpy(PIXELS).float() / 255, [8, 8, 8, 8])
        mean, deviation = (
            images.mean((1, 2, 3), keepdim=True),
            images.std((1, 2, 3), correction=0, keepdim=True),
        )
        member = model.members[0]
        assert isinstance(member, Member)
        logits = member.network((images - mean) / (deviation + 0.02))

    assert run(open_session(graph), PIXELS)["probabilities"] == pytest.approx(
        (logits / 0.7).softmax(1).numpy(), abs=1e-5
    )


def test_graph_stores_float16_weights_and_no_path_of_the_build_machine(graph: Path) -> None:
    proto = onnx.load(graph)
    sizes = {tensor.name: tensor.data_type for tensor in proto.graph.initializer}

    assert sizes["members.0.network.stages.7.conv2.weight.half"] == onnx.TensorProto.FLOAT16
    assert str(Path(__file__).parents[2]).encode() not in graph.read_bytes()
    assert b".py" not in graph.read_bytes()


def test_networks_share_their_frozen_blocks(tmp_path: Path) -> None:
    def convolutions(model: EnsembleModule) -> int:
        export(model, PIXELS[:2], tmp_path / "model.onnx")
        check_parity(model, open_session(tmp_path / "model.onnx"), PIXELS)
        return sum(node.op_type == "Conv" for node in onnx.load(tmp_path / "model.onnx").graph.node)

    def member(network: Classifier) -> Member:
        return Member(fold_batch_norm(network), make_ood_score(96))

    network = make_trained_network(padding=8)
    other = copy.deepcopy(network)
    frozen = 3
    with torch.no_grad():
        for weight in itertools.chain.from_iterable(block.parameters() for block in other.blocks[frozen:]):
            weight.mul_(1.5)
    shared = sum(
        isinstance(layer, nn.Conv2d) for block in network.blocks[:frozen] for layer in block.modules()
    )

    one = convolutions(EnsembleModule([member(network)], 0.7))
    both = convolutions(EnsembleModule([member(network), member(other)], 0.7))

    assert shared > 0
    # The head makes the map of each network with one further convolution.
    assert both == 2 * one - shared


def test_graph_that_differs_from_the_network_is_rejected(model: EnsembleModule, graph: Path) -> None:
    member = model.members[0]
    assert isinstance(member, Member)
    other = EnsembleModule([member], 3.0)

    with pytest.raises(TrainingError, match="differ"):
        check_parity(other, open_session(graph), PIXELS)

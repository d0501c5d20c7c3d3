"""Weights of lower precision: the rounding, and the exact storage."""

from copy import deepcopy

import numpy as np
import onnx
import pytest
import torch
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator
from torch import nn

from tests.training.test_residual_network import make_trained_network
from training.model.weight_precision import round_weights, store_compactly


def make_model(weight: NDArray[np.float32]) -> onnx.ModelProto:
    """A graph whose only output is its weight."""
    output = helper.make_tensor_value_info("output", TensorProto.FLOAT, weight.shape)
    node = helper.make_node("Identity", ["weight"], ["output"])
    graph = helper.make_graph([node], "weights", [], [output], [numpy_helper.from_array(weight, "weight")])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)])


def convolution(precision: str) -> NDArray[np.float32]:
    network = make_trained_network()
    round_weights(network, precision)
    layer = network.get_submodule("stages.7.conv2")
    assert isinstance(layer, nn.Conv2d)
    return layer.weight.detach().numpy()


@pytest.mark.parametrize(
    ("precision", "size", "kind"),
    [
        ("float32", 4.0, TensorProto.FLOAT),
        ("float16", 2.0, TensorProto.FLOAT16),
        ("int8", 1.1, TensorProto.INT8),
    ],
)
def test_rounded_weights_are_stored_exactly_in_fewer_bytes(precision: str, size: float, kind: int) -> None:
    weight = convolution(precision)
    model = make_model(weight)

    store_compactly(model)

    onnx.checker.check_model(model, full_check=True)
    [output] = ReferenceEvaluator(model).run(None, {})
    assert np.array_equal(np.asarray(output), weight)
    assert model.graph.initializer[0].data_type == kind
    assert model.ByteSize() < size * weight.size + 500


def test_int8_rounds_each_channel_to_256_values() -> None:
    network = make_trained_network()
    with torch.no_grad():
        network.get_parameter("stages.7.conv2.weight")[0] *= 1000
        network.get_parameter("stages.7.conv2.weight")[1] = 0
    before = deepcopy(network)

    round_weights(network, "int8")

    for name, weight in network.named_parameters():
        original = before.get_parameter(name)
        if weight.ndim == 4:
            step = original.abs().amax((1, 2, 3), keepdim=True) / 127
            assert ((weight - original).abs() <= 0.502 * step).all()
            assert len(set(weight[2].flatten().tolist())) <= 255
        elif weight.ndim == 2:
            assert torch.equal(weight, original.half().float())
        else:
            assert torch.equal(weight, original)


def test_float32_changes_nothing() -> None:
    network = make_trained_network()
    before = deepcopy(network.state_dict())

    round_weights(network, "float32")

    assert all(torch.equal(tensor, before[name]) for name, tensor in network.state_dict().items())


def test_small_tensors_are_left_alone() -> None:
    model = make_model(np.ones((4, 4), np.float32))

    store_compactly(model)

    assert model == make_model(np.ones((4, 4), np.float32))

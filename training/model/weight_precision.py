"""Weights of lower precision: rounded before all measurements, and stored in fewer bytes.

The graph computes in float32; runtimes convert the weights once, on loading.
"""

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn

from training.model.classifier import Classifier

MIN_VALUES = 1024
"""Number of weights; smaller tensors are not worth further nodes."""
INT8_MAX = 127
SCALE_BITS = 10
"""Bits of the scale of an int8 channel, so that its product with 7 bits is exact in float32."""


def round_weights(network: Classifier, precision: str) -> None:
    """Round the large weights in place to values that `store_compactly` can store with `precision`.

    This is done before calibration and all measurements, so that they apply to the stored weights. With
    "int8" the weights of convolutions have 8 bits and a scale for each output channel; the head, which also
    makes the activation map, has float16.

    Args:
        network: with batch normalisation folded, which would change the scales.
        precision: float32 (nothing is rounded), float16 or int8.
    """
    if precision == "float32":
        return
    convolutions = {id(layer.weight) for layer in network.modules() if isinstance(layer, nn.Conv2d)}
    with torch.no_grad():
        for weight in network.parameters():
            if precision == "int8" and id(weight) in convolutions:
                weight.copy_(_round_to_int8(weight))
            elif weight.ndim > 1:
                weight.copy_(weight.half().float())


def _round_to_int8(weight: Tensor) -> Tensor:
    """The nearest multiples of a scale for each output channel: (out, ...) -> the same shape."""
    largest = weight.abs().amax(tuple(range(1, weight.ndim)), keepdim=True)
    mantissa, exponent = torch.frexp(largest / INT8_MAX)
    scale = torch.ldexp((mantissa * 2**SCALE_BITS).ceil(), exponent - SCALE_BITS)
    scale = torch.where(largest > 0, scale, 1.0)
    return (weight / scale).round() * scale


def store_compactly(proto: onnx.ModelProto) -> None:
    """Store weights as int8 or float16 where that is exact, with the nodes that convert them."""
    nodes: list[onnx.NodeProto] = []
    scales: list[TensorProto] = []
    for tensor in proto.graph.initializer:
        values = numpy_helper.to_array(tensor)
        if values.dtype != np.float32 or values.size < MIN_VALUES:
            continue
        name = tensor.name
        if (found := _as_int8(values)) is not None:
            integers, scale = found
            tensor.CopyFrom(numpy_helper.from_array(integers, f"{name}.int8"))
            scales.append(numpy_helper.from_array(scale, f"{name}.scale"))
            nodes.append(
                helper.make_node("Cast", [f"{name}.int8"], [f"{name}.integers"], to=TensorProto.FLOAT)
            )
            nodes.append(helper.make_node("Mul", [f"{name}.integers", f"{name}.scale"], [name]))
        elif (halved := _as_half(values)) is not None:
            tensor.CopyFrom(numpy_helper.from_array(halved, f"{name}.half"))
            nodes.append(helper.make_node("Cast", [f"{name}.half"], [name], to=TensorProto.FLOAT))
    proto.graph.initializer.extend(scales)
    nodes += proto.graph.node
    del proto.graph.node[:]
    proto.graph.node.extend(nodes)


def _as_int8(values: NDArray[np.float32]) -> tuple[NDArray[np.int8], NDArray[np.float32]] | None:
    """Integers of the same shape and the scale of each row, (out, 1, ...); None if that is not exact."""
    largest = np.abs(values).max(tuple(range(1, values.ndim)), keepdims=True, initial=0)
    scale = np.where(largest > 0, largest / np.float32(INT8_MAX), np.float32(1))
    integers = np.round(values / scale)
    return (integers.astype(np.int8), scale) if np.array_equal(integers * scale, values) else None


def _as_half(values: NDArray[np.float32]) -> NDArray[np.float16] | None:
    with np.errstate(over="ignore"):
        halved = values.astype(np.float16)
    return halved if np.array_equal(halved.astype(np.float32), values) else None

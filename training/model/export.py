"""Export of a trained model to the ONNX graph that serves: everything after the resize is inside it."""

import logging
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import onnx
import onnx_ir
import onnxruntime
import torch
from numpy.typing import NDArray
from onnx_ir.passes.common import CommonSubexpressionEliminationPass, DeduplicateHashedInitializersPass
from torch import Tensor, nn

from training.errors import TrainingError
from training.model.ensemble_module import EnsembleModule
from training.model.graph import OUTPUTS, run
from training.model.weight_precision import store_compactly

OPSET = 20
PARITY = {"probabilities": 1e-4, "activation": 1e-2, "distance": 1e-2}
"""Largest differences between outputs of torch and onnxruntime that count as rounding; see `_differences`."""

Pixels = NDArray[np.uint8]


def export(model: EnsembleModule, example: Pixels, path: Path) -> None:
    """Write `model` as one ONNX file for any number of images like `example`, uint8 (N, C, H, W)."""
    proto = to_onnx(model.eval(), torch.from_numpy(np.array(example)), OUTPUTS)
    proto = _share_equal_parts(proto)
    _remove_origin(proto)
    store_compactly(proto)
    onnx.checker.check_model(proto, full_check=True)
    onnx.save(proto, path)


def to_onnx(module: nn.Module, example: Tensor, outputs: Sequence[str]) -> onnx.ModelProto:
    """The graph of a module with one argument, which the graph calls `image`, for batches of any size.

    Args:
        module: in evaluation mode.
        example: an argument, with at least two images: shape (N, ...).
        outputs: names for the results.
    """
    # It logs that torchvision, which is not used here, is missing.
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        # The exporter warns of its own deprecated internals.
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            module,
            (example,),
            input_names=["image"],
            output_names=list(outputs),
            dynamic_shapes=({0: torch.export.Dim("batch", min=1)},),
            opset_version=OPSET,
            dynamo=True,
            verbose=False,
        )
    assert program is not None
    proto: onnx.ModelProto = program.model_proto
    return proto


def check_parity(model: EnsembleModule, session: onnxruntime.InferenceSession, pixels: Pixels) -> float:
    """The largest difference between torch's and onnxruntime's probabilities on real images.

    Raises:
        TrainingError: if it, or a difference of another output, is larger than rounding.
    """
    with torch.inference_mode():
        expected = [output.numpy() for output in model.eval()(torch.from_numpy(np.array(pixels)))]
    differences = _differences(dict(zip(OUTPUTS, expected, strict=True)), run(session, pixels))
    for name, difference in differences.items():
        if not difference <= PARITY[name]:
            raise TrainingError(
                f"The exported graph's output '{name}' differs from the network's by {difference:.1e}, more "
                f"than {PARITY[name]:.0e}. This is a bug of the exporter: try other versions of torch and "
                "onnxscript."
            )
    return differences["probabilities"]


def _differences(
    expected: Mapping[str, NDArray[np.float32]], found: Mapping[str, NDArray[np.float32]]
) -> dict[str, float]:
    """The largest difference of a probability, the largest relative one of a distance, the mean one of maps.

    Scaling a weak map to a maximum of 1 magnifies its rounding errors.
    """
    gaps = {name: np.abs(found[name] - expected[name]) for name in OUTPUTS}
    relative = gaps["distance"] / np.maximum(np.abs(expected["distance"]), 1)
    return {
        "probabilities": float(gaps["probabilities"].max()),
        "activation": float(gaps["activation"].mean()),
        "distance": float(relative.max()),
    }


def _share_equal_parts(proto: onnx.ModelProto) -> onnx.ModelProto:
    """Compute only once what all networks of an ensemble have in common, such as their frozen blocks."""
    model = onnx_ir.from_proto(proto)
    share = onnx_ir.passes.Sequential(
        DeduplicateHashedInitializersPass(), CommonSubexpressionEliminationPass()
    )
    return onnx_ir.to_proto(share(model).model)


def _remove_origin(proto: onnx.ModelProto) -> None:
    """Remove what the exporter records about the machine and the source code."""
    proto.doc_string = ""
    proto.graph.doc_string = ""
    del proto.metadata_props[:]
    # Shapes of intermediate results: runtimes infer them, and they break quantisation tools.
    del proto.graph.value_info[:]
    for part in (*proto.graph.node, *proto.graph.input, *proto.graph.output, *proto.graph.initializer):
        part.doc_string = ""
        del part.metadata_props[:]

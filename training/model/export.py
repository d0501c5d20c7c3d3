"""Export of a trained model to the ONNX graph that serves: everything after the resize is inside it."""

import logging
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import torch
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from training.data.pixels import Images
from training.errors import TrainingError
from training.model.classifier import Classifier
from training.model.ensemble_module import EnsembleModule

OUTPUTS = ("probabilities", "activation", "distance")
OPSET = 20
PARITY = 1e-4
"""Largest difference between probabilities of torch and onnxruntime that counts as rounding."""
SMALLEST_HALVED = 1024
"""Number of weights; smaller tensors are not worth a Cast node."""

Pixels = NDArray[np.uint8]


def round_to_half(network: Classifier) -> None:
    """Round the large weights to float16 values, in place, so that they can be stored in half the size.

    This is done before calibration and all measurements, so that they apply to the stored weights.
    """
    with torch.no_grad():
        for weight in network.parameters():
            if weight.ndim > 1:
                weight.copy_(weight.half().float())


def export(model: EnsembleModule, example: Pixels, path: Path) -> None:
    """Write `model` as one ONNX file for any number of images like `example`, uint8 (N, C, H, W)."""
    image = torch.from_numpy(np.array(example))
    # It logs that torchvision, which is not used here, is missing.
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        # The exporter warns of its own deprecated internals.
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            model.eval(),
            (image,),
            input_names=["image"],
            output_names=list(OUTPUTS),
            dynamic_shapes={"image": {0: torch.export.Dim("batch", min=1)}},
            opset_version=OPSET,
            dynamo=True,
            verbose=False,
        )
    assert program is not None
    proto = program.model_proto
    _remove_origin(proto)
    _store_as_half_where_exact(proto)
    onnx.checker.check_model(proto, full_check=True)
    onnx.save(proto, path)


def open_session(path: Path) -> onnxruntime.InferenceSession:
    """An onnxruntime session on the CPU, as in serving."""
    return onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])


def run(
    session: onnxruntime.InferenceSession, pixels: Images, batch_size: int = 64
) -> dict[str, NDArray[np.float32]]:
    """All outputs of the graph for prepared images (N, C, H, W), by name."""
    batches: list[list[Any]] = [
        session.run(list(OUTPUTS), {"image": np.array(pixels[start : start + batch_size])})
        for start in range(0, len(pixels), batch_size)
    ]
    return {name: np.concatenate([batch[index] for batch in batches]) for index, name in enumerate(OUTPUTS)}


def check_parity(model: EnsembleModule, session: onnxruntime.InferenceSession, pixels: Pixels) -> float:
    """The largest difference between torch's and onnxruntime's probabilities on real images.

    Raises:
        TrainingError: if it is larger than rounding.
    """
    with torch.inference_mode():
        expected = model.eval()(torch.from_numpy(np.array(pixels)))[0].numpy()
    difference = float(np.abs(run(session, pixels)["probabilities"] - expected).max())
    if not difference <= PARITY:
        raise TrainingError(
            f"The exported graph's probabilities differ from the network's by {difference:.1e}, more than "
            f"{PARITY:.0e}. This is a bug of the exporter: try other versions of torch and onnxscript."
        )
    return difference


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


def _store_as_half_where_exact(proto: onnx.ModelProto) -> None:
    """Store weights as float16 and a Cast where that is exact; runtimes fold the Cast on loading."""
    casts = []
    for tensor in proto.graph.initializer:
        values = numpy_helper.to_array(tensor)
        if values.dtype != np.float32 or values.size < SMALLEST_HALVED:
            continue
        with np.errstate(over="ignore"):
            halved = values.astype(np.float16)
        if not np.array_equal(halved.astype(np.float32), values):
            continue
        name = tensor.name
        tensor.CopyFrom(numpy_helper.from_array(halved, f"{name}.half"))
        casts.append(helper.make_node("Cast", [f"{name}.half"], [name], to=onnx.TensorProto.FLOAT))
    nodes = [*casts, *proto.graph.node]
    del proto.graph.node[:]
    proto.graph.node.extend(nodes)

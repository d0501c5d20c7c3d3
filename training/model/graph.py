"""Running an exported graph, without torch, whose import takes seconds."""

from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from training.data.pixels import Images

OUTPUTS = ("probabilities", "activation", "distance")


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

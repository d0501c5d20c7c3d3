"""PyTorch without a compiler: the network of the bundled model with its weights. Arguments: see `load`."""

import sys

import numpy as np
import torch
from torch import nn

from benchmarks.peers.framing import framed
from benchmarks.peers.protocol import Answer, serve
from training.model.classifier import fold_batch_norm
from training.model.efficientnet_lite import EfficientNetLite
from training.model.ensemble_module import EnsembleModule, Member
from training.model.ood_score import MahalanobisDistance, OODScore, Scale

UNIT = Scale(0, 1)
"""The scales of the distance are constants of the graph, and change no answer and no time."""


def build(weights: dict[str, torch.Tensor], padding: int) -> EnsembleModule:
    """The module that was exported, with all outputs."""
    head = weights["members.0.network.head.weight"]
    network = fold_batch_norm(EfficientNetLite("efficientnet-lite0", len(head), 0, padding))
    whitening = weights["members.0.ood_score.distance.whitening"]
    distance = MahalanobisDistance(torch.zeros(len(head), len(whitening)), whitening)
    score = OODScore(distance, UNIT, nn.Linear(len(whitening), 1), UNIT)
    offset = weights["offset"]
    module = EnsembleModule([Member(network, score)], float(weights["temperature"]), offset=offset)
    module.load_state_dict({name: weights[name] for name in module.state_dict()})
    return module.eval()


def load(weights: str, padding: str, width: str, height: str, *classes: str) -> Answer:
    """Load the weights (.npz); one thread."""
    torch.set_num_threads(1)
    with np.load(weights) as arrays:
        module = build({name: torch.from_numpy(arrays[name]) for name in arrays.files}, int(padding))

    def answer(data: bytes) -> str:
        with torch.inference_mode():
            probabilities, _, _ = module(torch.from_numpy(framed(data, int(width), int(height))))
        return classes[int(probabilities[0].argmax())]

    return answer


if __name__ == "__main__":
    serve(lambda: load(*sys.argv[1:]))

"""A trained network made ready to serve: calibrated, with its distance threshold, and exported."""

from dataclasses import dataclass
from pathlib import Path

import torch

from training.calibration import fit_temperature
from training.export import ServedModel, check_parity, export, open_session, round_to_half
from training.familiarity import fit_distance
from training.fitting import Fit
from training.hyperparameters import Hyperparameters
from training.network import fold_batch_norm
from training.pixels import Labelled
from training.prediction import predict

PARITY_IMAGES = 64


@dataclass(frozen=True)
class Candidate:
    """A trained, calibrated and exported model."""

    seed: int
    fit: Fit
    temperature: float
    distance_threshold: float
    parity: float
    """Largest difference of a probability between torch and onnxruntime."""
    graph: Path


def make_candidate(
    seed: int,
    fitted: Fit,
    train: Labelled,
    validation: Labelled,
    parameters: Hyperparameters,
    workplace: Path,
) -> Candidate:
    """Calibrate on `validation`, learn from `train` what is familiar, and export into `workplace`.

    Raises:
        TrainingError: if the exported graph answers otherwise than the network.
    """
    network = fold_batch_norm(fitted.network)
    if parameters.weights == "float16":
        round_to_half(network)
    logits, features = predict(network, validation.pixels)
    temperature, _ = fit_temperature(logits.double().numpy(), validation.labels)
    distance = fit_distance(predict(network, train.pixels)[1], torch.from_numpy(train.labels))
    threshold = torch.quantile(distance(features), parameters.distance_quantile).item()
    model = ServedModel(network, temperature, distance)
    graph = workplace / f"{seed}.onnx"
    export(model, validation.pixels[:2], graph)
    parity = check_parity(model, open_session(graph), validation.pixels[:PARITY_IMAGES])
    return Candidate(seed, fitted, temperature, threshold, parity, graph)

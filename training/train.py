"""Train a task's model: `python -m training.train --task TASK [--data FOLDER] [--smoke]`.

Runs unchanged as a SageMaker script-mode job: the channel `train` holds all labelled images (the split by
patient is made here), hyper-parameters arrive as arguments, the package goes to SM_MODEL_DIR and the reports
to SM_OUTPUT_DATA_DIR. Nothing is chosen by looking at the test part: seed, epoch, temperature and threshold
come from the validation part, and only then are the trained models tested.
"""

import csv
import json
import os
import platform
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from training.arguments import Arguments, parse_arguments
from training.calibration import change_temperature, expected_calibration_error, fit_temperature
from training.errors import TrainingError
from training.export import ServedModel, check_parity, export, open_session, round_to_half, run
from training.familiarity import fit_distance
from training.fitting import Fit, fit, predict
from training.metrics import Predictions, evaluate
from training.network import fold_batch_norm
from training.package import Evidence, current_commit, write_package
from training.preparation import PreparedData, prepare_data, summary
from training.split import Part

PARITY_IMAGES = 64
HEADLINE_METRICS = ("accuracy", "balanced_accuracy", "macro_f1", "auc")


@dataclass(frozen=True)
class Candidate:
    """A trained, calibrated and exported model."""

    seed: int
    fit: Fit
    temperature: float
    distance_threshold: float
    parity: float
    graph: Path


def train(arguments: Arguments) -> dict[str, Any]:
    """Train, choose, test and package; returns the content of model.json.

    Raises:
        TrainingError: if data or arguments do not allow it; the message says what to do.
    """
    start = time.monotonic()
    parameters = arguments.parameters
    arguments.model_dir.mkdir(parents=True, exist_ok=True)
    arguments.output_dir.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as name:
        workplace = Path(name)
        data = prepare_data(
            arguments.data, arguments.dataset, arguments.task, parameters.split_seed, workplace
        )
        print(summary(data, arguments.task.class_names), flush=True)
        candidates = [
            train_candidate(arguments, data, parameters.seed + repeat, workplace)
            for repeat in range(parameters.repeats)
        ]
        chosen = min(candidates, key=lambda candidate: candidate.fit.best.validation_loss)
        measured = {candidate.seed: measure(candidate, data, arguments, "test") for candidate in candidates}
        validation = measure(chosen, data, arguments, "validation")
        metrics = {"test": measured[chosen.seed], "validation": validation}
        (arguments.model_dir / "model.onnx").write_bytes(chosen.graph.read_bytes())
        training = {
            **parameters.to_dict(),
            "seed": chosen.seed,
            "epoch": chosen.fit.best.number,
            "precision": chosen.fit.precision,
            "seconds": round(time.monotonic() - start, 1),
            "torch": torch.__version__,
            "threads": torch.get_num_threads(),
            "processor": platform.machine(),
            "augmentation": asdict(arguments.task.augmentation),
            "repeats": [_repeat(candidate, measured[candidate.seed], chosen) for candidate in candidates],
        }
        evidence = Evidence(metrics, chosen.temperature, chosen.distance_threshold, chosen.parity)
        commit = arguments.git_commit or current_commit()
        model = write_package(arguments.model_dir, arguments.task, data, evidence, training, commit)
        write_reports(arguments.output_dir, data, chosen)
    return model


def train_candidate(arguments: Arguments, data: PreparedData, seed: int, workplace: Path) -> Candidate:
    """Train with one seed; calibrate on validation; export."""
    train_part, validation = data.labelled("train"), data.labelled("validation")
    print(f"training with seed {seed} on {len(train_part.labels)} images", flush=True)
    fitted = fit(arguments.task, train_part, validation, arguments.parameters, seed)
    network = fold_batch_norm(fitted.network)
    if arguments.parameters.weights == "float16":
        round_to_half(network)
    logits, features = predict(network, validation.pixels)
    temperature, _ = fit_temperature(logits.double().numpy(), validation.labels)
    distance = fit_distance(predict(network, train_part.pixels)[1], torch.from_numpy(train_part.labels))
    threshold = torch.quantile(distance(features), arguments.parameters.distance_quantile).item()
    model = ServedModel(network, temperature, distance)
    graph = workplace / f"{seed}.onnx"
    export(model, validation.pixels[:2], graph)
    parity = check_parity(model, open_session(graph), validation.pixels[:PARITY_IMAGES])
    return Candidate(seed, fitted, temperature, threshold, parity, graph)


def measure(candidate: Candidate, data: PreparedData, arguments: Arguments, part: Part) -> dict[str, Any]:
    """All metrics of a candidate on one part, as the packaged graph answers there."""
    images = data.labelled(part)
    answers = run(open_session(candidate.graph), images.pixels)
    probabilities = answers["probabilities"].astype(np.float64)
    uncalibrated = change_temperature(probabilities, 1 / candidate.temperature)
    predictions = Predictions(images.labels, probabilities, data.groups(part))
    parameters = arguments.parameters
    return {
        **evaluate(predictions, arguments.task.class_names, parameters.bootstrap, parameters.split_seed),
        "ece_before": expected_calibration_error(uncalibrated, images.labels),
        "ece_after": expected_calibration_error(probabilities, images.labels),
        "unfamiliar": float((answers["distance"] > candidate.distance_threshold).mean()),
    }


def write_reports(folder: Path, data: PreparedData, chosen: Candidate) -> None:
    """What a person may want to look up later: the data's findings, the epochs, every test answer."""
    report = {"findings": data.findings, "left_out": data.left_out, "fingerprint": data.fingerprint}
    (folder / "data.json").write_text(json.dumps(report, indent=2), encoding="utf-8")
    history = [asdict(epoch) for epoch in chosen.fit.history]
    (folder / "history.json").write_text(json.dumps(history, indent=2), encoding="utf-8")
    images, records = data.labelled("test"), [data.records[index] for index in data.parts["test"]]
    answers = run(open_session(chosen.graph), images.pixels)
    with (folder / "test.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(("path", "group", "label", "predicted", "probability", "distance"))
        for record, row, distance in zip(records, answers["probabilities"], answers["distance"], strict=True):
            best = int(row.argmax())
            writer.writerow(
                (record.path, record.group, record.label, best, f"{row[best]:.4f}", f"{distance:.3f}")
            )


def _repeat(candidate: Candidate, test: dict[str, Any], chosen: Candidate) -> dict[str, Any]:
    best = candidate.fit.best
    return {
        "seed": candidate.seed,
        "kept": candidate is chosen,
        "epoch": best.number,
        "seconds": round(candidate.fit.seconds, 1),
        "validation": {"loss": best.validation_loss, "balanced_accuracy": best.validation_balanced_accuracy},
        "test": {name: test[name]["value"] for name in HEADLINE_METRICS},
    }


def main(argv: Sequence[str] | None = None) -> int:
    """Run from the command line; the exit status says whether there is a package."""
    try:
        arguments = parse_arguments(argv)
        # Same data, same seed, same weights: cuBLAS only promises that with this variable set.
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
        torch.use_deterministic_algorithms(True)
        model = train(arguments)
    except TrainingError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    test = model["metrics"]["test"]
    print(" ".join(f"test_{name}={test[name]['value']:.4f};" for name in HEADLINE_METRICS))
    print(f"package: {arguments.model_dir}; reports: {arguments.output_dir}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

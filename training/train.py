"""Train a task's model: `python -m training.train --task TASK [--data FOLDER] [--smoke]`.

On several GPUs of one machine: `torchrun --nproc-per-node N -m training.train --task TASK`.

Runs unchanged as a SageMaker script-mode job: the channel `train` holds all labelled images (the split by
patient is made here), hyper-parameters arrive as arguments, the package goes to SM_MODEL_DIR, with the code
that serves it, and the reports to SM_OUTPUT_DATA_DIR. Nothing is chosen by looking at the test part: seed,
epoch, temperature and threshold come from the validation part, and only then are the trained models tested.
"""

import os
import platform
import signal
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from itertools import cycle
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from chalicelib.errors import NegatoscopeError
from chalicelib.retraining.hyperparameters import CROSS_VALIDATION
from training.archive import write_serving_code
from training.arguments import Arguments, parse_arguments
from training.data.files import write_files
from training.data.preparation import PreparedData, prepare_data
from training.data.report import render_summary
from training.data.split import Part
from training.evaluation.answers import read_outputs, write_answers
from training.evaluation.assessment import Assessment, assess
from training.evaluation.out_of_distribution import (
    OODImages,
    load_ood_images,
    measure_held_out_ood,
    measure_ood,
)
from training.model import parallel
from training.model.candidate import Candidate, Fold, choose_candidate
from training.model.checkpoint import open_checkpoints
from training.model.devices import make_deterministic
from training.model.export import open_session, run
from training.model.fitting import fit
from training.model.starting_weights import StartingWeights, load_starting_weights
from training.reports.card import PLOTS, heading
from training.reports.facts import Facts, write_json
from training.reports.package import Evidence, current_commit, write_package
from training.reports.plots import save_plots

HEADLINE_METRICS = ("accuracy", "balanced_accuracy", "macro_f1", "auc")
INTERRUPTED = 130
"""Exit status, as shells have it after Ctrl-C."""


def train(arguments: Arguments) -> dict[str, Any] | None:
    """Train, choose, test and package; returns the content of model.json.

    Where several processes train together, the first does the rest alone, and the others return None.

    Raises:
        TrainingError: if data or arguments do not allow it; the message says what to do.
    """
    start = time.monotonic()
    task, parameters = arguments.task, arguments.parameters
    arguments.model_dir.mkdir(parents=True, exist_ok=True)
    arguments.output_dir.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as name:
        workplace = Path(name)
        data, weights = parallel.from_first(lambda: prepare(arguments, workplace))
        turns = data.folds(parameters.num_seeds) if parameters.validation == CROSS_VALIDATION else [data]
        by_turn = [Fold(turn.labelled("train"), turn.labelled("validation")) for turn in turns]
        checkpoints = open_checkpoints(
            arguments.checkpoint_dir, task, parameters, data.fingerprint, weights.name if weights else ""
        )
        folds = dict(zip(checkpoints, cycle(by_turn), strict=False))
        fits = {
            seed: fit(task, folds[seed].train, folds[seed].validation, parameters, seed, weights, checkpoint)
            for seed, checkpoint in checkpoints.items()
        }
        if not parallel.is_first():
            return None
        print("calibrating, exporting and testing", flush=True)
        others = _load_others(arguments, workplace)
        foreign = [other.train for other in others]
        chosen, singles = choose_candidate(task, fits, folds, foreign, parameters, workplace)
        # Each once, though the package may be one of the networks by itself.
        tested = {
            candidate.graph: measure_test(candidate, data, arguments)
            for candidate in {one.graph: one for one in (chosen, *singles)}.values()
        }
        result = tested[chosen.graph]
        seeds = [_describe_seed(single, tested[single.graph].metrics, chosen) for single in singles]
        validation = _measure(chosen, chosen.validation, turns, "validation", arguments)
        metrics = {"test": result.metrics, "validation": validation.metrics}
        if others:
            assert result.answers.distances is not None  # graphs of ours tell
            metrics["unfamiliar"] = measure_ood(
                chosen.graph, chosen.distance_threshold, result.answers.distances, others
            )
            for name, auroc in measure_held_out_ood(chosen, data.labelled("test").pixels, others).items():
                metrics["unfamiliar"][name]["auroc_unseen"] = auroc
        (arguments.model_dir / "model.onnx").write_bytes(chosen.graph.read_bytes())
        training = {
            **_describe(arguments, weights, chosen),
            "seconds": round(time.monotonic() - start, 1),
            "seeds": seeds,
        }
        evidence = Evidence(
            metrics, result.curves, chosen.temperature, chosen.distance_threshold, chosen.parity
        )
        commit = arguments.git_commit or current_commit()
        model = write_package(arguments.model_dir, task, data, evidence, training, commit)
        if "SM_MODEL_DIR" in os.environ:
            write_serving_code(arguments.model_dir, task)
        write_reports(arguments.output_dir, data, chosen, result, model)
        best = min(chosen.fits.values(), key=lambda fitted: fitted.best.validation_loss)
        torch.save(best.network.state_dict(), arguments.output_dir / "network.pt")
        for checkpoint in checkpoints.values():
            checkpoint.remove()
    # A tuning job judges the run by the objective it reads last.
    print(f"objective={chosen.validation_loss:.4f};", flush=True)
    return model


def prepare(arguments: Arguments, workplace: Path) -> tuple[PreparedData, StartingWeights | None]:
    """All that a training starts from; the arrays of images lie in `workplace`.

    Raises:
        TrainingError: if data or weights cannot be read, or do not allow training.
    """
    weights = load_starting_weights(arguments.start_from) if arguments.start_from else None
    split_seed = arguments.parameters.split_seed
    data = prepare_data(
        arguments.data, arguments.dataset, arguments.task, split_seed, workplace, **arguments.reading
    )
    print(render_summary(data), flush=True)
    return data, weights


def _load_others(arguments: Arguments, workplace: Path) -> list[OODImages]:
    if not arguments.ood_data:
        return []
    seed = arguments.parameters.split_seed
    return list(load_ood_images(arguments.ood_data, arguments.task, seed, workplace))


def measure_test(candidate: Candidate, data: PreparedData, arguments: Arguments) -> Assessment:
    """All that can be said of a candidate on the test part, as the packaged graph answers there."""
    outputs = run(open_session(candidate.graph), data.labelled("test").pixels)
    return _measure(candidate, outputs, [data], "test", arguments)


def _measure(
    candidate: Candidate,
    outputs: Mapping[str, NDArray[Any]],
    turns: Sequence[PreparedData],
    part: Part,
    arguments: Arguments,
) -> Assessment:
    """What the outputs for one part of each turn are worth."""
    values: dict[str, list[str]] = defaultdict(list)
    for turn in turns:
        for attribute, own in turn.subgroups(part).items():
            values[attribute] += own
    return assess(
        arguments.task,
        read_outputs(outputs, arguments.task, candidate.distance_threshold),
        np.concatenate([turn.labelled(part).labels for turn in turns]),
        [group for turn in turns for group in turn.groups(part)],
        values,
        candidate.temperature,
        arguments.parameters.bootstrap,
        arguments.parameters.split_seed,
    )


def write_reports(
    folder: Path, data: PreparedData, chosen: Candidate, test: Assessment, model: Facts
) -> None:
    """What a person may want to look up later: the data's findings, epochs, every test answer, pictures."""
    write_files(data, folder)
    histories = {
        str(seed): [asdict(epoch) for epoch in fitted.history] for seed, fitted in chosen.fits.items()
    }
    write_json(folder / "history.json", histories)
    records = [data.records[index] for index in data.parts["test"]]
    write_answers(folder / "test.csv", records, test.answers, model["classes"])
    save_plots(folder / PLOTS, "png", heading(model), model["classes"], test.metrics, test.curves)


def _describe(arguments: Arguments, weights: StartingWeights | None, chosen: Candidate) -> dict[str, Any]:
    """How the model came about, as `model.json` holds it."""
    return {
        **arguments.parameters.to_dict(),
        "precision": next(iter(chosen.fits.values())).precision,
        "torch": torch.__version__,
        "threads": torch.get_num_threads(),
        "processor": platform.machine(),
        "processes": parallel.world_size(),
        "start_from": weights.name if weights else None,
        "augmentation": asdict(arguments.task.augmentation),
    }


def _describe_seed(single: Candidate, test: Facts, chosen: Candidate) -> dict[str, Any]:
    [(seed, fitted)] = single.fits.items()
    best = fitted.best
    return {
        "seed": seed,
        "kept": seed in chosen.fits,
        "epoch": best.number,
        "seconds": round(fitted.seconds, 1),
        "validation": {
            "loss": single.validation_loss,
            "balanced_accuracy": best.validation_balanced_accuracy,
        },
        "test": {name: test[name]["value"] for name in HEADLINE_METRICS},
    }


def main(argv: Sequence[str] | None = None) -> int:
    """Run from the command line; the exit status says whether there is a package."""
    # As Ctrl-C does: SageMaker sends SIGTERM when it takes a spot instance back.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        arguments = parse_arguments(argv)
        make_deterministic()
        with parallel.processes():
            model = train(arguments)
    except NegatoscopeError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted: started again, the same run goes on after its last whole epoch", file=sys.stderr)
        return INTERRUPTED
    if model:
        test = model["metrics"]["test"]
        print(" ".join(f"test_{name}={test[name]['value']:.4f};" for name in HEADLINE_METRICS))
        print(f"package: {arguments.model_dir}; reports: {arguments.output_dir}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""The steps of a training run: prepare, fit, choose, test, package."""

import os
import platform
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

from chalicelib.hyperparameters import CROSS_VALIDATION
from training.archive import write_serving_code
from training.arguments import Arguments
from training.core.facts import Facts, write_json
from training.data.files import write_files
from training.data.outlines import read_outlines
from training.data.parts import Part
from training.data.preparation import PreparedData, prepare_data
from training.data.report import render_summary
from training.errors import TrainingError
from training.evaluation.answers import read_outputs
from training.evaluation.assessment import Assessment, assess
from training.evaluation.out_of_distribution import (
    load_ood_images,
    measure_held_out_ood,
    measure_ood,
)
from training.evaluation.pointing import measure_pointing
from training.evaluation.stress import measure_stress
from training.model import parallel
from training.model.candidate import Candidate, Fold, choose_candidate
from training.model.checkpoint import open_checkpoints
from training.model.fitting import Fit, fit
from training.model.graph import open_session
from training.model.graph import run as run_graph
from training.model.starting_weights import StartingWeights, load_starting_weights, save_weights
from training.reports.card import PLOTS, heading
from training.reports.package import Evidence, current_commit, write_package
from training.reports.plots import save_plots
from training.reports.predictions import write_predictions
from training.run import Choice, Prepared, Results, Run

HEADLINE_METRICS = ("accuracy", "balanced_accuracy", "macro_f1", "auc")


def read_inputs(arguments: Arguments, workplace: Path) -> tuple[PreparedData, StartingWeights | None]:
    """Read the data and the starting weights; the arrays of images lie in `workplace`.

    Raises:
        TrainingError: if data or weights cannot be read, or do not allow training.
    """
    weights = load_starting_weights(arguments.start_from) if arguments.start_from else None
    split_seed = arguments.parameters.split_seed
    data = prepare_data(
        arguments.data,
        arguments.dataset,
        arguments.task,
        split_seed,
        workplace,
        **arguments.reading,
        hosts=parallel.reading_hosts(),
    )
    print(render_summary(data), flush=True)
    return data, weights


def read_training_outlines(
    arguments: Arguments, splits: Sequence[PreparedData], workplace: Path
) -> NDArray[np.uint8] | None:
    """The outlines of all records, uint8 (N, H, W), empty where no split trains; None if none are used.

    A recipe's weight has no effect on data without outlines: it must not stop a retraining with new images.

    Raises:
        TrainingError: if the command line gives them a weight but no image to train on has an outline.
    """
    if not arguments.parameters.outline_weight:
        return None
    data = splits[0]
    rows = sorted({row for split in splits for row in split.parts["train"]})
    paths = [record.path for record in data.records]
    outlines = read_outlines(data.folder, paths, rows, arguments.task.input, workplace / "outlines.npy")
    if outlines is None and "outline_weight" in arguments.asked:
        raise TrainingError(
            "No training image has an outline, so that outline_weight has no effect: add masks, or set it "
            "to 0."
        )
    return outlines


def prepare(run: Run) -> Prepared:
    """Read and split the data, and open the checkpoints.

    Raises:
        TrainingError: if data or weights cannot be read, or do not allow training.
    """
    data, weights = parallel.from_first_of_host(lambda: read_inputs(run.arguments, run.workplace))
    parallel.agree(data.fingerprint, "The hosts have read different images. Start the training again.")
    cross_validated = run.parameters.validation == CROSS_VALIDATION
    splits = data.folds(run.parameters.num_seeds) if cross_validated else [data]
    outlines = parallel.from_first_of_host(
        lambda: read_training_outlines(run.arguments, splits, run.workplace)
    )
    folds = [Fold(split.labelled("train", outlines), split.labelled("validation")) for split in splits]
    checkpoints = open_checkpoints(
        run.arguments.checkpoint_dir,
        run.task,
        run.parameters,
        data.fingerprint,
        weights.name if weights else "",
    )
    splits_by_seed = dict(zip(checkpoints, cycle(splits), strict=False))
    folds_by_seed = dict(zip(checkpoints, cycle(folds), strict=False))
    return Prepared(data, splits_by_seed, folds_by_seed, weights, checkpoints)


def fit_networks(run: Run, prepared: Prepared) -> dict[int, Fit]:
    """Train a network with each seed.

    Raises:
        TrainingError: if the loss diverges, or the starting weights belong to another kind of network.
    """
    return {
        seed: fit(
            run.task,
            prepared.folds[seed].train,
            prepared.folds[seed].validation,
            run.parameters,
            seed,
            prepared.weights,
            checkpoint,
        )
        for seed, checkpoint in prepared.checkpoints.items()
    }


def choose(run: Run, prepared: Prepared, fits: Mapping[int, Fit]) -> Choice:
    """Calibrate the networks, and choose by their validation loss."""
    print("calibrating, exporting and testing", flush=True)
    folder, seed = run.arguments.ood_data, run.parameters.split_seed
    ood_images = list(load_ood_images(folder, run.task, seed, run.workplace)) if folder else []
    counterexamples = [kind.train for kind in ood_images]
    model, singles = choose_candidate(
        run.task, fits, prepared.folds, counterexamples, run.parameters, run.workplace
    )
    return Choice(model, singles, ood_images)


def test(run: Run, prepared: Prepared, choice: Choice) -> Results:
    """Export the model, and test it and every network by itself on the test part and on OOD images.

    The networks by themselves answer in torch: exporting each takes longer than all the rest of this step.

    Raises:
        TrainingError: if the exported graph answers differently from the networks.
    """
    model, images = choice.model, prepared.data.labelled("test").pixels
    print(f"exported; largest difference of a probability {model.parity:.1e}", flush=True)
    session = open_session(model.graph)
    test_part = _assess(run, model, run_graph(session, images), [prepared.data], "test")
    labels = prepared.data.labelled("test").labels
    test_part.metrics["stress"] = measure_stress(
        lambda changed: read_outputs(run_graph(session, changed), run.task, model.thresholds), images, labels
    )
    paths = [prepared.data.records[index].path for index in prepared.data.parts["test"]]
    pointing = measure_pointing(session, run.task, images, labels, prepared.data.folder, paths)
    if pointing:
        test_part.metrics["pointing"] = pointing
    return Results(
        test_part,
        _assess(run, model, model.validation, prepared.splits_of(model), "validation"),
        {
            single.seed: test_part
            if single is model
            else _assess(run, single, single.answer(images), [prepared.data], "test")
            for single in choice.singles
        },
        _test_ood(prepared, choice, test_part) if choice.ood_images else {},
    )


def package(run: Run, prepared: Prepared, choice: Choice, results: Results) -> Facts:
    """Write the package and the reports, and remove the checkpoints; returns the content of model.json.

    Raises:
        TrainingError: if the graph is too large to ship.
    """
    folder, model = run.arguments.model_dir, choice.model
    metrics: dict[str, Facts] = {
        "test": results.test.metrics,
        "validation": results.validation.metrics,
    }
    if results.ood:
        metrics["unfamiliar"] = results.ood
    evidence = Evidence(metrics, results.test.curves, model.temperature, model.thresholds, model.parity)
    facts = write_package(
        folder,
        model.graph.read_bytes(),
        run.task,
        prepared.data,
        evidence,
        _describe_training(run, prepared, choice, results),
        run.arguments.git_commit or current_commit(),
    )
    if "SM_MODEL_DIR" in os.environ:
        write_serving_code(folder, run.task)
    _write_reports(run.arguments.output_dir, prepared.data, model, results.test, facts)
    for checkpoint in prepared.checkpoints.values():
        checkpoint.remove()
    return facts


def _assess(
    run: Run,
    candidate: Candidate,
    outputs: Mapping[str, NDArray[Any]],
    splits: Sequence[PreparedData],
    part: Part,
) -> Assessment:
    """Measure the outputs for one part of each split, one after the other."""
    subgroups: dict[str, list[str]] = defaultdict(list)
    for split in splits:
        for attribute, values in split.subgroups(part).items():
            subgroups[attribute] += values
    return assess(
        run.task,
        read_outputs(outputs, run.task, candidate.thresholds),
        np.concatenate([split.labelled(part).labels for split in splits]),
        [group for split in splits for group in split.groups(part)],
        subgroups,
        candidate.temperature,
        run.parameters.bootstrap,
        run.parameters.split_seed,
    )


def _test_ood(prepared: Prepared, choice: Choice, test: Assessment) -> Facts:
    """How well the distance separates out-of-distribution images, by kind; see `measure_ood`."""
    model, images = choice.model, prepared.data.labelled("test").pixels
    assert test.answers.distances is not None  # the graphs of this project have that output
    measured = measure_ood(model.graph, model.thresholds.distance, test.answers.distances, choice.ood_images)
    held_out = measure_held_out_ood(model, images, choice.ood_images)
    return {kind: {**facts, "auroc_unseen": held_out[kind]} for kind, facts in measured.items()}


def _describe_training(run: Run, prepared: Prepared, choice: Choice, results: Results) -> dict[str, Any]:
    """The entry `training` of model.json."""
    credit = prepared.weights.credit if prepared.weights else {}
    fits = [fitted for single in choice.singles for fitted in single.fits.values()]
    seconds = sum(fitted.earlier_seconds for fitted in fits) + time.monotonic() - run.started
    return {
        **run.parameters.in_use(),
        "precision": next(iter(choice.model.fits.values())).precision,
        "torch": torch.__version__,
        "threads": torch.get_num_threads(),
        "processor": platform.machine(),
        "processes": parallel.world_size(),
        "hosts": parallel.hosts(),
        "start_from": prepared.weights.name if prepared.weights else None,
        **({"starting_weights": dict(credit)} if credit else {}),
        "augmentation": asdict(run.task.augmentation),
        "seconds": round(seconds, 1),
        "seeds": [
            _describe_seed(single, results.singles[single.seed].metrics, choice.model)
            for single in choice.singles
        ],
    }


def _describe_seed(single: Candidate, test: Facts, model: Candidate) -> dict[str, Any]:
    [(seed, fitted)] = single.fits.items()
    best = fitted.best
    return {
        "seed": seed,
        "kept": seed in model.fits,
        "epoch": best.number,
        "seconds": round(fitted.seconds, 1),
        "validation": {
            "loss": single.validation_loss,
            "balanced_accuracy": best.validation_balanced_accuracy,
        },
        "test": {name: test[name]["value"] for name in HEADLINE_METRICS},
    }


def _write_reports(
    folder: Path, data: PreparedData, model: Candidate, test: Assessment, facts: Facts
) -> None:
    """Write the findings in the data, the epochs, test predictions, plots, and the best weights."""
    write_files(data, folder)
    histories = {
        str(seed): [asdict(epoch) for epoch in fitted.history] for seed, fitted in model.fits.items()
    }
    write_json(folder / "history.json", histories)
    records = [data.records[index] for index in data.parts["test"]]
    write_predictions(folder / "test.csv", records, test.answers, facts["classes"])
    save_plots(folder / PLOTS, "png", heading(facts), facts["classes"], test.metrics, test.curves)
    best = min(model.fits.values(), key=lambda fitted: fitted.best.validation_loss)
    save_weights(
        folder / "network.pt",
        best.network.state_dict(),
        facts["training"].get("starting_weights", {}),
        trained_on=[data.source],
    )

"""Trained networks made ready to serve: calibrated, with their distance threshold, and exported."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from chalicelib.retraining.hyperparameters import Hyperparameters
from chalicelib.tasks import Task
from training.data.pixels import Images, Labelled
from training.evaluation.bootstrap import Floats
from training.evaluation.calibration import fit_temperature
from training.model.ensemble_module import EnsembleModule, Member, View, tta_views
from training.model.export import check_parity, export, open_session, round_to_half
from training.model.fitting import Fit
from training.model.network import Classifier, fold_batch_norm
from training.model.ood_score import fit_ood_score
from training.model.optimisation import prior_correction
from training.model.prediction import predict

PARITY_IMAGES = 64
BATCH_SIZE = 64


@dataclass(frozen=True)
class Fold:
    """What a network learns from, and what judges and calibrates it."""

    train: Labelled
    validation: Labelled


@dataclass(frozen=True)
class Described:
    """A network as it will be served, and its descriptors (N, D) of what makes images familiar to it."""

    network: Classifier
    train: Tensor
    labels: Tensor
    """Of `train`."""
    validation: Tensor
    counterexamples: tuple[Tensor, ...]
    """One for each other kind of image."""
    quantile: float

    @cached_property
    def member(self) -> Member:
        """The network with its familiarity."""
        return self.member_without(None)

    def member_without(self, hidden: int | None) -> Member:
        """The same, as if the kind with the number `hidden` had not been shown."""
        shown = [kind for number, kind in enumerate(self.counterexamples) if number != hidden]
        familiarity = fit_ood_score(
            self.train, self.labels, self.validation, torch.cat(shown) if shown else None, self.quantile
        )
        return Member(self.network, familiarity)


@dataclass(frozen=True)
class Candidate:
    """A calibrated and exported model of one network or several."""

    fits: Mapping[int, Fit]
    """By seed."""
    networks: tuple[Described, ...]
    views: tuple[View, ...]
    temperature: float
    distance_threshold: float
    validation_loss: float
    validation: Mapping[str, NDArray[Any]]
    """The graph's outputs `probabilities` and `distance` for the validation images of all folds in turn, each
    as the networks answer that did not learn from it."""
    parity: float
    """Largest difference of a probability between torch and onnxruntime."""
    graph: Path

    def distances_without(self, hidden: int, pixels: Images) -> Floats:
        """Distances (N,) of prepared images if the kind with this number had not been a counterexample."""
        ignorant = EnsembleModule(
            [network.member_without(hidden) for network in self.networks], 1.0, self.views
        )
        return _ask(ignorant, pixels)[1].double().numpy()


def choose_candidate(
    task: Task,
    fits: Mapping[int, Fit],
    folds: Mapping[int, Fold],
    counterexamples: Sequence[Images],
    parameters: Hyperparameters,
    workplace: Path,
) -> tuple[Candidate, list[Candidate]]:
    """The model for the package, of the networks that do best on validation, and every network by itself.

    Args:
        task: that the networks are for.
        fits: the networks, by seed.
        folds: by seed what each learnt from, and what it is calibrated and chosen by.
        counterexamples: images of other kinds, one after the other, which are not familiar.
        parameters: how many networks the package has, and how it looks at an image.
        workplace: where the graphs go.

    Raises:
        TrainingError: if an exported graph answers otherwise than its networks.
    """
    networks = {
        seed: _describe(fitted, folds[seed], counterexamples, parameters) for seed, fitted in fits.items()
    }

    def make(seeds: Sequence[int]) -> Candidate:
        chosen = {seed: fits[seed] for seed in seeds}
        own = tuple(networks[seed] for seed in seeds)
        return _make_candidate(task, chosen, own, [folds[seed] for seed in seeds], parameters, workplace)

    singles = sorted((make([seed]) for seed in fits), key=lambda single: single.validation_loss)
    if parameters.ensemble_size == 1:
        return singles[0], singles
    return make([seed for single in singles[: parameters.ensemble_size] for seed in single.fits]), singles


def _make_candidate(
    task: Task,
    fits: Mapping[int, Fit],
    networks: tuple[Described, ...],
    folds: Sequence[Fold],
    parameters: Hyperparameters,
    workplace: Path,
) -> Candidate:
    """Calibrate on the validation images, and export into `workplace`."""
    views = tta_views(task, parameters.tta)
    members = [network.member for network in networks]
    # The temperature is fitted to what it will divide: the mean over members and views.
    logits, distances = _validate(task, members, folds, views)
    labels = np.concatenate([fold.validation.labels for fold in _distinct(folds)])
    learnt = np.concatenate([fold.train.labels for fold in _distinct(folds)])
    correction = prior_correction(learnt, len(task.classes), parameters)
    temperature, loss = fit_temperature(logits.double().numpy(), labels, correction.numpy())
    offset = temperature * correction
    threshold = torch.quantile(distances, parameters.distance_quantile).item()
    model = EnsembleModule(members, temperature, views, task.flip_permutation, offset)
    graph = workplace / f"{'-'.join(map(str, fits))}.onnx"
    example = folds[0].validation.pixels
    export(model, example[:2], graph)
    parity = check_parity(model, open_session(graph), example[:PARITY_IMAGES])
    answers = {
        "probabilities": ((logits + offset) / temperature).softmax(1).numpy(),
        "distance": distances.numpy(),
    }
    return Candidate(fits, networks, views, temperature, threshold, loss, answers, parity, graph)


def _validate(
    task: Task, members: Sequence[Member], folds: Sequence[Fold], views: Sequence[View]
) -> tuple[Tensor, Tensor]:
    """Logits (N, K) and distances (N,) of all validation images, each by the members whose fold it is in."""
    answers = []
    for fold in _distinct(folds):
        judges = [member for member, own in zip(members, folds, strict=True) if own is fold]
        answers.append(
            _ask(EnsembleModule(judges, 1.0, views, task.flip_permutation), fold.validation.pixels)
        )
    return torch.cat([logits for logits, _ in answers]), torch.cat([distances for _, distances in answers])


def _distinct(folds: Sequence[Fold]) -> list[Fold]:
    return list({id(fold): fold for fold in folds}.values())


def _describe(
    fitted: Fit, fold: Fold, counterexamples: Sequence[Images], parameters: Hyperparameters
) -> Described:
    network = fold_batch_norm(fitted.network)
    if parameters.weights == "float16":
        round_to_half(network)

    def describe(images: Images) -> Tensor:
        return predict(network, images)[1]

    return Described(
        network,
        describe(fold.train.pixels),
        torch.from_numpy(fold.train.labels),
        describe(fold.validation.pixels),
        tuple(describe(images) for images in counterexamples),
        parameters.distance_quantile,
    )


@torch.inference_mode()
def _ask(model: EnsembleModule, pixels: Images) -> tuple[Tensor, Tensor]:
    """Logits (N, K) and distances (N,) of prepared images."""
    model.eval()
    answers = [
        model.answer(torch.from_numpy(np.array(pixels[start : start + BATCH_SIZE])))
        for start in range(0, len(pixels), BATCH_SIZE)
    ]
    return torch.cat([logits for logits, _, _ in answers]), torch.cat([away for _, _, away in answers])

"""Candidates: trained networks that are calibrated, with a distance threshold, and exported."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from chalicelib.hyperparameters import WEIGHTS, Hyperparameters
from chalicelib.models.thresholds import Thresholds
from chalicelib.tasks import Task
from training.core.arrays import Floats, Ints
from training.core.calibration import fit_temperature
from training.core.selective import choose_min_probability
from training.data.pixels import Images, Labelled
from training.model.classifier import Classifier, average_weights, fold_batch_norm
from training.model.ensemble_module import AnswerModule, EnsembleModule, Member, View, tta_views
from training.model.export import Pixels, check_parity, export
from training.model.fitting import Fit
from training.model.graph import open_session
from training.model.ood_score import fit_ood_score
from training.model.optimisation import labels_seen, prior_correction
from training.model.prediction import describe, run_batches
from training.model.runner import Runner
from training.model.weight_precision import round_weights

PARITY_IMAGES = 64


@dataclass(frozen=True)
class Fold:
    """The images that a network is trained on, and those that it is validated and calibrated on."""

    train: Labelled
    validation: Labelled


@dataclass(frozen=True)
class DescribedNetwork:
    """A network as it will be served, and the descriptors (N, D) that its OOD score is fitted to."""

    network: Classifier
    train: Tensor
    labels: Tensor
    """Of `train`."""
    validation: Tensor
    counterexamples: tuple[Tensor, ...]
    """One for each kind of out-of-distribution images."""
    quantile: float

    @cached_property
    def member(self) -> Member:
        """The network with its OOD score."""
        return self.member_without(None)

    def member_without(self, hidden: int | None) -> Member:
        """The network with an OOD score that is fitted without the kind with the number `hidden`."""
        shown = [kind for number, kind in enumerate(self.counterexamples) if number != hidden]
        ood_score = fit_ood_score(
            self.train, self.labels, self.validation, torch.cat(shown) if shown else None, self.quantile
        )
        return Member(self.network, ood_score)


@dataclass(frozen=True)
class Candidate:
    """A calibrated model of one or several networks, which is exported when its graph is first needed."""

    fits: Mapping[int, Fit]
    """By seed."""
    networks: tuple[DescribedNetwork, ...]
    views: tuple[View, ...]
    temperature: float
    thresholds: Thresholds
    validation_loss: float
    validation: Mapping[str, NDArray[Any]]
    """The outputs `probabilities` and `distance` for the validation images of all folds, one after the other;
    each from the networks that were not trained on it."""
    model: EnsembleModule
    examples: Pixels
    """Images (N, C, H, W) on which the exported graph is compared with the networks."""
    workplace: Path

    @property
    def seed(self) -> int:
        """The seed of a network by itself; an ensemble has none."""
        [seed] = self.fits
        return seed

    @cached_property
    def graph(self) -> Path:
        """The ONNX file."""
        path = self.workplace / f"{'-'.join(map(str, self.fits))}.onnx"
        export(self.model, self.examples[:2], path)
        return path

    @cached_property
    def parity(self) -> float:
        """The largest difference between a probability of torch and of onnxruntime.

        Raises:
            TrainingError: if it is larger than rounding.
        """
        return check_parity(self.model, open_session(self.graph), self.examples)

    def answer(self, pixels: Images) -> dict[str, NDArray[Any]]:
        """The outputs `probabilities` and `distance` for prepared images, computed by torch."""
        logits, distances = _run(self.model, pixels)
        probabilities = ((logits + self.model.offset) / self.temperature).softmax(1)
        return {"probabilities": probabilities.numpy(), "distance": distances.numpy()}

    def distances_without(self, hidden: int, pixels: Images) -> Floats:
        """Distances (N,) of prepared images, with OOD scores fitted without the kind numbered `hidden`."""
        ensemble = EnsembleModule(
            [network.member_without(hidden) for network in self.networks], 1.0, self.views
        )
        return _run(ensemble, pixels)[1].double().numpy()


def choose_candidate(
    task: Task,
    fits: Mapping[int, Fit],
    folds: Mapping[int, Fold],
    counterexamples: Sequence[Images],
    parameters: Hyperparameters,
    workplace: Path,
) -> tuple[Candidate, list[Candidate]]:
    """The model for the package, of the best networks on validation, and every network by itself.

    Args:
        task: of the networks.
        fits: the networks, by seed.
        folds: the images that each network was trained and validated on, by seed.
        counterexamples: out-of-distribution images, by kind.
        parameters: the size of the ensemble, and its test-time augmentation.
        workplace: folder for the graphs.

    Returns:
        The model, and all networks, the lowest validation loss first.
    """
    networks = {
        seed: _describe(fitted.network, folds[seed], counterexamples, parameters)
        for seed, fitted in fits.items()
    }

    def make(seeds: Sequence[int]) -> Candidate:
        chosen = {seed: fits[seed] for seed in seeds}
        own = tuple(networks[seed] for seed in seeds)
        return _make_candidate(task, chosen, own, [folds[seed] for seed in seeds], parameters, workplace)

    singles = sorted((make([seed]) for seed in fits), key=lambda single: single.validation_loss)
    if parameters.ensemble_size == 1:
        return singles[0], singles
    seeds = [seed for single in singles[: parameters.ensemble_size] for seed in single.fits]
    if parameters.ensemble_average != WEIGHTS:
        return make(seeds), singles

    def average(seeds: Sequence[int]) -> Candidate:
        chosen = {seed: fits[seed] for seed in seeds}
        fold = folds[seeds[0]]
        network = average_weights([fitted.network for fitted in chosen.values()])
        described = _describe(network, fold, counterexamples, parameters)
        return _make_candidate(task, chosen, (described,), [fold], parameters, workplace)

    # A greedy soup (Wortsman et al. 2022): a network is added only if that lowers the validation loss.
    best = singles[0]
    for seed in seeds[1:]:
        best = min(best, average([*best.fits, seed]), key=lambda candidate: candidate.validation_loss)
    return best, singles


def _make_candidate(
    task: Task,
    fits: Mapping[int, Fit],
    networks: tuple[DescribedNetwork, ...],
    folds: Sequence[Fold],
    parameters: Hyperparameters,
    workplace: Path,
) -> Candidate:
    """Calibrate on the validation images; the graph will be in `workplace`."""
    views = tta_views(task, parameters.tta)
    members = [network.member for network in networks]
    # The temperature is fitted to what it divides: the mean logits of all members and views.
    logits, distances = _validate(task, members, folds, views)
    labels = np.concatenate([fold.validation.labels for fold in _distinct(folds)])
    trained_on = np.concatenate([fold.train.labels for fold in _distinct(folds)])
    correction = prior_correction(labels_seen(trained_on, task), len(task.classes), parameters)
    temperature, loss = fit_temperature(logits.double().numpy(), labels, correction.numpy())
    offset = temperature * correction
    model = EnsembleModule(members, temperature, views, task.flip_permutation, offset)
    pixels = folds[0].validation.pixels
    # Images of one class are beside each other: all classes are to be compared.
    examples = np.array(pixels[np.linspace(0, len(pixels) - 1, PARITY_IMAGES).round().astype(np.int64)])
    answers = {
        "probabilities": ((logits + offset) / temperature).softmax(1).numpy(),
        "distance": distances.numpy(),
    }
    thresholds = _choose_thresholds(task, answers, labels, parameters.distance_quantile)
    return Candidate(
        fits, networks, views, temperature, thresholds, loss, answers, model, examples, workplace
    )


def _choose_thresholds(
    task: Task, answers: Mapping[str, NDArray[Any]], labels: Ints, quantile: float
) -> Thresholds:
    """Thresholds for the answers to the validation images, shape (N, ...)."""
    distance = float(np.quantile(answers["distance"], quantile))
    probabilities = answers["probabilities"].astype(np.float64)
    runner_up, top = np.sort(probabilities, axis=1)[:, -2:].T
    eligible = (answers["distance"] <= distance) & (top - runner_up >= task.review.min_margin)
    probability = choose_min_probability(probabilities, labels, eligible, task.review.min_accuracy)
    return Thresholds(distance, probability)


def _validate(
    task: Task, members: Sequence[Member], folds: Sequence[Fold], views: Sequence[View]
) -> tuple[Tensor, Tensor]:
    """Logits (N, K) and distances (N,) of all validation images, each by the members of its fold."""
    answers = []
    for fold in _distinct(folds):
        own_members = [member for member, own in zip(members, folds, strict=True) if own is fold]
        answers.append(
            _run(EnsembleModule(own_members, 1.0, views, task.flip_permutation), fold.validation.pixels)
        )
    return torch.cat([logits for logits, _ in answers]), torch.cat([distances for _, distances in answers])


def _distinct(folds: Sequence[Fold]) -> list[Fold]:
    return list({id(fold): fold for fold in folds}.values())


def _describe(
    trained: Classifier, fold: Fold, counterexamples: Sequence[Images], parameters: Hyperparameters
) -> DescribedNetwork:
    network = fold_batch_norm(trained)
    round_weights(network, parameters.weights)

    train, validation, *kinds = describe(
        network, [fold.train.pixels, fold.validation.pixels, *counterexamples]
    )
    return DescribedNetwork(
        network,
        train,
        torch.from_numpy(fold.train.labels),
        validation,
        tuple(kinds),
        parameters.distance_quantile,
    )


def _run(model: EnsembleModule, pixels: Images) -> tuple[Tensor, Tensor]:
    """Logits (N, K) and distances (N,) of prepared images."""
    runner = Runner(AnswerModule(model), 2, len(pixels) * len(model.views), torch.device("cpu"))
    logits, distances = run_batches(runner, pixels)
    return logits, distances

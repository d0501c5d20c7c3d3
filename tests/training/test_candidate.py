"""Candidates: single networks and ensembles that are calibrated and exported."""

from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import cast
from unittest.mock import Mock

import numpy as np
import pytest
import torch

from chalicelib.hyperparameters import Hyperparameters
from chalicelib.tasks import Task
from tests.training.samples import blob
from tests.training.test_residual_network import make_trained_network
from training.core.calibration import fit_temperature
from training.data.pixels import Labelled, PixelView
from training.model import candidate
from training.model.candidate import Fold, choose_candidate
from training.model.classifier import Classifier
from training.model.ensemble_module import Member
from training.model.fitting import Fit
from training.model.graph import open_session, run
from training.model.ood_score import fit_ood_score
from training.model.progress import Epoch

CLASSES = 5
COUNT = 30
LABELS = np.arange(COUNT) % CLASSES
PIXELS = np.stack(
    [np.asarray(blob(int(label), CLASSES, seed))[np.newaxis] for seed, label in enumerate(LABELS)]
)
DATA = Labelled(PixelView(PIXELS, np.arange(COUNT)), LABELS)


@pytest.fixture
def fits() -> dict[int, Fit]:
    fits = {}
    for seed in (3, 4, 5):
        network = make_trained_network(classes=CLASSES)
        torch.manual_seed(seed)
        torch.nn.init.normal_(network.head.weight)
        epoch = Epoch(1, 1.0, 1.0, 0.5)
        fits[seed] = Fit(network, epoch, (epoch,), "float32", 1.0)
    return fits


def make_folds(fits: dict[int, Fit]) -> dict[int, Fold]:
    return dict.fromkeys(fits, Fold(DATA, DATA))


def fitted_head(network: Classifier) -> torch.Tensor:
    """Weights (K, F) of a head that answers well for DATA, by least squares."""
    torch.manual_seed(0)
    with torch.inference_mode():
        maps, _ = network.eval().features(network.normalise(network.pad(torch.from_numpy(PIXELS))))
    pooled = maps.mean((2, 3))
    targets = 4.0 * torch.eye(CLASSES)[torch.from_numpy(LABELS)]
    solution: torch.Tensor = torch.linalg.lstsq(pooled, targets, driver="gelsd").solution
    return solution.T.clone()


def with_head(fitted: Fit, weights: torch.Tensor) -> Fit:
    """The fit with another head."""
    network = deepcopy(fitted.network)
    network.head.weight.data = weights
    network.head.bias.data.zero_()
    return replace(fitted, network=network)


def test_candidate_averages_its_best_networks(
    small_task: Task, fits: dict[int, Fit], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    describe = Mock(wraps=candidate._describe)
    monkeypatch.setattr(candidate, "_describe", describe)
    fitting = Mock(wraps=fit_ood_score)
    monkeypatch.setattr(candidate, "fit_ood_score", fitting)
    parameters = Hyperparameters(num_seeds=3, ensemble_size=2)

    chosen, singles = choose_candidate(small_task, fits, make_folds(fits), [], parameters, tmp_path)

    assert list(chosen.fits) == [seed for single in singles[:2] for seed in single.fits]
    assert singles == sorted(singles, key=lambda single: single.validation_loss)
    assert describe.call_count == fitting.call_count == len(fits)
    logits = [np.log(single.answer(PIXELS)["probabilities"]) * single.temperature for single in singles[:2]]
    mean = np.mean(logits, axis=0) / chosen.temperature
    expected = np.exp(mean) / np.exp(mean).sum(1, keepdims=True)
    answers = run(open_session(chosen.graph), PIXELS)
    assert answers["probabilities"] == pytest.approx(expected, abs=1e-4)
    assert answers["distance"] == pytest.approx(chosen.answer(PIXELS)["distance"], rel=1e-3)
    assert chosen.parity < 1e-4


def test_candidate_averages_the_weights_of_networks_that_improve_it(
    small_task: Task, fits: dict[int, Fit], tmp_path: Path
) -> None:
    parameters = Hyperparameters(num_seeds=3, ensemble_size=3, ensemble_average="weights")
    first, second, third = fits
    good = fitted_head(fits[first].network)
    torch.manual_seed(0)
    noise = torch.randn_like(good)
    # Two networks that err in opposite directions, and one that answers at random.
    heads = {first: good + noise, second: good - noise, third: torch.randn_like(good)}
    changed = {seed: with_head(fits[first], head) for seed, head in heads.items()}

    chosen, singles = choose_candidate(small_task, changed, make_folds(fits), [], parameters, tmp_path)

    [described] = chosen.networks
    assert set(chosen.fits) == {first, second}
    assert chosen.validation_loss < singles[0].validation_loss
    assert torch.allclose(described.network.head.weight, good, rtol=1e-3, atol=1e-2)  # 16 bits
    [member] = chosen.model.members
    assert cast("Member", member).network is described.network


def test_best_network_stays_alone_if_no_other_improves_it(
    small_task: Task, fits: dict[int, Fit], tmp_path: Path
) -> None:
    parameters = Hyperparameters(num_seeds=3, ensemble_size=3, ensemble_average="weights")
    best, *others = fits
    good = fitted_head(fits[best].network)
    changed = {best: with_head(fits[best], good)}
    changed |= {seed: with_head(fits[best], torch.randn_like(good)) for seed in others}

    chosen, singles = choose_candidate(small_task, changed, make_folds(fits), [], parameters, tmp_path)

    assert chosen is singles[0]
    assert list(chosen.fits) == [best]


def test_distance_threshold_is_the_requested_quantile_of_validation(
    small_task: Task, fits: dict[int, Fit], tmp_path: Path
) -> None:
    parameters = Hyperparameters(distance_quantile=0.9)

    chosen, _ = choose_candidate(
        small_task, {3: fits[3]}, make_folds(fits), [255 - PIXELS], parameters, tmp_path
    )

    distances = chosen.answer(PIXELS)["distance"]
    assert (distances <= chosen.thresholds.distance + 1e-4).mean() == pytest.approx(0.9)
    assert (chosen.answer(255 - PIXELS)["distance"] > chosen.thresholds.distance).all()


@pytest.mark.parametrize("right", [True, False])
def test_probability_threshold_is_chosen_by_validation_accuracy(
    right: bool, small_task: Task, fits: dict[int, Fit], tmp_path: Path
) -> None:
    first, _ = choose_candidate(small_task, {3: fits[3]}, make_folds(fits), [], Hyperparameters(), tmp_path)
    answers = first.answer(PIXELS)["probabilities"]
    labels = answers.argmax(1) if right else answers.argmin(1)
    folds = {3: Fold(DATA, Labelled(DATA.pixels, labels.astype(np.int64)))}
    task = replace(small_task, review=replace(small_task.review, min_margin=0, min_accuracy=0.9))

    chosen, _ = choose_candidate(
        task, {3: fits[3]}, folds, [], Hyperparameters(distance_quantile=1), tmp_path
    )

    lowest = chosen.validation["probabilities"].max(1).min()
    assert chosen.thresholds.probability == (pytest.approx(lowest, abs=1e-4) if right else None)


def test_distance_can_be_computed_without_one_kind_of_counterexamples(
    small_task: Task, fits: dict[int, Fit], tmp_path: Path
) -> None:
    kinds, parameters = [255 - PIXELS, np.rot90(PIXELS, 2, (2, 3))], Hyperparameters()
    one, folds = {3: fits[3]}, make_folds(fits)
    both, _ = choose_candidate(small_task, one, folds, kinds, parameters, tmp_path)
    first, _ = choose_candidate(small_task, one, folds, kinds[:1], parameters, tmp_path)
    none, _ = choose_candidate(small_task, one, folds, [], parameters, tmp_path)

    assert both.distances_without(1, PIXELS) == pytest.approx(first.distances_without(-1, PIXELS), abs=1e-4)
    assert first.distances_without(0, PIXELS) == pytest.approx(none.distances_without(-1, PIXELS), abs=1e-4)
    assert both.distances_without(-1, PIXELS) != pytest.approx(none.distances_without(-1, PIXELS), abs=1e-2)


def test_validation_answers_come_from_networks_not_trained_on_the_fold(
    small_task: Task, fits: dict[int, Fit], tmp_path: Path
) -> None:
    parts = [Labelled(DATA.pixels.view(range(start, COUNT, 3)), LABELS[start::3]) for start in range(3)]
    folds = {seed: Fold(DATA, part) for seed, part in zip(fits, parts, strict=True)}
    parameters = Hyperparameters(num_seeds=3, ensemble_size=3, validation="cross", distance_quantile=0.9)

    chosen, singles = choose_candidate(small_task, fits, folds, [], parameters, tmp_path)

    own = {seed: single for single in singles for seed in single.fits}
    logits, distances, labels = [], [], []
    for seed in chosen.fits:
        answers = own[seed].answer(folds[seed].validation.pixels)
        logits.append(np.log(answers["probabilities"]) * own[seed].temperature)
        distances.append(answers["distance"])
        labels.append(folds[seed].validation.labels)
    _, loss = fit_temperature(np.concatenate(logits).astype(np.float64), np.concatenate(labels))
    assert chosen.validation_loss == pytest.approx(loss, abs=1e-4)
    assert chosen.validation["distance"] == pytest.approx(np.concatenate(distances), rel=1e-3)
    expected = torch.from_numpy(np.concatenate(logits) / chosen.temperature).softmax(1).numpy()
    assert chosen.validation["probabilities"] == pytest.approx(expected, abs=1e-4)
    assert (chosen.validation["distance"] <= chosen.thresholds.distance).mean() == pytest.approx(0.9)

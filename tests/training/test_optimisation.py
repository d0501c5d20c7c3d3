"""The schedule of the learning rate, and the weights of classes."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
import torch

from chalicelib.hyperparameters import Hyperparameters
from chalicelib.tasks import Task
from tests.training.samples import make_network
from training.model.optimisation import Optimisation, class_weights, labels_seen, prior_correction


def test_learning_rate_peaks_at_the_end_of_the_warm_up() -> None:
    parameters = Hyperparameters(epochs=10, warmup_fraction=0.3, learning_rate=0.01)
    network = make_network()
    optimisation = Optimisation(network, parameters, steps=10)
    rates: list[float] = []
    for _ in range(99):
        rates.append(optimisation.learning_rate)
        optimisation.step(network.head.weight.square().sum())

    assert np.argmax(rates) == 29
    assert max(rates) == pytest.approx(0.01)


def test_average_of_frozen_blocks_is_exact() -> None:
    """So networks with the same starting weights share them in the exported graph."""
    network = make_network()
    network.freeze(len(network.blocks))
    optimisation = Optimisation(network, Hyperparameters(epochs=10), steps=10)

    for _ in range(50):
        optimisation.step(network.head.weight.square().sum())

    averaged = optimisation.averaging.module.state_dict()
    assert not torch.equal(averaged["head.weight"], network.head.weight)
    for name, tensor in network.state_dict().items():
        assert name.startswith("head.") or torch.equal(averaged[name], tensor), name


@pytest.mark.parametrize("warmup_fraction", [0.01, 0.2, 0.5, 0.9])
def test_schedule_supports_a_single_step(warmup_fraction: float) -> None:
    parameters = Hyperparameters(epochs=1, warmup_fraction=warmup_fraction)
    network = make_network()
    optimisation = Optimisation(network, parameters, steps=1)

    optimisation.step(network.head.weight.square().sum())

    assert 0 < optimisation.learning_rate <= parameters.learning_rate


def test_class_weights_are_higher_for_rare_classes() -> None:
    labels = np.repeat([0, 1], [90, 10])

    assert class_weights(labels, 2, 0.0).tolist() == [1, 1]
    assert class_weights(labels, 2, 1.0).tolist() == pytest.approx([50 / 90, 50 / 10])
    assert class_weights(labels, 2, 0.5).tolist() == pytest.approx([(50 / 90) ** 0.5, 5**0.5])


def test_class_weights_count_mirror_images(task: Task) -> None:
    """Training sees as many right breasts as left ones, however many of each there are."""
    left, right = 0, task.flip_permutation[0]
    labels = np.repeat([left, right], [90, 10])
    unmirrored = replace(task, augmentation=replace(task.augmentation, flip=False))

    assert Counter(labels_seen(labels, task).tolist()) == {left: 100, right: 100}
    assert labels_seen(labels, unmirrored) is labels


@pytest.mark.parametrize(
    ("power", "adjustment"), [(0.0, 0.0), (0.5, 0.0), (1.0, 0.0), (1.0, 1.0), (0.5, 1.0)]
)
def test_prior_correction_removes_class_weights_from_the_logits(power: float, adjustment: float) -> None:
    labels = np.repeat([0, 1], [90, 10])
    parameters = Hyperparameters(class_weight_power=power, logit_adjustment=adjustment)

    correction = prior_correction(labels, 2, parameters)

    honest = torch.tensor([0.7, 0.3]).log()
    learnt = honest + class_weights(labels, 2, power).log()
    favour = (0.3 / 0.7) * (9.0 if adjustment else 1.0)
    corrected = (learnt + correction).softmax(0)
    assert float(corrected[1] / corrected[0]) == pytest.approx(favour)

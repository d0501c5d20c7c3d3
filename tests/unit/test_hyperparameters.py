"""Hyper-parameters under their names of today and of release 0.1."""

from dataclasses import fields

import pytest

from chalicelib.errors import InvalidHyperparameters
from chalicelib.hyperparameters import (
    ALIASES,
    CHOICE_ALIASES,
    Hyperparameters,
    current_names,
)
from chalicelib.retraining.request import parse_request

BEFORE = {
    "repeats": 3,
    "warm_up": 0.3,
    "gradient_norm": 2.0,
    "balance": 0.5,
    "margin": 16,
    "normalisation": "fixed",
    "erase": 0.1,
    "members": 3,
    "validation": "rotating",
    "views": "one",
    "epochs": 2,
}
NOW = {
    "num_seeds": 3,
    "warmup_fraction": 0.3,
    "clip_grad_norm": 2.0,
    "logit_adjustment": 0.5,
    "padding": 16,
    "normalization": "fixed",
    "random_erasing": 0.1,
    "ensemble_size": 3,
    "validation": "cross",
    "tta": "none",
    "epochs": 2,
}


def test_current_names_translates_everything_of_release_0_1() -> None:
    assert current_names(BEFORE) == NOW
    assert current_names(NOW) == NOW


def test_aliases_name_hyperparameters_that_exist() -> None:
    specs = {spec.name: spec for spec in fields(Hyperparameters)}

    assert not ALIASES.keys() & specs.keys()
    assert set(ALIASES.values()) <= specs.keys()
    assert len(set(ALIASES.values())) == len(ALIASES)
    for name, choices in CHOICE_ALIASES.items():
        assert set(choices.values()) <= set(specs[name].metadata["choices"])


def test_request_takes_names_of_release_0_1() -> None:
    request = parse_request({"task": "chest-xray", "hyperparameters": BEFORE})

    assert request.hyperparameters == NOW


def test_request_refuses_a_hyperparameter_under_both_names() -> None:
    with pytest.raises(InvalidHyperparameters, match="num_seeds is given twice, once by its former name"):
        parse_request({"task": "chest-xray", "hyperparameters": {"repeats": 2, "num_seeds": 2}})


def test_request_refuses_fixing_what_is_searched_under_its_former_name() -> None:
    with pytest.raises(InvalidHyperparameters, match="'tune' searches for random_erasing"):
        parse_request({"task": "chest-xray", "tune": True, "hyperparameters": {"erase": 0.5}})


@pytest.mark.parametrize("value", [["rotating"], {"rotating": 1}, None, True])
def test_request_refuses_a_choice_that_is_no_text(value: object) -> None:
    with pytest.raises(InvalidHyperparameters, match="validation must be of type str"):
        parse_request({"task": "chest-xray", "hyperparameters": {"validation": value}})


def test_request_can_ask_for_another_architecture() -> None:
    request = parse_request(
        {"task": "chest-xray", "hyperparameters": {"architecture": "efficientnet-lite0", "frozen_blocks": 12}}
    )

    assert request.hyperparameters == {"architecture": "efficientnet-lite0", "frozen_blocks": 12}
    with pytest.raises(InvalidHyperparameters, match="architecture must be one of resnet, "):
        parse_request({"task": "chest-xray", "hyperparameters": {"architecture": "vgg"}})


def test_average_of_weights_needs_a_fixed_validation_part() -> None:
    averaged = {"num_seeds": 3, "ensemble_size": 3, "ensemble_average": "weights"}
    assert Hyperparameters().updated(averaged).ensemble_average == "weights"

    with pytest.raises(InvalidHyperparameters, match="no image is left to validate an average of weights"):
        Hyperparameters().updated({**averaged, "validation": "cross"})


def test_weight_of_outlines_needs_batches_that_are_not_mixed() -> None:
    with pytest.raises(InvalidHyperparameters, match="outline_weight has no effect on mixed images"):
        Hyperparameters(outline_weight=0.1, mixup=0.5, cutmix=0.5)
    assert Hyperparameters(outline_weight=0.1, mixup=0.5).outline_weight == 0.1

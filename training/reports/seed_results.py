"""The results of each seed in a model.json."""

from collections.abc import Sequence

from chalicelib.hyperparameters import CHOICE_ALIASES, CROSS_VALIDATION
from training.core.facts import Facts


def seed_results(training: Facts) -> Sequence[Facts]:
    """The results of each seed in `training` of a model.json, where release 0.1 called them repeats."""
    results: Sequence[Facts] = training.get("seeds", training.get("repeats", ()))
    return results


def is_cross_validated(training: Facts) -> bool:
    """Whether each network was validated on a different fold."""
    validation = training.get("validation", "")
    return CHOICE_ALIASES["validation"].get(validation, validation) == CROSS_VALIDATION

"""The search of a tuning job, done by Optuna.

Strategy Random is Optuna's RandomSampler. Strategy Bayesian is its TPESampler: another model of the search
space than SageMaker's Gaussian process, and like it one that learns from the finished training jobs.
"""

from collections.abc import Callable, Mapping
from typing import Any

import optuna
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.samplers import BaseSampler, RandomSampler, TPESampler
from optuna.trial import TrialState

optuna.logging.set_verbosity(optuna.logging.WARNING)

SAMPLERS: dict[str, Callable[[int | None], BaseSampler]] = {
    "Random": lambda seed: RandomSampler(seed=seed),
    # Training jobs run in parallel: the unfinished ones count as bad, so that no two try the same values.
    "Bayesian": lambda seed: TPESampler(seed=seed, constant_liar=True),
}


class Search:
    """Proposes hyper-parameters for one training job after the other. Not thread-safe."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        """Prepare the search for a HyperParameterTuningJobConfig whose ranges have been checked."""
        objective = config["HyperParameterTuningJobObjective"]
        self._study = optuna.create_study(
            direction="maximize" if objective["Type"] == "Maximize" else "minimize",
            sampler=SAMPLERS[config["Strategy"]](config.get("RandomSeed")),
        )
        self._ranges = config["ParameterRanges"]
        self._distributions = distributions(self._ranges)
        self._trials: dict[str, optuna.Trial] = {}

    def propose(self, training: str) -> dict[str, str]:
        """The values for the training job of that name, as the texts that hyper-parameters are."""
        self._trials[training] = trial = self._study.ask(self._distributions)
        return as_text(trial.params, self._ranges)

    def report(self, training: str, objective: float | None) -> None:
        """Take in the final objective of a training job; None if it failed or has none."""
        state = TrialState.FAIL if objective is None else TrialState.COMPLETE
        self._study.tell(self._trials.pop(training), objective, state)


def distributions(ranges: Mapping[str, Any]) -> dict[str, BaseDistribution]:
    """Optuna's distributions for ParameterRanges, by name.

    ReverseLogarithmic is uniform in log(1 - x), so its distribution is that of 1 - x. Auto is Linear.
    """
    found: dict[str, BaseDistribution] = {}
    for item in ranges.get("IntegerParameterRanges", ()):
        logarithmic = item.get("ScalingType") == "Logarithmic"
        found[item["Name"]] = IntDistribution(int(item["MinValue"]), int(item["MaxValue"]), log=logarithmic)
    for item in ranges.get("ContinuousParameterRanges", ()):
        low, high = float(item["MinValue"]), float(item["MaxValue"])
        if is_reversed(item):
            low, high = 1 - high, 1 - low
        logarithmic = item.get("ScalingType") in ("Logarithmic", "ReverseLogarithmic")
        found[item["Name"]] = FloatDistribution(low, high, log=logarithmic)
    for item in ranges.get("CategoricalParameterRanges", ()):
        found[item["Name"]] = CategoricalDistribution(item["Values"])
    return found


def as_text(values: Mapping[str, Any], ranges: Mapping[str, Any]) -> dict[str, str]:
    """Proposed values as hyper-parameters, within their ranges in spite of rounding."""
    texts = {name: str(value) for name, value in values.items()}
    for item in ranges.get("ContinuousParameterRanges", ()):
        value = values[item["Name"]]
        value = 1 - value if is_reversed(item) else value
        texts[item["Name"]] = repr(min(max(value, float(item["MinValue"])), float(item["MaxValue"])))
    return texts


def is_reversed(item: Mapping[str, str]) -> bool:
    """Whether a range is searched by 1 - x."""
    return item.get("ScalingType") == "ReverseLogarithmic"

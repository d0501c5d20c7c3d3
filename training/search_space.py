"""The search space of hyper-parameters, for Optuna and for SageMaker."""

import math
from collections.abc import Mapping
from dataclasses import Field
from typing import TYPE_CHECKING, Any

from chalicelib.hyperparameters import Hyperparameters, TuningRange, searched
from training.model.progress import METRIC_PATTERNS, OBJECTIVE

if TYPE_CHECKING:  # SageMaker's request is made where Optuna is not installed
    from optuna import Trial

DIGITS = 3
"""Significant digits of the values to try; more make no difference."""
SCALES = {"linear": "Linear", "log": "Logarithmic"}
PARALLEL_JOBS = 2
"""Of a tuning job; each job is chosen by the results of those that were completed when it started."""

Values = dict[str, int | float]


def suggest(trial: "Trial") -> Values:
    """The values for a trial of Optuna."""
    values: Values = {}
    for name, spec in searched().items():
        low, high, scale = spec.metadata["tune"]
        if spec.type is int:
            values[name] = trial.suggest_int(name, int(low), int(high), log=scale == "log")
        else:
            values[name] = _rounded(trial.suggest_float(name, low, high, log=scale == "log"))
    return values


def within(parameters: Hyperparameters) -> Values:
    """The values of `parameters` that are inside the search space."""
    values = parameters.to_dict()
    ranges = {name: spec.metadata["tune"] for name, spec in searched().items()}
    return {name: values[name] for name, (low, high, _) in ranges.items() if low <= values[name] <= high}  # type: ignore[misc]


def tuning_job(static: Mapping[str, int | float | str], trials: int) -> dict[str, Any]:
    """SageMaker's CreateHyperParameterTuningJob request, without roles and locations.

    Args:
        static: arguments of all training jobs, such as the task.
        trials: largest number of training jobs.
    """
    varied = searched()
    return {
        "HyperParameterTuningJobConfig": {
            "Strategy": "Bayesian",
            "HyperParameterTuningJobObjective": {"Type": "Minimize", "MetricName": OBJECTIVE},
            "ResourceLimits": {
                "MaxNumberOfTrainingJobs": trials,
                "MaxParallelTrainingJobs": min(trials, PARALLEL_JOBS),
            },
            "ParameterRanges": {
                "IntegerParameterRanges": [_range(spec) for spec in varied.values() if spec.type is int],
                "ContinuousParameterRanges": [_range(spec) for spec in varied.values() if spec.type is float],
            },
            "TrainingJobEarlyStoppingType": "Auto",
        },
        "TrainingJobDefinition": {
            "StaticHyperParameters": {
                name: str(value) for name, value in static.items() if name not in varied
            },
            "AlgorithmSpecification": {"MetricDefinitions": metric_definitions()},
        },
    }


def metric_definitions() -> list[dict[str, str]]:
    """The metrics that SageMaker reads from the log of a training job."""
    return [{"Name": name, "Regex": pattern} for name, pattern in METRIC_PATTERNS.items()]


def _range(spec: Field[Any]) -> dict[str, str]:
    tune: TuningRange = spec.metadata["tune"]
    return {
        "Name": spec.name,
        "MinValue": f"{tune.low:g}",
        "MaxValue": f"{tune.high:g}",
        "ScalingType": SCALES[tune.scale],
    }


def _rounded(value: float) -> float:
    return round(value, DIGITS - 1 - math.floor(math.log10(value))) if value > 0 else value

"""Validation of tuning job definitions beyond their form, which `api_model` checks."""

from collections.abc import Mapping
from typing import Any

from local.sagemaker.errors import invalid, unsupported
from local.sagemaker.search_space import check_ranges
from local.sagemaker.training_requests import check_definition

STRATEGIES = ("Random", "Bayesian")
"""Those of `search.SAMPLERS`."""


def check_tuning(request: Mapping[str, Any]) -> None:
    """Raise SageMakerError if a tuning job is invalid or not supported here."""
    for member in ("TrainingJobDefinitions", "WarmStartConfig", "Autotune"):
        if request.get(member):
            raise unsupported(f"{member} of a tuning job")
    config = request["HyperParameterTuningJobConfig"]
    definition = request.get("TrainingJobDefinition")
    if definition is None:
        raise invalid("TrainingJobDefinition is required.")
    if config["Strategy"] not in STRATEGIES:
        raise unsupported(f"Strategy {config['Strategy']}")
    for member in ("TuningJobCompletionCriteria", "StrategyConfig"):
        if config.get(member):
            raise unsupported(f"{member} of a tuning job")
    if "HyperParameterTuningResourceConfig" in definition:
        raise unsupported("HyperParameterTuningResourceConfig")
    if "HyperParameterRanges" in definition or "TuningObjective" in definition:
        raise unsupported(
            "Ranges or an objective in TrainingJobDefinition, not in HyperParameterTuningJobConfig,"
        )
    _check_limits(config["ResourceLimits"])
    check_ranges(config.get("ParameterRanges", {}))
    check_objective(config, definition)
    check_definition(definition, definition.get("StaticHyperParameters", {}))


def check_objective(config: Mapping[str, Any], definition: Mapping[str, Any]) -> None:
    """Raise SageMakerError if the training jobs define no metric for the objective."""
    objective = config.get("HyperParameterTuningJobObjective")
    if objective is None:
        raise invalid("HyperParameterTuningJobObjective is required.")
    metrics = definition["AlgorithmSpecification"].get("MetricDefinitions", ())
    if objective["MetricName"] not in [metric["Name"] for metric in metrics]:
        raise invalid(
            f"The objective metric {objective['MetricName']} is not among the MetricDefinitions of the "
            "training job definition."
        )


def _check_limits(limits: Mapping[str, int]) -> None:
    total, parallel = limits.get("MaxNumberOfTrainingJobs"), limits["MaxParallelTrainingJobs"]
    if total is None:
        raise unsupported("A tuning job without MaxNumberOfTrainingJobs")
    if parallel > total:
        raise invalid("MaxParallelTrainingJobs cannot be greater than MaxNumberOfTrainingJobs.")

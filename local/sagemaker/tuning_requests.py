"""What of a tuning job's definition is accepted; beyond its form, which `api_model` checks."""

from collections.abc import Mapping
from typing import Any

from local.sagemaker.errors import invalid, unsupported
from local.sagemaker.search import check_ranges
from local.sagemaker.training_requests import check_definition

STRATEGIES = ("Random", "Bayesian")


def check_tuning(request: Mapping[str, Any]) -> None:
    """Raise SageMakerError unless such a tuning job can run on this machine."""
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
    """Raise SageMakerError unless the training jobs' logs tell the objective."""
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
    most, parallel = limits.get("MaxNumberOfTrainingJobs"), limits["MaxParallelTrainingJobs"]
    if most is None:
        raise unsupported("A tuning job without MaxNumberOfTrainingJobs")
    if parallel > most:
        raise invalid("MaxParallelTrainingJobs cannot be greater than MaxNumberOfTrainingJobs.")

"""The search space, and the request for SageMaker."""

import json
import re
import tomllib
from typing import Any

import botocore.session
import optuna
import pytest
from botocore.validate import ParamValidator

from chalicelib.hyperparameters import Hyperparameters, searched
from training.arguments import RECIPES, parse_arguments, read_recipe
from training.model.progress import METRIC_PATTERNS
from training.search_space import metric_definitions, suggest, tuning_job, within


def request(trials: int = 8) -> dict[str, Any]:
    """A complete request, including the fields that depend on the account."""
    job = tuning_job({"task": "mammography-views", "epochs": 5}, trials)
    job["TrainingJobDefinition"] |= {
        "RoleArn": "arn:aws:iam::123456789012:role/training",
        "OutputDataConfig": {"S3OutputPath": "s3://bucket/models"},
        "StoppingCondition": {"MaxRuntimeInSeconds": 3600},
    }
    job["TrainingJobDefinition"]["AlgorithmSpecification"]["TrainingInputMode"] = "File"
    return {"HyperParameterTuningJobName": "mammography-views", **job}


def test_request_is_valid_for_sagemaker() -> None:
    model = botocore.session.get_session().get_service_model("sagemaker")
    shape = model.operation_model("CreateHyperParameterTuningJob").input_shape

    report = ParamValidator().validate(request(), shape)

    assert not report.has_errors(), report.generate_report()


def test_request_uses_only_enum_values_of_sagemaker() -> None:
    model = botocore.session.get_session().get_service_model("sagemaker")
    config = request()["HyperParameterTuningJobConfig"]
    ranges = [entry for kind in config["ParameterRanges"].values() for entry in kind]

    assert config["Strategy"] in model.shape_for("HyperParameterTuningJobStrategyType").enum
    assert {entry["ScalingType"] for entry in ranges} <= set(
        model.shape_for("HyperParameterScalingType").enum
    )
    objective = config["HyperParameterTuningJobObjective"]
    assert objective["Type"] in model.shape_for("HyperParameterTuningJobObjectiveType").enum
    assert config["TrainingJobEarlyStoppingType"] in model.shape_for("TrainingJobEarlyStoppingType").enum


def test_objective_is_one_of_the_defined_metrics() -> None:
    job = request()
    definitions = job["TrainingJobDefinition"]["AlgorithmSpecification"]["MetricDefinitions"]

    assert definitions == metric_definitions()
    assert {entry["Name"]: entry["Regex"] for entry in definitions} == METRIC_PATTERNS
    assert all(re.compile(entry["Regex"]).groups == 1 for entry in definitions)
    objective = job["HyperParameterTuningJobConfig"]["HyperParameterTuningJobObjective"]
    assert objective["MetricName"] in METRIC_PATTERNS


def test_static_hyper_parameters_are_text_and_exclude_searched_ones() -> None:
    job = tuning_job({"task": "mammography-views", "epochs": 5, "learning_rate": 0.1}, 3)

    assert job["TrainingJobDefinition"]["StaticHyperParameters"] == {
        "task": "mammography-views",
        "epochs": "5",
    }
    assert job["HyperParameterTuningJobConfig"]["ResourceLimits"]["MaxNumberOfTrainingJobs"] == 3


def test_range_limits_are_accepted_by_the_command_line() -> None:
    ranges = request()["HyperParameterTuningJobConfig"]["ParameterRanges"]
    assert {entry["Name"] for entry in ranges["IntegerParameterRanges"]} == {"batch_size"}
    for entry in (*ranges["IntegerParameterRanges"], *ranges["ContinuousParameterRanges"]):
        for end in ("MinValue", "MaxValue"):
            words = ["--task", "mammography-views", f"--{entry['Name']}", entry[end]]
            assert getattr(parse_arguments(words).parameters, entry["Name"]) == float(entry[end])
        assert float(entry["MinValue"]) < float(entry["MaxValue"])
        assert entry["ScalingType"] != "Logarithmic" or float(entry["MinValue"]) > 0


def test_suggestions_are_within_their_ranges_and_serialisable() -> None:
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    for _ in range(50):
        values = suggest(study.ask())
        assert list(values) == list(searched())
        parameters = Hyperparameters().updated(values)
        assert within(parameters) == values
        assert all(float(f"{value:.3g}") == value for value in values.values())
        assert json.loads(json.dumps(values)) == values


def test_logarithmic_ranges_are_sampled_evenly_over_magnitudes() -> None:
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    rates = [suggest(study.ask())["learning_rate"] for _ in range(300)]

    low, high, scale = searched()["learning_rate"].metadata["tune"]
    assert scale == "log"
    below = sum(rate < (low * high) ** 0.5 for rate in rates)
    assert 120 < below < 180


@pytest.mark.parametrize("task", tomllib.loads(RECIPES.read_text(encoding="utf-8")))
def test_search_can_start_from_the_recipe(task: str) -> None:
    parameters = Hyperparameters().updated(read_recipe(task))

    assert set(within(parameters)) == set(searched())


def test_value_outside_its_range_is_left_to_the_search() -> None:
    values = within(Hyperparameters(learning_rate=0.5))

    assert set(searched()) - set(values) == {"learning_rate"}

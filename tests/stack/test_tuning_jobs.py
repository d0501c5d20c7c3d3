"""Tuning jobs try hyper-parameters and report the best training job."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.stack.client import wait_for
from tests.stack.sagemaker_harness import SageMakerHarness, refusal

# Best where the width is 3.
TRIAL = """
import argparse
parser = argparse.ArgumentParser()
parser.add_argument("--width", type=int)
parser.add_argument("--rate", type=float)
parser.add_argument("--colour")
parser.add_argument("--fixed")
options = parser.parse_args()
assert options.fixed == "yes" and 0.001 <= options.rate <= 0.1 and options.colour in ("red", "blue")
print(f"objective={(options.width - 3) ** 2};")
"""
RANGES = {
    "IntegerParameterRanges": [{"Name": "width", "MinValue": "1", "MaxValue": "9", "ScalingType": "Linear"}],
    "ContinuousParameterRanges": [
        {"Name": "rate", "MinValue": "0.001", "MaxValue": "0.1", "ScalingType": "Logarithmic"}
    ],
    "CategoricalParameterRanges": [{"Name": "colour", "Values": ["red", "blue"]}],
}


def tuning(harness: SageMakerHarness, program: str, jobs: int = 4, **config: Any) -> dict[str, Any]:
    """The request for a tuning job."""
    definition = harness.training(program)
    del definition["TrainingJobName"]
    definition["StaticHyperParameters"] = {**definition.pop("HyperParameters"), "fixed": "yes"}
    definition["AlgorithmSpecification"]["MetricDefinitions"] = [
        {"Name": "objective", "Regex": r"objective=([0-9.]+);"}
    ]
    return {
        "HyperParameterTuningJobName": harness.name("tuning"),
        "HyperParameterTuningJobConfig": {
            "Strategy": "Random",
            "RandomSeed": 7,
            "HyperParameterTuningJobObjective": {"Type": "Minimize", "MetricName": "objective"},
            "ResourceLimits": {"MaxNumberOfTrainingJobs": jobs, "MaxParallelTrainingJobs": 2},
            "ParameterRanges": RANGES,
            **config,
        },
        "TrainingJobDefinition": definition,
    }


def tune(harness: SageMakerHarness, request: dict[str, Any]) -> str:
    harness.sagemaker.create_hyper_parameter_tuning_job(**request)
    return str(request["HyperParameterTuningJobName"])


def tuned(harness: SageMakerHarness, name: str) -> Any:
    describe = harness.sagemaker.describe_hyper_parameter_tuning_job
    return harness.over(lambda: describe(HyperParameterTuningJobName=name))


def trainings(harness: SageMakerHarness, name: str, **request: Any) -> list[Any]:
    list_ = harness.sagemaker.list_training_jobs_for_hyper_parameter_tuning_job
    found: list[Any] = list_(HyperParameterTuningJobName=name, **request)["TrainingJobSummaries"]
    return found


def test_tuning_job_reports_its_best_training_job(harness: SageMakerHarness) -> None:
    name = tune(harness, tuning(harness, TRIAL))

    job = tuned(harness, name)

    assert job["HyperParameterTuningJobStatus"] == "Completed", job.get("FailureReason")
    assert job["TrainingJobStatusCounters"]["Completed"] == 4
    assert job["ObjectiveStatusCounters"] == {"Succeeded": 4, "Pending": 0, "Failed": 0}
    by_objective = trainings(harness, name, SortBy="FinalObjectiveMetricValue")
    values = [job["FinalHyperParameterTuningJobObjectiveMetric"]["Value"] for job in by_objective]
    assert values == sorted((int(job["TunedHyperParameters"]["width"]) - 3) ** 2 for job in by_objective)
    assert len(set(values)) > 1
    assert job["BestTrainingJob"]["TrainingJobName"] == by_objective[0]["TrainingJobName"]
    assert job["BestTrainingJob"]["TunedHyperParameters"].keys() == {"width", "rate", "colour"}
    described = harness.sagemaker.describe_training_job(TrainingJobName=by_objective[0]["TrainingJobName"])
    assert described["TuningJobArn"] == job["HyperParameterTuningJobArn"]
    assert described["HyperParameters"]["_tuning_objective_metric"] == "objective"
    starts = sorted((one["CreationTime"], one["TrainingEndTime"]) for one in by_objective)
    assert all(starts[n + 2][0] >= min(starts[n][1], starts[n + 1][1]) for n in range(2))  # two at once


def test_random_seed_repeats_the_same_values(harness: SageMakerHarness) -> None:
    names = [tune(harness, tuning(harness, TRIAL, jobs=2)) for _ in range(2)]

    for name in names:
        assert tuned(harness, name)["HyperParameterTuningJobStatus"] == "Completed"

    first, second = ([job["TunedHyperParameters"] for job in trainings(harness, name)] for name in names)
    assert first == second
    assert first[0] != first[1]


def test_bayesian_tuning_job_completes(harness: SageMakerHarness) -> None:
    job = tuned(harness, tune(harness, tuning(harness, TRIAL, jobs=3, Strategy="Bayesian")))

    assert job["HyperParameterTuningJobStatus"] == "Completed", job.get("FailureReason")
    assert job["ObjectiveStatusCounters"] == {"Succeeded": 3, "Pending": 0, "Failed": 0}


def test_stopping_a_tuning_job_stops_its_training_jobs(harness: SageMakerHarness) -> None:
    name = tune(harness, tuning(harness, "import time\ntime.sleep(600)"))
    wait_for(lambda: len(trainings(harness, name)) == 2)

    harness.sagemaker.stop_hyper_parameter_tuning_job(HyperParameterTuningJobName=name)
    job = tuned(harness, name)

    assert job["HyperParameterTuningJobStatus"] == "Stopped"
    assert [job["TrainingJobStatus"] for job in trainings(harness, name)] == ["Stopped", "Stopped"]
    assert "BestTrainingJob" not in job


@pytest.mark.parametrize(
    ("program", "reason"),
    [("raise SystemExit(1)", "All training jobs failed"), ("print('nothing')", "No objective metrics found")],
)
def test_tuning_job_without_any_objective_fails(harness: SageMakerHarness, program: str, reason: str) -> None:
    job = tuned(harness, tune(harness, tuning(harness, program, jobs=2)))

    assert job["HyperParameterTuningJobStatus"] == "Failed"
    assert reason in job["FailureReason"]


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"Strategy": "Grid"}, "Strategy Grid is not supported"),
        ({"HyperParameterTuningJobObjective": {"Type": "Minimize", "MetricName": "f1"}}, "f1 is not among"),
        ({"ParameterRanges": {}}, "At least one parameter range"),
        (
            {"ResourceLimits": {"MaxNumberOfTrainingJobs": 1, "MaxParallelTrainingJobs": 2}},
            "MaxParallelTrainingJobs cannot be greater",
        ),
        (
            {
                "ParameterRanges": {
                    "IntegerParameterRanges": [{"Name": "width", "MinValue": "5", "MaxValue": "5"}]
                }
            },
            "MinValue below its MaxValue",
        ),
    ],
)
def test_invalid_tuning_jobs_are_refused(
    harness: SageMakerHarness, config: dict[str, Any], message: str
) -> None:
    with pytest.raises(ClientError) as error:
        tune(harness, tuning(harness, TRIAL, **config))

    assert refusal(error)[0] == "ValidationException"
    assert message in refusal(error)[1]

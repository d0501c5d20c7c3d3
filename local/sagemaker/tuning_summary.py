"""What the API says of a tuning job's training jobs: their objectives, the best one, and counts."""

from collections import Counter
from collections.abc import Mapping

from local.sagemaker.jobs import UNFINISHED
from local.sagemaker.resources import Record


def objective_of(job: Record) -> Record:
    """Name and direction of a tuning job's objective metric."""
    objective: Record = job["HyperParameterTuningJobConfig"]["HyperParameterTuningJobObjective"]
    return objective


def summarise(training: Record, objective: Mapping[str, str]) -> Record:
    """The record of a training job, with the members that it has as part of a tuning job."""
    status = training["TrainingJobStatus"]
    values = [
        metric["Value"]
        for metric in training.get("FinalMetricDataList", ())
        if metric["MetricName"] == objective["MetricName"]
    ]
    if status in UNFINISHED:
        return {**training, "ObjectiveStatus": "Pending"}
    if not values or status == "Failed":
        return {**training, "ObjectiveStatus": "Failed"}
    final = {"Type": objective["Type"], "MetricName": objective["MetricName"], "Value": values[-1]}
    return {**training, "ObjectiveStatus": "Succeeded", "FinalHyperParameterTuningJobObjectiveMetric": final}


def best_of(trainings: list[Record], objective: Mapping[str, str]) -> Record | None:
    """The summary of the training job with the best objective, None if none has one."""
    judged = [training for training in trainings if training["ObjectiveStatus"] == "Succeeded"]
    choose = max if objective["Type"] == "Maximize" else min
    return choose(judged, key=final_value, default=None)


def final_value(training: Record) -> float:
    """The final objective in the summary of a training job."""
    return float(training["FinalHyperParameterTuningJobObjectiveMetric"]["Value"])


def count(trainings: list[Record]) -> Record:
    """The numbers of training jobs, by their status and by that of their objective."""
    statuses = Counter(training["TrainingJobStatus"] for training in trainings)
    objectives = Counter(training["ObjectiveStatus"] for training in trainings)
    return {
        "TrainingJobStatusCounters": {
            "Completed": statuses["Completed"],
            "InProgress": statuses["InProgress"] + statuses["Stopping"],
            "RetryableError": 0,
            "NonRetryableError": statuses["Failed"],
            "Stopped": statuses["Stopped"],
        },
        "ObjectiveStatusCounters": {name: objectives[name] for name in ("Succeeded", "Pending", "Failed")},
    }

"""Metrics that are read from the output of a job."""

from local.sagemaker.metrics import Metrics


def test_latest_value_of_a_metric_counts() -> None:
    metrics = Metrics([{"Name": "loss", "Regex": r"loss=(\S+);"}])

    for line in ("loss=3; loss=2;", "other", "loss=nan;", "loss=none;"):
        metrics.read(line)

    found = metrics.take_new()
    assert found is not None
    assert [(metric["MetricName"], metric["Value"]) for metric in found] == [("loss", 2.0)]
    assert metrics.take_new() is None

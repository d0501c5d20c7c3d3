"""Logs, metrics and traces. None of them may hold a file name, a DICOM tag or pixels."""

from aws_lambda_powertools import Logger, Tracer
from aws_lambda_powertools.metrics import MetricUnit, single_metric

NAMESPACE = "Negatoscope"

logger = Logger(service="negatoscope")
tracer = Tracer(service="negatoscope")


def count(metric: str, task: str) -> None:
    """Add one to a metric of one task."""
    _emit(metric, task, MetricUnit.Count, 1)


def measure_milliseconds(metric: str, task: str, milliseconds: float) -> None:
    """Record a duration for one task."""
    _emit(metric, task, MetricUnit.Milliseconds, milliseconds)


def _emit(name: str, task: str, unit: MetricUnit, value: float) -> None:
    with single_metric(name=name, unit=unit, value=value, namespace=NAMESPACE) as metric:
        metric.add_dimension(name="task", value=task)

"""Logs, metrics and traces. None of them may hold a file name, a DICOM tag or pixels."""

from collections.abc import Mapping

from aws_lambda_powertools import Logger, Tracer
from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit

from chalicelib.settings import settings

NAMESPACE = "Negatoscope"

logger = Logger(service="negatoscope")
# Patched AWS libraries would put the keys of S3 objects, which may name patients, into every trace.
tracer = Tracer(service="negatoscope", auto_patch=False)


def count(metric: str, task: str | None = None) -> None:
    """Add one to a metric of the stage, and of the task if there is one."""
    _put(metric, MetricUnit.Count, 1, {})
    if task is not None:
        _put(metric, MetricUnit.Count, 1, {"task": task})


def measure_milliseconds(metric: str, task: str, milliseconds: float) -> None:
    """Record a duration, for the stage and for the task."""
    _put(metric, MetricUnit.Milliseconds, milliseconds, {})
    _put(metric, MetricUnit.Milliseconds, milliseconds, {"task": task})


def measure_seconds(metric: str, seconds: float) -> None:
    """Record a duration, for the stage alone."""
    _put(metric, MetricUnit.Seconds, seconds, {})


def record(metric: str, value: float, **dimensions: str) -> None:
    """Record a number without a unit for the stage, under `dimensions` alone."""
    _put(metric, MetricUnit.NoUnit, value, dimensions)


def _put(name: str, unit: MetricUnit, value: float, dimensions: Mapping[str, str]) -> None:
    # CloudWatch takes each set of dimensions for a metric of its own, and alarms watch the stage's. The name
    # of the service would be one dimension more.
    metrics = EphemeralMetrics(namespace=NAMESPACE, service="")
    metrics.add_metric(name, unit, value)
    for dimension, of in {"stage": settings().stage, **dimensions}.items():
        metrics.add_dimension(dimension, of)
    metrics.flush_metrics()

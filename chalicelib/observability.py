"""Logs, metrics and traces. None of them may hold a file name, a DICOM tag or pixels."""

from collections.abc import Mapping

from aws_lambda_powertools import Logger, Tracer
from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit

from chalicelib.settings import settings

NAMESPACE = "Negatoscope"

logger = Logger(service="negatoscope")
# Patched AWS libraries would put the keys of S3 objects, which may name patients, into every trace.
tracer = Tracer(service="negatoscope", auto_patch=False)


def count(metric: str, task: str) -> None:
    """Add one to a metric."""
    _emit(metric, task, MetricUnit.Count, 1)


def measure_milliseconds(metric: str, task: str, milliseconds: float) -> None:
    """Record a duration."""
    _emit(metric, task, MetricUnit.Milliseconds, milliseconds)


def record(metric: str, value: float, **dimensions: str) -> None:
    """Record a number without a unit for the stage, under `dimensions` alone."""
    _put(metric, MetricUnit.NoUnit, value, dimensions)


def _emit(name: str, task: str, unit: MetricUnit, value: float) -> None:
    """Once for the stage, which alarms watch, and once for the task."""
    _put(name, unit, value, {})
    _put(name, unit, value, {"task": task})


def _put(name: str, unit: MetricUnit, value: float, dimensions: Mapping[str, str]) -> None:
    # With the service's name there would be one dimension more, and alarms watch exactly those they name.
    metrics = EphemeralMetrics(namespace=NAMESPACE, service="")
    metrics.add_metric(name, unit, value)
    for dimension, of in {"stage": settings().stage, **dimensions}.items():
        metrics.add_dimension(dimension, of)
    metrics.flush_metrics()

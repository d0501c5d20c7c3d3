"""Logs and metrics. None of them may contain a file name, a DICOM tag or pixels.

Traces are Lambda's own: the library with which an application adds to them takes a third of the time in which
this one is imported.
"""

import logging
from collections.abc import Mapping

from aws_lambda_powertools import Logger
from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit

from chalicelib.settings import settings

NAMESPACE = "Negatoscope"

logger = Logger(service="negatoscope")
# urllib3 logs the URL of each retried request: the key may name a patient, and the signature gives access.
logging.getLogger("urllib3").setLevel(logging.ERROR)


def count(metric: str, task: str | None = None) -> None:
    """Add one to a metric of the stage, and of the task if one is given."""
    _put(metric, MetricUnit.Count, 1, {})
    if task is not None:
        _put(metric, MetricUnit.Count, 1, {"task": task})


def measure_milliseconds(metric: str, task: str, milliseconds: float) -> None:
    """Record a duration for the stage and for the task."""
    _put(metric, MetricUnit.Milliseconds, milliseconds, {})
    _put(metric, MetricUnit.Milliseconds, milliseconds, {"task": task})


def measure_seconds(metric: str, seconds: float) -> None:
    """Record a duration for the stage only."""
    _put(metric, MetricUnit.Seconds, seconds, {})


def record(metric: str, value: float, **dimensions: str) -> None:
    """Record a number without a unit for the stage, with further `dimensions`."""
    _put(metric, MetricUnit.NoUnit, value, dimensions)


def _put(name: str, unit: MetricUnit, value: float, dimensions: Mapping[str, str]) -> None:
    # Each set of dimensions is a separate metric, and alarms use the one with the stage alone. The service's
    # name would be another dimension.
    metrics = EphemeralMetrics(namespace=NAMESPACE, service="")
    metrics.add_metric(name, unit, value)
    for dimension, of in {"stage": settings().stage, **dimensions}.items():
        metrics.add_dimension(dimension, of)
    metrics.flush_metrics()

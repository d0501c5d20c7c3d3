"""What a stage uses of AWS, as its own files say: templates, settings of the Lambdas, tasks."""

import json
from collections.abc import Mapping
from functools import cache
from math import ceil
from pathlib import Path
from typing import Any

from samtranslator.yaml_helper import yaml_parse

from chalicelib.tasks import load_tasks
from deploy import alarms, foundation
from deploy.generated import PROJECT

CONFIG = PROJECT / ".chalice" / "config.json"

PUTS = {"inbox": 1, "pictures": 1, "prepared": 1, "results": 1}
"""Objects that an image is stored as, by prefix."""
GETS = 2
"""Reads of objects: the original, and the prepared array."""
TABLE_READS = 0
WRITTEN_KB = (1.0, 2.0)
"""Largest sizes of the item at its two writes: received, and finished."""
METRICS_BY_TASK = ("Classified", "Latency", "NeedsReview", "Quarantined")
"""Metrics of images, each for the stage and for each task."""
METRICS_OF_STAGE = ("OldestUnfinishedAge",)
"""Metrics that are recorded all the time. Those of errors and of drift cost for hours in which they occur."""


def count_alarms() -> int:
    """The number of alarms of a stage."""
    return _count(_resources(alarms.TEMPLATE), "AWS::CloudWatch::Alarm")


def count_dashboards() -> int:
    """The number of dashboards of a stage."""
    return _count(_resources(alarms.TEMPLATE), "AWS::CloudWatch::Dashboard")


def count_keys() -> int:
    """The number of encryption keys of a stage."""
    return _count(_resources(foundation.TEMPLATE), "AWS::KMS::Key")


@cache
def _resources(template: Path) -> Mapping[str, Any]:
    """The resources of a template, which takes a second to read."""
    found: Mapping[str, Any] = yaml_parse(template.read_text())["Resources"]
    return found


def _count(resources: Mapping[str, Any], kind: str) -> int:
    """The number of resources of a type, with the loops of the template."""
    total = 0
    for name, resource in resources.items():
        if name.startswith("Fn::ForEach::"):
            _, items, body = resource
            total += len(items) * _count(body, kind)
        else:
            total += resource["Type"] == kind
    return total


def count_metrics(tasks: int) -> int:
    """The number of custom metrics of a stage whose images are of so many tasks."""
    return len(METRICS_OF_STAGE) + len(METRICS_BY_TASK) * (1 + tasks)


def write_units() -> int:
    """DynamoDB's write units of an image, at most: each write of the item is one of each index, too."""
    sparse = _projections().count("KEYS_ONLY") * len(WRITTEN_KB)  # an image enters it, and leaves it
    return sum(ceil(size) for size in WRITTEN_KB) * (1 + full_indexes()) + sparse


def full_indexes() -> int:
    """The number of indexes that hold a copy of every result."""
    return _projections().count("ALL")


def _projections() -> list[str]:
    table = _resources(foundation.TEMPLATE)["ResultsTable"]["Properties"]
    return [index["Projection"]["ProjectionType"] for index in table["GlobalSecondaryIndexes"]]


def memory_gb(function: str) -> float:
    """Memory of a Lambda."""
    functions = json.loads(CONFIG.read_text())["lambda_functions"]
    return float(functions[function]["lambda_memory_size"]) / 1024


def prepared_mb() -> float:
    """Mean size of the prepared array of an image."""
    inputs = [task.input for task in load_tasks().values()]
    return sum(one.width * one.height * one.channels for one in inputs) / len(inputs) / 1e6

"""The estimate of costs counts the calls and metrics that an image really makes."""

from collections import Counter
from typing import Any

import pytest

from chalicelib import dependencies
from deploy import usage
from tests import images
from tests.alarms import Point
from tests.functional.cloudwatch import World
from tests.models import TASK

PUTS, GETS, WRITES, READS = "PutObject", "GetObject", "PutItem", "GetItem"


def test_image_makes_the_calls_that_are_counted(world: World) -> None:
    event = world.store(f"inbox/{TASK}/image.png", images.grey_file(height=40))
    calls: list[tuple[str, Any]] = []

    def note(_service: str, operation: str, request: dict[str, Any]) -> None:
        calls.append((operation, request.get("Key")))

    dependencies.table().sharding.known()  # is read once a minute, not for each image
    world.observe(note)
    world.run("prepare", event)
    world.deliver_prepared()

    counted = Counter(operation for operation, _ in calls)
    stored = [key.split("/")[0] for operation, key in calls if operation == PUTS]
    assert Counter(["inbox", *stored]) == usage.PUTS
    assert (counted[WRITES], counted[READS]) == (len(usage.WRITTEN_KB), usage.TABLE_READS)
    assert counted[GETS] == usage.GETS
    assert counted.keys() <= {PUTS, GETS, WRITES, READS, "ListObjectsV2"}


def test_custom_metrics_are_those_that_are_counted(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.drop(f"inbox/{TASK}/image.png", images.grey_file(height=40))
    world.drop(f"inbox/{TASK}/letter.txt", b"no image")
    world.schedule("sweep")
    world.ringing()  # reads what was printed

    own = [point for point in world.points if point.namespace == "Negatoscope"]
    assert metrics(own, {"stage"}) == {*usage.METRICS_BY_TASK, *usage.METRICS_OF_STAGE}
    assert metrics(own, {"stage", "task"}) == set(usage.METRICS_BY_TASK)
    assert usage.count_metrics(tasks=1) == len({(point.metric, point.dimensions) for point in own})


def metrics(points: list[Point], dimensions: set[str]) -> set[str]:
    """Names of the metrics with these dimensions."""
    return {point.metric for point in points if {name for name, _ in point.dimensions} == dimensions}

"""Counting the decisions on the same test images."""

from typing import Any

import boto3
import pytest

from chalicelib.models.registry import Registry
from chalicelib.retraining.decision_count import COUNT, count_decisions
from chalicelib.storage.bucket import DataBucket
from tests.models import TASK
from tests.registry import archive
from tests.stage import BUCKET

pytestmark = pytest.mark.usefixtures("cloud")
NOW, BEFORE = "now.csv", "before.csv"


class Stage:
    """A stage in which two retrainings have made the versions `1` and `2`."""

    def __init__(self) -> None:
        self.bucket = DataBucket(boto3.client("s3"), BUCKET)
        self.registry = Registry(self.bucket)
        for version in ("1", "2"):
            self.registry.add(TASK, archive(version), {"origin": "retraining", "run": version})

    def prepare(self, key: str, *test_images: str) -> None:
        rows = ["sha256,part", "t,train", *(f"{image},test" for image in test_images)]
        self.bucket.write(key, "\n".join(rows).encode(), "text/csv")

    def decide(self, version: str, **count: Any) -> None:
        self.registry.decide(TASK, version, accepted=False, reasons=[], **count)

    def count(self) -> int:
        return count_decisions(self.bucket, self.registry, TASK, "2", (NOW, BEFORE))


@pytest.fixture
def stage() -> Stage:
    return Stage()


def test_first_decision_is_counted_as_one(stage: Stage) -> None:
    stage.prepare(NOW, "a", "b")

    assert stage.count() == 1


@pytest.mark.parametrize(
    ("before", "counted"),
    [("abcd", 4), ("ab", 4), ("a", 1), ("xyz", 1), ("abxyz", 4)],
    ids=["same", "half", "quarter", "none", "half-and-others"],
)
def test_series_goes_on_while_half_of_the_images_are_the_same(
    stage: Stage, before: str, counted: int
) -> None:
    stage.decide("1", **{COUNT: 3})
    stage.prepare(BEFORE, *before)
    stage.prepare(NOW, *"abcd")

    assert stage.count() == counted


def test_training_images_do_not_count(stage: Stage) -> None:
    stage.decide("1", **{COUNT: 3})
    stage.prepare(BEFORE, "x")
    stage.prepare(NOW, "a")

    assert stage.count() == 1, "only the training image is in both"


def test_repeated_decision_keeps_its_count(stage: Stage) -> None:
    stage.decide("2", **{COUNT: 7})

    assert stage.count() == 7


def test_earlier_decision_without_a_count_is_counted(stage: Stage) -> None:
    stage.decide("1")
    for key in (BEFORE, NOW):
        stage.prepare(key, "a")

    assert stage.count() == 2


def test_decisions_on_other_models_do_not_count(stage: Stage) -> None:
    stage.registry.add(TASK, archive("0"), {"origin": "bundled"})
    stage.decide("0", **{COUNT: 9})
    for key in (BEFORE, NOW):
        stage.prepare(key, "a")

    assert stage.count() == 1

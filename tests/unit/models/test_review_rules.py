"""Choices of administrators, and what happens if two choose at the same time."""

import boto3
import pytest

from chalicelib.errors import ReviewRuleChanged
from chalicelib.models.fresh import FRESH_SECONDS
from chalicelib.models.review_rules import ChosenRule, ReviewRules
from chalicelib.storage.bucket import DataBucket
from tests.models import TASK
from tests.stage import BUCKET

pytestmark = pytest.mark.usefixtures("cloud")


class Rules(ReviewRules):
    """The rules as one Lambda knows them; `begun` has the choice before each change."""

    def __init__(self) -> None:
        self.time = 0.0
        self.begun: list[ChosenRule | None] = []
        super().__init__(DataBucket(boto3.client("s3"), BUCKET), lambda: self.time)

    def choose(self, value: float | None, seen: ChosenRule | None, version: str = "1") -> ChosenRule:
        moment = seen["changed_at"] if seen else None
        return self.change(TASK, version, value, "me", seen=moment, begin=self.begun.append)


def test_choice_belongs_to_one_version() -> None:
    rules = Rules()
    assert rules.current(TASK, "1") is None
    chosen = rules.choose(0.95, None)
    assert (chosen["min_probability"], chosen["changed_by"]) == (0.95, "me")
    assert rules.current(TASK, "1") == rules.latest(TASK, "1") == chosen
    assert rules.current(TASK, "2") is None
    assert rules.current("chest-xray", "1") is None
    rules.choose(0.5, None, version="2")
    assert rules.current(TASK, "1") == chosen


def test_choice_reaches_other_lambdas_within_a_minute() -> None:
    here, there = Rules(), Rules()
    assert there.current(TASK, "1") is None
    chosen = here.choose(0.95, None)
    assert here.current(TASK, "1") == chosen
    assert there.current(TASK, "1") is None
    there.time += FRESH_SECONDS
    assert there.current(TASK, "1") == chosen


def test_second_of_two_administrators_is_told() -> None:
    one, other = Rules(), Rules()
    first = one.choose(0.95, None)
    with pytest.raises(ReviewRuleChanged, match="Look at it"):
        other.choose(0.6, None)
    assert other.begun == []
    assert other.latest(TASK, "1") == first
    second = other.choose(None, first)
    assert (second["min_probability"], other.begun) == (None, [first])


def test_repeated_choice_changes_nothing() -> None:
    rules = Rules()
    first = rules.choose(0.95, None)
    assert rules.choose(0.95, None) == first
    assert rules.begun == [None]

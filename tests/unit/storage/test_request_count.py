"""Costly requests of single users."""

from typing import Any

import boto3
import pytest

from chalicelib.errors import TooManyRequests
from chalicelib.storage import request_count
from chalicelib.storage.request_count import RequestCount
from tests.stage import RETRAININGS_TABLE

pytestmark = pytest.mark.usefixtures("cloud")


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    monkeypatch.setattr(request_count, "LIMIT", 2)
    return [1_767_225_600.0]


def test_each_user_has_a_limit_for_each_period(now: list[float]) -> None:
    count = RequestCount(boto3.resource("dynamodb").Table(RETRAININGS_TABLE), lambda: now[0])
    for _ in range(2):
        count.add("4711")
    with pytest.raises(TooManyRequests, match="2 exports or statistics within 10 minutes"):
        count.add("4711")
    count.add("4712")

    now[0] += request_count.PERIOD_SECONDS
    for _ in range(2):
        count.add("4711")
    with pytest.raises(TooManyRequests):
        count.add("4711")


def test_add_accepts_the_first_request_of_a_period_twice(now: list[float]) -> None:
    table = boto3.resource("dynamodb").Table(RETRAININGS_TABLE)

    class BegunMeanwhile:
        """The table, in which the same request of a period is sent twice if it begins the period."""

        meta = table.meta

        def update_item(self, **request: Any) -> None:
            table.update_item(**request)
            if request["UpdateExpression"].startswith("SET"):
                table.update_item(**request)

    for _ in range(2):  # without an item, and with that of an earlier period
        RequestCount(BegunMeanwhile(), lambda: now[0]).add("4711")
        now[0] += request_count.PERIOD_SECONDS


def test_add_counts_for_the_period_that_the_fastest_clock_has_begun(now: list[float]) -> None:
    table = boto3.resource("dynamodb").Table(RETRAININGS_TABLE)
    RequestCount(table, lambda: now[0] + request_count.PERIOD_SECONDS).add("4711")
    slow = RequestCount(table, lambda: now[0])
    slow.add("4711")
    with pytest.raises(TooManyRequests):
        slow.add("4711")

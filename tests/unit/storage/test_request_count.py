"""Costly requests of single users."""

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

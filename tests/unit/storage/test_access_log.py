"""The access log of the API, as CloudWatch keeps it."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest

from chalicelib.errors import InvalidRequest
from chalicelib.storage import access_log
from chalicelib.storage.access_log import AccessLog
from chalicelib.timestamps import timestamp
from deploy.gateway import LOGGED

pytestmark = pytest.mark.usefixtures("cloud")
NOW = datetime.now(UTC)
PERIOD = (timestamp(NOW - timedelta(hours=1)), timestamp(NOW + timedelta(hours=1)))


def logged(number: int, **values: str) -> dict[str, str]:
    """An entry as API Gateway writes it."""
    moment = int(NOW.timestamp() * 1000) + number
    filled = {
        "at": str(moment),
        "user": "4711",
        "method": "GET",
        "path": f"/api/results/{number}",
        "status": "200",
    }
    assert filled.keys() <= LOGGED.keys()
    return dict.fromkeys(LOGGED, "-") | filled | values


@pytest.fixture
def log() -> AccessLog:
    client, group = boto3.client("logs"), "/negatoscope/test/access"
    client.create_log_group(logGroupName=group)
    client.create_log_stream(logGroupName=group, logStreamName="1")
    entries = [*map(logged, range(3)), logged(3, user="-", status="401", refused="UNAUTHORIZED")]
    events = [{"timestamp": int(one["at"]), "message": json.dumps(one)} for one in entries]
    client.put_log_events(logGroupName=group, logStreamName="1", logEvents=events)
    return AccessLog(client, group)


@pytest.mark.parametrize("since", [PERIOD[0], "1970-01-01T00:00:00.000000Z"])
def test_pages_have_all_requests_oldest_first(log: AccessLog, since: str) -> None:
    first, cursor = log.page(since, PERIOD[1], None, 3, None)
    rest, end = log.page(since, PERIOD[1], None, 3, cursor)

    assert [entry["path"] for entry in [*first, *rest]] == [f"/api/results/{number}" for number in range(4)]
    assert end is None
    assert (first[0]["user"], first[0]["status"], first[0]["refused"]) == ("4711", 200, None)
    assert first[0]["at"] == timestamp(datetime.fromtimestamp(int(logged(0)["at"]) / 1000, UTC))
    assert (rest[0]["user"], rest[0]["status"], rest[0]["refused"]) == (None, 401, "UNAUTHORIZED")


def test_requests_are_found_by_a_text_and_a_period(log: AccessLog) -> None:
    assert [entry["path"] for entry in log.page(*PERIOD, "results/1", 9, None)[0]] == ["/api/results/1"]
    assert log.page("2020-01-01T00:00:00Z", PERIOD[0], None, 9, None) == ([], None)


@pytest.mark.parametrize("path", ['/api/x", "user": "4712', '/api/x"', "/api/\\", '/api/"}{"user": "4712'])
def test_path_cannot_forge_an_entry(path: str) -> None:
    template = json.dumps(LOGGED)
    for name, value in logged(0, user="4711", status="404").items():
        template = template.replace(json.dumps(LOGGED[name]), f'"{path if name == "path" else value}"')

    entry = access_log._entry(template)

    assert (entry["user"], entry["status"]) == ("4711", 404)
    assert entry["path"].startswith("/api/")


def test_periods_that_meet_within_a_millisecond_have_each_request_once(log: AccessLog) -> None:
    at = datetime.fromtimestamp(int(logged(1)["at"]) / 1000, UTC)
    for moment, before in (
        (at, 1),
        (at + timedelta(microseconds=1), 2),
        (at + timedelta(microseconds=999), 2),
    ):
        earlier, _ = log.page(PERIOD[0], timestamp(moment), None, 9, None)
        later, _ = log.page(timestamp(moment), PERIOD[1], None, 9, None)
        assert (len(earlier), len(later)) == (before, 4 - before)


@pytest.mark.parametrize(
    ("since", "until"),
    [
        ("1970-01-01T00:00:00.000001Z", "1970-01-01T00:00:00.001000Z"),
        ("1970-01-01T00:00:00.000000Z", "1970-01-01T00:00:00.000000Z"),
        ("2026-01-01T00:00:00.000001Z", "2026-01-01T00:00:00.000999Z"),
    ],
)
def test_period_without_a_whole_millisecond_is_empty(log: AccessLog, since: str, until: str) -> None:
    assert log.page(since, until, None, 9, None) == ([], None)


@pytest.mark.parametrize(
    "cursor",
    [
        "2026-01-01~2026-01-02~x",
        "x",
        "~~x",
        "2026-01-01~2025-01-01~x",
        "0001-01-01T00:00:00Z~2026-01-01T00:00:00Z~x",
    ],
)
def test_page_refuses_other_cursors(log: AccessLog, cursor: str) -> None:
    with pytest.raises(InvalidRequest, match="cursor"):
        log.page(*PERIOD, None, 9, cursor)


def test_log_that_does_not_exist_is_empty() -> None:
    assert AccessLog(boto3.client("logs"), "/none").page(*PERIOD, None, 9, None) == ([], None)


class SlowLog:
    """A log in which nothing is found for a long time."""

    exceptions = boto3.client("logs", region_name="us-east-1").exceptions

    def __init__(self, pages: int) -> None:
        self.pages = pages

    def filter_log_events(self, **_: Any) -> dict[str, Any]:
        self.pages -= 1
        message = json.dumps(logged(0))
        return {"events": []} | ({"nextToken": "x"} if self.pages else {"events": [{"message": message}]})


def test_empty_pages_are_skipped_while_there_is_time(monkeypatch: pytest.MonkeyPatch) -> None:
    assert len(AccessLog(SlowLog(3), "x").page(*PERIOD, None, 9, None)[0]) == 1
    monkeypatch.setattr(access_log, "_MAX_SECONDS", -1.0)
    assert AccessLog(SlowLog(3), "x").page(*PERIOD, None, 9, None) == ([], "~".join((*PERIOD, "x")))


@pytest.mark.parametrize(
    ("text", "safe"), [("0f" * 16, True), ("/api/results", True), ('a" "b', False), ("", False)]
)
def test_searched_texts_end_no_pattern(text: str, safe: bool) -> None:
    assert bool(access_log.SEARCHED.fullmatch(text)) == safe

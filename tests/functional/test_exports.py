"""Exports of any size, through the API."""

import json

import pytest

from chalicelib import dependencies
from chalicelib.exports.service import REQUEST
from tests.functional.conftest import REAL, Call, as_member
from tests.functional.test_openapi import schema
from tests.models import TASK

pytestmark = pytest.mark.usefixtures("client")


def test_export_is_started_listed_followed_and_stopped(call: Call) -> None:
    started = call("POST", f"/exports?format=parquet&task={TASK}&reviewed=true", json={})
    assert started.status_code == 201
    schema("/exports", "POST", 201).validate(started.json_body)
    export = started.json_body
    assert (export["format"], export["filters"]) == ("parquet", {"task": TASK, "reviewed": True})

    listed = call("GET", "/exports").json_body
    schema("/exports", "GET", 200).validate(listed)
    assert listed["exports"] == [export]
    followed = call("GET", f"/exports/{export['name']}").json_body
    schema("/exports/{export}", "GET", 200).validate(followed)
    assert followed == export | {"url": None}
    stopped = call("POST", f"/exports/{export['name']}/stop", json={}).json_body
    schema("/exports/{export}/stop", "POST", 200).validate(stopped)
    assert stopped["status"] == "stopped"


def test_filters_are_named_as_the_parameters(call: Call) -> None:
    period = "from=2026-01-01T00:00:00Z&to=2026-02-01T00:00:00Z"
    export = call("POST", f"/exports?{period}&order=least-sure", json={}).json_body
    assert export["filters"] == {"from": "2026-01-01T00:00:00.000000Z", "to": "2026-02-01T00:00:00.000000Z"}


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ("format=xlsx", 400, "InvalidRequest"),
        ("task=feet", 404, "UnknownTask"),
        ("reviewed=1", 400, "InvalidRequest"),
        ("from=2026-02-01T00:00:00Z&to=2026-01-01T00:00:00Z", 400, "InvalidRequest"),
    ],
)
def test_request_that_makes_no_sense_starts_nothing(call: Call, query: str, status: int, code: str) -> None:
    answer = call("POST", f"/exports?{query}", json={})
    assert (answer.status_code, answer.json_body["code"]) == (status, code)
    assert call("GET", "/exports").json_body == {"exports": []}


def test_third_running_export_is_refused(call: Call) -> None:
    statuses = [call("POST", "/exports", json={}).status_code for _ in range(3)]
    assert statuses == [201, 201, 429]


@pytest.mark.usefixtures("_login")
def test_users_export_only_what_they_may_see() -> None:
    started = as_member(f"reader:{TASK},reader:chest-xray", "POST", "/exports")
    assert (started[0], started[1]["filters"]) == (201, {})
    name = started[1]["name"]
    stored = json.loads(dependencies.bucket().read(f"exports/4711/{name}/{REQUEST}").body)
    assert sorted(stored["filters"]["tasks"]) == ["chest-xray", TASK]
    assert as_member(f"reader:{TASK}", "POST", "/exports")[1]["filters"] == {"task": TASK}
    refused = as_member(f"reader:{TASK}", "POST", "/exports", None, {"task": "retinal-oct"})
    assert (refused[0], refused[1]["code"]) == (403, "NotAllowed")
    assert as_member("reviewer", "POST", "/exports", None, {"hidden": "true"})[0] == 403


def test_unknown_export_is_not_found(call: Call) -> None:
    for method, path in (("GET", "/exports/x"), ("POST", "/exports/x/stop")):
        answer = call(method, path, json={})
        assert (answer.status_code, answer.json_body["code"]) == (404, "UnknownExport")
    assert REAL["export"]
    assert dependencies.exports().list("local") == []

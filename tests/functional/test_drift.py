"""From classified images to drift reports in the API, through the Lambda handlers."""

from dataclasses import replace
from typing import Any

import pytest
from chalice.test import Client

from chalicelib import dependencies
from chalicelib.settings import settings
from tests import images
from tests.functional.conftest import Call
from tests.functional.test_openapi import schema
from tests.models import TASK


class Requests:
    """Replaces the state machine."""

    def __init__(self) -> None:
        self.started: list[tuple[dict[str, Any], str]] = []

    def start(self, body: dict[str, Any], user: str) -> dict[str, Any]:
        self.started.append((body, user))
        return {"name": "retraining-1", "task": body["task"], "status": "running"}


def check_drift(client: Client) -> None:
    client.lambda_.invoke(
        "drift-monitor", client.events.generate_cw_event("aws.events", "Scheduled Event", {}, [])
    )


def drift(call: Call) -> Any:
    response = call("GET", f"/tasks/{TASK}/drift")
    assert response.status_code == 200
    schema("/tasks/{task}/drift", "GET", 200).validate(response.json_body)
    return response.json_body


@pytest.mark.usefixtures("profiled")
def test_drift_of_posted_images_is_reported_and_retrained_once(
    client: Client, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    retraining, requests = replace(settings(), retrain_on_drift=True), Requests()
    monkeypatch.setattr(dependencies, "settings", lambda: retraining)
    monkeypatch.setattr(dependencies, "retraining_service", lambda: requests)
    for number in range(100):
        path = f"/tasks/{TASK}/classify"
        result = call("POST", path, images.grey_file(height=32 + number, width=32), Content_Type="image/png")
        assert result.status_code == 200

    for _ in range(2):
        check_drift(client)

    found = drift(call)
    assert found["model"]["version"] == "2026.01.01-tiny"
    assert (found["report"]["drifted"], found["report"]["answers"]) == (True, 100)
    told = found["retraining"]
    assert told["name"] == "retraining-1"
    assert requests.started == [({"task": TASK, "reason": told["reason"]}, "drift monitor")]


def test_drift_without_a_profile_is_explained(client: Client, call: Call) -> None:
    assert "has not been checked" in drift(call)["reason"]
    check_drift(client)
    found = drift(call)
    assert found["report"] is None
    assert "no profile" in found["reason"]
    assert found["checked_at"]

"""The routes of batches, checked against the API's description, with a made-up state machine."""

import json
from typing import Any

import pytest
from chalice.test import Client

from chalicelib import dependencies
from chalicelib.batches.executions import BatchExecutions
from tests import images
from tests.functional.conftest import Call
from tests.functional.test_openapi import schema
from tests.models import TASK
from tests.stage import BATCH_ARN
from tests.stepfunctions import FakeStepFunctions

ALL, ONE = "/batches", "/batches/{batch}"
STOP, CONTINUE = "/batches/{batch}/stop", "/batches/{batch}/continue"
EXECUTION = BATCH_ARN.replace(":stateMachine:", ":execution:")


class Stage:
    """The state machine and the routes."""

    def __init__(self, call: Call, states: FakeStepFunctions) -> None:
        self._call = call
        self.states = states

    def ask(self, method: str, template: str, status: int = 200, name: str = "", **request: Any) -> Any:
        """The body of an answer, whose status and schema are checked."""
        answer = self._call(method, template.replace("{batch}", name), **request)
        assert answer.status_code == status, answer.body
        schema(template, method, status).validate(answer.json_body)
        return answer.json_body

    def start(self, **request: Any) -> Any:
        """Start a batch; returns the answer."""
        return self.ask("POST", ALL, 201, json={"task": TASK, **request})


@pytest.fixture
def stage(client: Client, call: Call, monkeypatch: pytest.MonkeyPatch) -> Stage:
    states = FakeStepFunctions()
    executions = BatchExecutions(states, BATCH_ARN)
    monkeypatch.setattr(dependencies, "_batch_executions", lambda: executions)
    for number in range(3):
        dependencies.bucket().write(f"archive/2019/{number}.png", images.grey_file(), "image/png")
    return Stage(call, states)


def acts() -> list[str]:
    return [entry["act"] for entry in dependencies.audit().page(9, None)[0]]


def test_batch_is_estimated_first(stage: Stage) -> None:
    answer = stage.start(source="archive/2019/", dry_run=True)

    assert (answer["name"], answer["kind"], answer["estimate"]["images"]) == (None, "folder", 3)
    assert answer["estimate"]["dollars"] > 0
    assert stage.states.executions == {}
    assert acts() == []
    assert stage.ask("GET", ALL)["batches"] == []


def test_batch_is_started_followed_stopped_and_resumed(stage: Stage) -> None:
    name = stage.start(source="archive/2019/", concurrency=7)["name"]

    ((arn, execution),) = stage.states.executions.items()
    assert arn == f"{EXECUTION}:{name}.1"
    given = json.loads(execution["input"])
    assert given.pop("requested_at")
    assert given == {
        "name": name,
        "task": TASK,
        "kind": "folder",
        "source": "archive/2019/",
        "concurrency": 7,
    }
    stage.states.map(arn, total=3, succeeded=1, running=2)
    followed = stage.ask("GET", ONE, name=name)
    assert (followed["status"], followed["passes"], followed["requested_by"]) == ("running", 1, "local")
    assert followed["progress"] == {
        "step": "classify",
        "images": 3,
        "done": 1,
        "failed": 0,
        "running": 2,
        "pending": 0,
    }
    assert (followed["report"], followed["failures"]) == (None, None)

    assert stage.ask("POST", STOP, name=name)["status"] == "stopped"
    assert stage.ask("POST", STOP, name=name)["status"] == "stopped"
    assert stage.ask("POST", CONTINUE, name=name)["status"] == "running"
    assert stage.ask("POST", CONTINUE, name=name)["status"] == "running"

    first, second = (json.loads(one["input"]) for one in stage.states.executions.values())
    assert first == second
    (listed,) = stage.ask("GET", ALL)["batches"]
    assert (listed["name"], listed["status"], listed["passes"]) == (name, "running", 2)
    assert acts() == ["continue-batch", "stop-batch", "start-batch"]


def test_batch_that_has_ended_has_a_report(stage: Stage) -> None:
    dependencies.bucket().write(f"prepared/{TASK}/{'0' * 32}.npy", b"x", "application/x-npy")
    name = stage.start(again=True)["name"]
    stage.states.end(f"{EXECUTION}:{name}.1", "SUCCEEDED")
    counts = dict.fromkeys(("classified", "current", "deleted", "skipped"), 0)
    report = {"name": name, "task": TASK, "images": 4, **counts, "failed": 1, "failures": {"NotAnImage": 1}}
    change = {"before": "left-cc", "after": "right-cc", "images": 3}
    report |= {"classified": 3, "changes": [change], "written_at": "2026-01-01T00:00:00.000000Z"}
    dependencies.bucket().write_json(f"batches/{name}/report.json", report)

    followed = stage.ask("GET", ONE, name=name)

    assert (followed["status"], followed["report"]) == ("ended", report)
    assert f"batches/{name}/failures.jsonl" in followed["failures"]


@pytest.mark.parametrize(
    ("given", "status", "code"),
    [
        ({"task": "feet", "source": "archive/2019/"}, 404, "UnknownTask"),
        ({"task": "chest-xray", "source": "archive/2019/"}, 409, "TaskHasNoModel"),
        ({"source": "archive/2020/"}, 400, "InvalidRequest"),
        ({"source": "inbox/"}, 400, "InvalidRequest"),
        ({}, 400, "InvalidRequest"),
    ],
)
def test_start_rejects(stage: Stage, given: Any, status: int, code: str) -> None:
    assert stage.ask("POST", ALL, status, json={"task": TASK, **given})["code"] == code
    assert stage.states.executions == {}


def test_unknown_batch_is_not_found(stage: Stage) -> None:
    for method, template in (("GET", ONE), ("POST", STOP), ("POST", CONTINUE)):
        assert stage.ask(method, template, 404, name="never")["code"] == "UnknownBatch"


def test_stage_without_batches_says_so(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    executions = BatchExecutions(stage.states, None)
    monkeypatch.setattr(dependencies, "_batch_executions", lambda: executions)

    error = stage.ask("POST", ALL, 409, json={"task": TASK, "source": "archive/2019/"})

    assert error["code"] == "BatchesNotDeployed"
    assert "make deploy" in error["message"]

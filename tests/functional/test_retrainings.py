"""The routes of retrainings, checked against the API's description, with a made-up state machine."""

import json
from typing import Any, cast

import boto3
import pytest
from chalice.test import Client

from chalicelib import dependencies
from chalicelib.retraining.executions import Executions
from chalicelib.retraining.record import RetrainingRecord
from chalicelib.retraining.repository import RetrainingRepository, empty_record
from chalicelib.storage.bucket import DataBucket
from tests.functional.conftest import Call, as_member
from tests.functional.test_openapi import schema
from tests.models import TASK
from tests.stage import BUCKET, RETRAINING_ARN, RETRAININGS_TABLE
from tests.stepfunctions import FakeStepFunctions

ROUTE, ONE = "/retrainings", "/retrainings/{name}"
FILE, APPROVAL = "/retrainings/{name}/files/{file}", "/retrainings/{name}/approval"
STOP = "/retrainings/{name}/stop"


class SageMaker:
    """One training job."""

    def describe_training_job(self, TrainingJobName: str) -> dict[str, Any]:  # noqa: N803
        assert TrainingJobName == "job"
        return {"FinalMetricDataList": [{"MetricName": "train:loss", "Value": 0.5}]}


class Stage:
    """The state machine and its records."""

    def __init__(self, call: Call, states: FakeStepFunctions) -> None:
        self._call = call
        self.states = states
        self.repository = RetrainingRepository(boto3.resource("dynamodb"), RETRAININGS_TABLE)
        self.bucket = DataBucket(boto3.client("s3"), BUCKET)

    def ask(self, method: str, template: str, status: int, path: str = "", **request: Any) -> Any:
        """The body of an answer, whose status and schema are checked."""
        answer = self._call(method, path or template, **request)
        assert answer.status_code == status, answer.body
        schema(template, method, status).validate(answer.json_body)
        return answer.json_body

    def start(self, **request: Any) -> Any:
        """Start a retraining; returns the answer."""
        return self.ask("POST", ROUTE, 201, json={"task": TASK, **request})

    def plan(self, name: str, **values: Any) -> str:
        """Let a retraining reach its plan, and return the ARN of its execution."""
        arn = f"{RETRAINING_ARN.replace(':stateMachine:', ':execution:')}:{name}"
        record = empty_record(name, arn, {"task": TASK}) | {"started_at": f"2026-{name}", "job": "job"}
        self.repository.create(cast(RetrainingRecord, {**record, **values}))
        self.repository.lock(TASK, arn)
        return arn


@pytest.fixture
def stage(client: Client, call: Call, monkeypatch: pytest.MonkeyPatch) -> Stage:
    states = FakeStepFunctions()
    executions = Executions(states, RETRAINING_ARN)
    monkeypatch.setattr(dependencies, "_executions", lambda: executions)
    monkeypatch.setattr(dependencies, "_sagemaker", SageMaker)
    return Stage(call, states)


def test_start_passes_the_request_and_the_user(stage: Stage) -> None:
    name = stage.start(reason="more images", hyperparameters={"epochs": 3})["name"]

    ((arn, execution),) = stage.states.executions.items()
    assert arn.endswith(f":execution:negatoscope-test-retrain:{name}")
    assert json.loads(execution["input"]) == {
        "task": TASK,
        "reason": "more images",
        "hyperparameters": {"epochs": 3},
        "requested_by": "local",
    }
    # It can be followed before its plan exists.
    followed = stage.ask("GET", ONE, 200, f"/retrainings/{name}")
    assert (followed["status"], followed["task"], followed["reason"]) == ("running", TASK, "more images")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"task": "feet"}, "'task' must be one of"),
        ({"hyperparameters": {"epochs": 0}}, "epochs must lie between 1 and 1000"),
        ({"hyperparameters": {"speed": 1}}, "There is no hyper-parameter 'speed'"),
        ({"tune": 1}, "a number of trials from 2 to"),
        ({"tune": True, "hyperparameters": {"dropout": 0.1}}, "searches for dropout"),
        ({"forced": True}, "A retraining has no field 'forced'"),
        ({"requested_by": "Jane"}, "who is signed in"),
        ({"reason": "\ud800"}, "not valid Unicode"),
        ({"reason": "a\x00b"}, "control character"),
        ({"reason": "x" * 1001}, "1,000 characters"),
        ({"reason": None}, "'reason' must be a text"),
        ({"hyperparameters": {"dropout": 1e-200}}, "out of range"),
        ({"hyperparameters": {"seed": 10**400}}, "out of range"),
    ],
)
def test_start_rejects(stage: Stage, given: Any, message: str) -> None:
    error = stage.ask("POST", ROUTE, 400, json={"task": TASK, **given})

    assert message in error["message"]
    assert not stage.states.executions


def test_stage_without_retraining_says_so(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    executions = Executions(stage.states, None)
    monkeypatch.setattr(dependencies, "_executions", lambda: executions)
    dependencies.retraining_service.cache_clear()

    error = stage.ask("POST", ROUTE, 409, json={"task": TASK})
    assert error["code"] == "RetrainingNotDeployed"
    assert "make deploy" in error["message"]
    assert stage.ask("GET", ROUTE, 200) == {"retrainings": [], "cursor": None}
    stage.ask("GET", ONE, 404, "/retrainings/run")
    stage.ask("POST", APPROVAL, 404, "/retrainings/run/approval", json={"approved": True})


def test_start_is_refused_while_a_retraining_runs(stage: Stage) -> None:
    name = stage.start()["name"]
    arn = stage.plan(name)

    error = stage.ask("POST", ROUTE, 409, json={"task": TASK})
    assert (error["code"], name in error["message"]) == ("AlreadyRetraining", True)

    stage.states.end(arn, "ABORTED")
    stage.start()


def test_follow_has_the_cause_of_a_refused_execution(stage: Stage) -> None:
    name = stage.start()["name"]
    stage.states.end(
        next(iter(stage.states.executions)), "FAILED", error="Refused", cause="There are no images."
    )

    followed = stage.ask("GET", ONE, 200, f"/retrainings/{name}")

    assert (followed["status"], followed["outcome"]) == ("failed", "There are no images.")
    assert (followed["metrics"], followed["files"], followed["states"]) == ({}, [], [])


def test_list_has_the_newest_retrainings_first(stage: Stage) -> None:
    for name in ("a", "b", "c"):
        stage.plan(name, status="deployed")

    page = stage.ask("GET", ROUTE, 200, f"{ROUTE}?limit=2")
    rest = stage.ask("GET", ROUTE, 200, f"{ROUTE}?limit=2&cursor={page['cursor']}")

    assert [record["name"] for record in page["retrainings"] + rest["retrainings"]] == ["c", "b", "a"]
    assert rest["cursor"] is None
    assert "'cursor'" in stage.ask("GET", ROUTE, 400, f"{ROUTE}?cursor=x")["message"]


def test_follow_has_states_metrics_and_files(stage: Stage, call: Call) -> None:
    name = stage.start()["name"]
    arn = stage.plan(name)
    stage.states.enter(arn, "Plan", 1)
    stage.states.leave(arn, "Plan", 2)
    stage.states.enter(arn, "Train", 3)
    folder = f"retrainings/{TASK}/{name}/evaluation/"
    stage.bucket.write(f"{folder}report.md", b"# Better", "text/markdown")
    stage.bucket.write(f"{folder}plots/roc.svg", b"<svg/>", "image/svg+xml")
    stage.bucket.write(f"{folder}predictions.csv", b"", "text/csv")
    epochs = f"retrainings/{TASK}/{name}/checkpoints/job/"
    stage.bucket.write(f"{epochs}epochs-0.json", b"[]", "application/json")
    stage.bucket.write(f"{epochs}seed-0.pt", b"", "application/octet-stream")

    followed = stage.ask("GET", ONE, 200, f"/retrainings/{name}")

    assert followed["states"] == [
        {"name": "Plan", "entered_at": "2026-01-01T12:00:01.000000Z"}
        | {"exited_at": "2026-01-01T12:00:02.000000Z"},
        {"name": "Train", "entered_at": "2026-01-01T12:00:03.000000Z", "exited_at": None},
    ]
    assert followed["metrics"] == {"train:loss": 0.5}
    assert followed["files"] == ["epochs-0.json", "roc.svg", "report.md"]
    assert call("GET", f"/retrainings/{name}/files/epochs-0.json").body == b"[]"
    stage.ask("GET", FILE, 404, f"/retrainings/{name}/files/seed-0.pt")
    stage.ask("GET", FILE, 404, f"/retrainings/{name}/files/epochs-1.json")


def test_epochs_after_a_search_are_those_of_the_best_job(stage: Stage, call: Call) -> None:
    stage.plan("run", trials=2, job="best")
    for job in ("best", "other"):
        key = f"retrainings/{TASK}/run/checkpoints/{job}/{job}/epochs-3.json"
        stage.bucket.write(key, json.dumps([job]).encode(), "application/json")

    assert stage.ask("GET", ONE, 200, "/retrainings/run")["files"] == ["epochs-3.json"]
    assert call("GET", "/retrainings/run/files/epochs-3.json").json_body == ["best"]


@pytest.mark.parametrize("folder", ["evaluation", "judgement"])  # the latter in release 0.1
def test_files_are_answered_in_a_sandbox(stage: Stage, call: Call, folder: str) -> None:
    stage.plan("run")
    folder = f"retrainings/{TASK}/run/{folder}/"
    stage.bucket.write(f"{folder}report.md", b"# Better", "text/markdown")
    stage.bucket.write(f"{folder}plots/roc.svg", b"<svg/>", "image/svg+xml")

    for file, content, kind in (
        ("report.md", b"# Better", "text/markdown; charset=utf-8"),
        ("roc.svg", b"<svg/>", "image/svg+xml"),
    ):
        answer = call("GET", f"/retrainings/run/files/{file}")
        assert (answer.status_code, answer.body) == (200, content)
        assert answer.headers["Content-Type"] == kind
        assert "sandbox" in answer.headers["Content-Security-Policy"]
    stage.ask("GET", FILE, 404, "/retrainings/run/files/predictions.csv")
    stage.ask("GET", FILE, 404, "/retrainings/none/files/report.md")


@pytest.mark.parametrize("approved", [True, False])
def test_approval_is_answered_once(stage: Stage, approved: bool) -> None:
    stage.plan("run")
    path = "/retrainings/run/approval"
    assert "does not wait" in stage.ask("POST", APPROVAL, 409, path, json={"approved": True})["message"]
    stage.repository.update("run", task_token="token", waiting_for="approval")
    stage.states.waiting.add("token")
    assert stage.ask("GET", ROUTE, 200)["retrainings"][0]["waiting_for"] == "approval"

    for comment in (7, "x" * 1001, "\udc00", "\x1b"):
        stage.ask("POST", APPROVAL, 400, path, json={"approved": True, "comment": comment})
    assert "'approved'" in stage.ask("POST", APPROVAL, 400, path, json={"approved": "yes"})["message"]
    stage.ask("POST", APPROVAL, 200, path, json={"approved": approved, "comment": "Well."})

    assert stage.states.answers == {"token": {"approved": approved, "by": "local", "comment": "Well."}}
    assert stage.ask("GET", ROUTE, 200)["retrainings"][0]["waiting_for"] is None
    stage.ask("POST", APPROVAL, 409, path, json={"approved": approved})


def test_late_approval_is_refused(stage: Stage) -> None:
    stage.plan("run", task_token="token")

    error = stage.ask("POST", APPROVAL, 409, "/retrainings/run/approval", json={"approved": True})

    assert "no longer waits" in error["message"]


def test_answers_do_not_have_task_tokens(stage: Stage, call: Call) -> None:
    stage.plan("run", task_token="secret")

    assert "secret" not in call("GET", ROUTE).body.decode() + call("GET", "/retrainings/run").body.decode()


def test_unknown_retraining_is_not_found(stage: Stage) -> None:
    stage.ask("GET", ONE, 404, "/retrainings/none")
    stage.ask("POST", APPROVAL, 404, "/retrainings/none/approval", json={"approved": True})


def test_stop_ends_a_retraining(stage: Stage) -> None:
    name = stage.start()["name"]
    stage.plan(name)

    for _ in range(2):
        assert stage.ask("POST", STOP, 200, f"/retrainings/{name}/stop", json={})["status"] == "stopped"

    followed = stage.ask("GET", ONE, 200, f"/retrainings/{name}")
    assert (followed["status"], followed["stopped_by"]) == ("stopped", "local")
    stage.start()


def test_stop_is_refused_once_the_model_is_being_deployed(stage: Stage) -> None:
    name = stage.start()["name"]
    arn = stage.plan(name)
    stage.states.enter(arn, "Endpoint required?", 1)

    error = stage.ask("POST", STOP, 409, f"/retrainings/{name}/stop", json={})

    assert (error["code"], stage.states.executions[arn]["status"]) == ("NothingToStop", "RUNNING")
    assert "roll back" in error["message"]


@pytest.mark.usefixtures("_login")
@pytest.mark.parametrize("groups", ["", "reader,reviewer"])
@pytest.mark.parametrize(
    ("path", "parameters"), [(ROUTE, {}), (APPROVAL, {"name": "run"}), (STOP, {"name": "run"})]
)
def test_only_admins_start_approve_and_stop(
    stage: Stage, groups: str, path: str, parameters: dict[str, str]
) -> None:
    status, error = as_member(groups, "POST", path, **parameters)

    assert (status, error["code"]) == (403, "NotAllowed")
    schema(path, "POST", 403).validate(error)
    assert not stage.states.executions

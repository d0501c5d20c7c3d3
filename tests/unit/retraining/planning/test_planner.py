"""The first step of a retraining: refused, skipped, or recorded with its plan."""

import json
from typing import Any

import pytest

from chalicelib.errors import EndpointNotChanged
from chalicelib.retraining.planning import planner
from chalicelib.tasks import EndpointSpec, Task
from tests.models import TASK
from tests.planning_stage import EXECUTION, Stage
from tests.stage import BUCKET

pytestmark = pytest.mark.usefixtures("cloud")


@pytest.fixture
def stage() -> Stage:
    return Stage()


def test_plan_is_stored_and_recorded(stage: Stage) -> None:
    plan = stage.plan()

    assert json.loads(stage.bucket.read(f"retrainings/{TASK}/run-1/plan.json").body) == plan
    record = stage.repository.get("run-1")
    assert (record["status"], record["task"], record["candidate"]) == ("running", TASK, None)
    assert stage.repository.holder(TASK) == EXECUTION
    assert stage.plan() == plan, "a step that is repeated"


def test_record_of_a_search_has_its_tuning_job(stage: Stage) -> None:
    plan = stage.plan({"task": TASK, "tune": 3})

    record = stage.repository.get("run-1")
    assert (record["trials"], record["job"]) == (3, plan["tuning_name"])


@pytest.mark.parametrize(
    ("given", "message", "is_listed"),
    [
        ({"task": "chest-xray"}, f"Put them into s3://{BUCKET}/datasets/chest-xray/CLASS/ first", True),
        ({"task": "chest-xray", "hyperparameters": {"epochs": 0}}, "epochs must lie between", True),
        ({"task": "chest-xray", "reason": "\ud800"}, "not valid Unicode", True),
        ({"task": "chest-xray", "reason": "x" * 500_000}, "'reason' may have 1,000 characters", True),
        ({"task": "chest-xray", "requested_by": {"\udc00": 1}}, "not valid Unicode", True),
        ({"task": "feet"}, "'task' must be one of", False),
        ({"task": ["chest-xray"]}, "'task' must be a text", False),
        ("task", "is a JSON object such as", False),
    ],
)
def test_invalid_request_is_refused_and_locks_nothing(
    stage: Stage, given: Any, message: str, is_listed: bool
) -> None:
    refused = stage.plan(given)["refused"]

    assert message in refused
    assert stage.repository.holder("chest-xray") is None
    assert stage.listed() == ([("run-1", "failed", refused)] if is_listed else [])
    for record in stage.repository.page(10, None)[0]:
        assert len(record["reason"].encode()) <= 4000


def test_start_during_a_retraining_is_skipped(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    metrics: list[tuple[str, str]] = []
    monkeypatch.setattr(planner, "count", lambda *metric: metrics.append(metric))
    stage.plan()

    answer = stage.plan(execution=EXECUTION.replace("run-1", "run-2"))

    assert answer.keys() == {"skipped"}
    assert "is being retrained" in answer["skipped"]
    assert stage.listed() == [("run-2", "skipped", answer["skipped"]), ("run-1", "running", None)]
    assert metrics == [("RetrainingsSkipped", TASK)]
    assert stage.repository.holder(TASK) == EXECUTION


def test_plan_waits_for_the_cleanup_of_a_stopped_retraining(stage: Stage) -> None:
    stage.plan()
    stage.stopped = EXECUTION
    following = EXECUTION.replace("run-1", "run-2")

    assert stage.plan(execution=following) == {"waits_for": EXECUTION}
    assert [name for name, _, _ in stage.listed()] == ["run-1"]

    stage.repository.release(TASK, EXECUTION)
    assert stage.plan(execution=following)["run"] == "run-2"


def test_endpoint_that_cannot_be_restored_refuses_the_request(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lock(_task: Task, _execution: str) -> str:
        raise EndpointNotChanged("Delete the endpoint, then start again.")

    monkeypatch.setattr(stage, "lock", lock)

    assert stage.plan() == {"refused": "Delete the endpoint, then start again."}


def test_task_with_an_endpoint_of_its_own_is_refused(stage: Stage) -> None:
    refused = stage.plan(endpoints={TASK: EndpointSpec("theirs", "negatoscope")})["refused"]

    assert "classified by the endpoint theirs" in refused

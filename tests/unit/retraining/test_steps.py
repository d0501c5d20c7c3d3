"""The steps of a retraining that the Lambda runs, one by one."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from chalicelib.errors import (
    EndpointNotChanged,
    EndpointNotReady,
    StepInterrupted,
)
from chalicelib.retraining.candidate import Candidates
from chalicelib.retraining.steps import take
from chalicelib.storage.errors import StorageFailed
from tests.models import TASK, VERSION
from tests.retraining_stage import CODE, EXECUTION, Stage
from tests.unit.retraining.test_candidate import FOLDER

pytestmark = pytest.mark.usefixtures("cloud")


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return Stage(tmp_path)


@pytest.mark.parametrize(
    ("given", "current", "unchanged"),
    [({}, "f00", True), ({"force": True}, "f00", False), ({}, "f01", False), ({}, None, False)],
)
def test_check_data_finds_unchanged_data(
    stage: Stage, given: dict[str, Any], current: str | None, unchanged: bool
) -> None:
    plan = stage.plan(**given)
    plan["current"]["fingerprint"] = current
    facts = {"fingerprint": "f00", "split": {"train": 1}, "findings": ["20 corrections"], "more": 1}
    stage.bucket.write_json(f"{FOLDER}data/data.json", facts)

    assert stage.run("check-data", "data")["unchanged"] is unchanged
    assert stage.repository.get("run")["data"] == {
        "images": 1,
        "corrections": 0,
        "fingerprint": "f00",
        "split": {"train": 1},
        "findings": ["20 corrections"],
    }


def test_plan_refuses_input_of_the_wrong_type(stage: Stage) -> None:
    answer = stage.steps.run({"step": "plan", "request": TASK, "execution": EXECUTION, **CODE})

    assert "A request for a retraining is a JSON object" in answer["refused"]


def test_request_approval_sends_the_reasons(stage: Stage) -> None:
    stage.register()

    stage.run("request-approval", token="token", topic="topic")

    ((topic, subject, message),) = stage.told
    assert (topic, subject) == ("topic", f"{TASK}: may the new model be deployed?")
    assert "It is better." in message
    assert "/api/retrainings/run/approval" in message
    assert stage.repository.token("run") == "token"
    assert stage.repository.get("run")["waiting_for"] == "approval"


def test_smoke_test_asks_the_endpoint_or_the_package(stage: Stage) -> None:
    stage.register()
    stage.bucket.write(f"{FOLDER}data/manifest.csv", b"part,class,sha256\ntest,left-cc,a\n", "text/csv")
    path = stage.folder / "array.npy"
    np.save(path, np.zeros((1, 4, 4), np.uint8))
    array = path.read_bytes()
    stage.bucket.write(f"{FOLDER}data/test/a.npy", array, "application/x-npy")
    stage.bucket.write_json(f"{FOLDER}answers/a.npy.out", {"probabilities": [[1.0]]})

    tested = stage.run("smoke-test", "smoke_test")

    assert stage.asked == [(TASK, f"negatoscope-test-{TASK}", VERSION)]
    assert "Another model answered" in tested["reason"]
    assert stage.repository.get("run")["smoke_test"]["passed"] is False
    stage.state["plan"]["serving"]["kind"] = "embedded"
    stage.run("smoke-test", "smoke_test")
    assert stage.asked[1] == (TASK, None, VERSION)


@pytest.mark.parametrize(
    "failure",
    [
        StorageFailed("PutObject: SlowDown"),
        EndpointNotChanged("It is being changed."),
        EndpointNotReady("It is overloaded."),
        ClientError({"Error": {"Code": "ThrottlingException", "Message": "?"}}, "UpdateItem"),
        EndpointConnectionError(endpoint_url="https://dynamodb"),
    ],
)
def test_transient_errors_interrupt_the_step(
    stage: Stage, failure: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage.register()

    def fail(*_: object, **__: object) -> None:
        raise failure

    monkeypatch.setattr(Candidates, "promote", fail)

    with pytest.raises(StepInterrupted, match=type(failure).__name__):
        stage.run("promote")


def test_take_passes_only_the_arguments_of_the_step() -> None:
    def step(plan: dict[str, Any], error: str = "") -> dict[str, Any]:
        return plan

    assert take(step, {"plan": {}, "candidate": {}}) == {"plan": {}}
    assert take(step, {"plan": {}, "error": "?"}) == {"plan": {}, "error": "?"}
    with pytest.raises(KeyError, match="plan"):
        take(step, {"error": "?"})

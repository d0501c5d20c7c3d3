"""Exports of users: start, list, follow, stop."""

import json
from typing import Any

import boto3
import pytest

from chalicelib.errors import ExportsNotDeployed, TooManyRequests, UnknownExport
from chalicelib.exports import service
from chalicelib.exports.export_document import Export
from chalicelib.exports.request import ExportRequest
from chalicelib.exports.service import ExportService
from chalicelib.results.selection import Selection
from chalicelib.retraining.executions import Executions
from chalicelib.storage.bucket import DataBucket
from tests.stage import BUCKET, EXPORT_ARN
from tests.stepfunctions import FakeStepFunctions

pytestmark = pytest.mark.usefixtures("cloud")

REQUEST = ExportRequest(Selection(task="chest-xray", reviewed=True), "parquet")


class Stage:
    """A stage with exports."""

    def __init__(self) -> None:
        self.states = FakeStepFunctions()
        self.bucket = DataBucket(boto3.client("s3"), BUCKET)
        self.service = ExportService(self.bucket, Executions(self.states, EXPORT_ARN), deployed=True)

    def start(self, user: str = "me", request: ExportRequest = REQUEST) -> Export:
        return self.service.start(request, user)

    def arn(self, export: Export) -> str:
        return f"{EXPORT_ARN.replace(':stateMachine:', ':execution:')}:{export['name']}"

    def end(self, export: Export, user: str = "me", status: str = "SUCCEEDED") -> None:
        self.states.end(self.arn(export), status)
        if status == "SUCCEEDED":
            folder = json.loads(self.states.executions[self.arn(export)]["input"])["folder"]
            assert folder == f"exports/{user}/{export['name']}/"
            self.bucket.write(f"{folder}summary.json", b'{"rows": 3, "bytes": 99}', "application/json")

    def keys(self, prefix: str) -> list[str]:
        return list(self.bucket.keys(prefix))


@pytest.fixture
def stage() -> Stage:
    return Stage()


def test_started_export_runs_and_is_recorded(stage: Stage) -> None:
    export = stage.start()

    assert export["filters"] == {"task": "chest-xray", "reviewed": True}
    assert (export["status"], export["step"], export["rows"], export["ended_at"]) == (
        *("running", "reading"),
        *(None, None),
    )
    assert stage.service.list("me") == [export]
    (entry,) = (json.loads(stage.bucket.read(key).body) for key in stage.keys("audit/"))
    assert (entry["act"], entry["subject"], entry["user"]) == ("export-results", "chest-xray", "me")
    assert entry["details"] == {"export": export["name"], "format": "parquet"}


def test_progress_is_the_step(stage: Stage) -> None:
    export = stage.start()
    for number, (state, step) in enumerate((("Copy table", "reading"), (service.WRITING, "writing"))):
        stage.states.enter(stage.arn(export), state, number)
        assert stage.service.follow(export["name"], "me")["step"] == step


def test_finished_export_has_its_file(stage: Stage) -> None:
    export = stage.start()
    stage.end(export)

    followed = stage.service.follow(export["name"], "me")

    assert (followed["status"], followed["step"]) == ("finished", None)
    assert (followed["rows"], followed["bytes"]) == (3, 99)
    address, _, query = (followed["url"] or "").partition("?")
    assert address.endswith(f"exports/me/{export['name']}/results.parquet")
    assert f"negatoscope-chest-xray-{export['name']}.parquet" in query


@pytest.mark.parametrize(
    ("end", "status"), [("FAILED", "failed"), ("TIMED_OUT", "failed"), ("ABORTED", "stopped")]
)
def test_other_ends_have_no_file(stage: Stage, end: str, status: str) -> None:
    export = stage.start()
    stage.end(export, status=end)

    followed = stage.service.follow(export["name"], "me")
    assert (followed["status"], followed["url"], followed["rows"]) == (status, None, None)


def test_users_have_their_own_exports_only(stage: Stage) -> None:
    mine = stage.start("me")
    assert stage.service.list("you") == []
    for call in (stage.service.follow, stage.service.stop):
        with pytest.raises(UnknownExport):
            call(mine["name"], "you")
    assert stage.service.list("me")[0]["status"] == "running"


def test_users_have_two_running_exports_at_most(stage: Stage) -> None:
    first, _ = stage.start(), stage.start()
    with pytest.raises(TooManyRequests, match="2 of your exports are running"):
        stage.start()
    stage.start("you")

    assert stage.service.stop(first["name"], "me")["status"] == "stopped"
    assert stage.service.stop(first["name"], "me")["status"] == "stopped"
    stage.start()


def test_list_has_the_newest_first(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "MAX_LISTED", 3)
    names = []
    for _ in range(4):
        export = stage.start()
        stage.end(export)
        names.append(export["name"])
    listed = [one["name"] for one in stage.service.list("me")]
    assert listed == sorted(names, reverse=True)[:3]


def test_export_whose_start_was_interrupted_is_not_listed(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> str:
        raise TimeoutError

    with monkeypatch.context() as patch:
        patch.setattr(Executions, "start", fail)
        with pytest.raises(TimeoutError):
            stage.start()
    assert len(stage.keys("exports/me/")) == 1
    assert stage.service.list("me") == []


def test_deleted_export_is_unknown(stage: Stage) -> None:
    export = stage.start()
    stage.end(export)
    for key in stage.keys("exports/"):
        stage.bucket.delete(key)

    assert stage.service.list("me") == []
    with pytest.raises(UnknownExport, match="deleted after seven days"):
        stage.service.follow(export["name"], "me")


def test_stage_without_the_state_machine_says_so(stage: Stage) -> None:
    without = ExportService(stage.bucket, Executions(stage.states, None), deployed=False)
    with pytest.raises(ExportsNotDeployed, match="make deploy"):
        without.start(REQUEST, "me")
    assert without.list("me") == []

"""The daily drift check, from the table to the report."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import boto3
import pytest

from chalicelib.errors import AlreadyRetraining
from chalicelib.models.package import ModelPackage
from chalicelib.models.registry import Registry
from chalicelib.monitoring import drift, drift_monitor
from chalicelib.monitoring.drift_monitor import DriftCheckFailed, DriftMonitor
from chalicelib.results import result_document
from chalicelib.results.table import ResultsTable
from chalicelib.storage.bucket import DataBucket
from chalicelib.storage.items import EVERYTHING, to_item
from chalicelib.tasks import Task, load_task, load_tasks
from tests.alarms import alarms
from tests.models import METRICS, TASK, write_package
from tests.stage import BUCKET, TABLE

pytestmark = pytest.mark.usefixtures("cloud")
TASK_ = load_task(TASK)
LIKE, UNLIKE = "left-cc", "not-a-mammogram"
PROFILE = {
    "images": 300,
    "labels": {name: 0.25 for name in TASK_.class_names if name != UNLIKE} | {UNLIKE: 0.0},
    "confidence_deciles": [level / 10 for level in range(1, 10)],
    "distance_deciles": [float(level) for level in range(1, 10)],
}


class Stage:
    """A stage with a bundled model for one task, and a drift monitor."""

    def __init__(self, models: Path) -> None:
        self.models = models
        self.bucket = DataBucket(boto3.client("s3"), BUCKET)
        self.table = ResultsTable(boto3.resource("dynamodb"), TABLE)
        self.started: list[tuple[str, str]] = []

    def bundle(self, version: str = "1", **metrics: Any) -> None:
        folder = write_package(self.models / version, version=version, metrics={"test": METRICS, **metrics})
        facts = json.loads((folder / "model.json").read_text()) | {"sha256": version.rjust(64, "0")}
        self.package = ModelPackage(folder, facts)

    def bundled(self, task: Task) -> ModelPackage | None:
        return self.package if task.name == TASK else None

    def monitor(self, retrain: bool = False) -> DriftMonitor:
        start = self.start if retrain else None
        return DriftMonitor(self.bucket, self.table, Registry(self.bucket), self.bundled, load_tasks(), start)

    def start(self, task: str, why: str) -> str:
        self.started.append((task, why))
        return f"retraining-{len(self.started)}"

    def answer(self, images: range, label: str | None = None, version: str = "1", **changes: Any) -> None:
        """Add results of the model, evenly distributed over all tenths except for `changes`."""
        with boto3.resource("dynamodb").Table(TABLE).batch_writer() as batch:
            for number in images:
                result = result_document.received(f"{number:032x}", TASK, "api") | {
                    "created_at": f"2026-01-01T{number // 3600:02}:{number // 60 % 60:02}:{number % 60:02}Z",
                    "status": result_document.CLASSIFIED,
                    "label": label or TASK_.class_names[number % 4],
                    "probability": (number % 10) / 10 + 0.05,
                    "distance": number % 10 + 0.5,
                    "model": {"version": version, "sha256": version.rjust(64, "0"), "backend": "embedded"},
                    **changes,
                }
                batch.put_item(Item=to_item(result) | {"listing": EVERYTHING})

    def look(self, retrain: bool = False) -> dict[str, Any]:
        """The document after another check."""
        self.monitor(retrain).run()
        body = boto3.client("s3").get_object(Bucket=BUCKET, Key=f"drift/{TASK}.json")["Body"].read()
        found: dict[str, Any] = json.loads(body)
        last: Mapping[str, Any] = self.monitor().last(TASK_)
        assert last == found
        return found


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    stage = Stage(tmp_path)
    stage.bundle(validation={"profile": PROFILE})
    return stage


def drifts(capsys: pytest.CaptureFixture[str]) -> dict[tuple[str | None, str | None], float]:
    """The recorded metric, by task and aspect."""
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines() if line.startswith("{")]
    measured = [line for line in lines if "Drift" in line]
    assert all(line["stage"] == "local" for line in measured)
    return {(line.get("task"), line.get("aspect")): line["Drift"][0] for line in measured}


def test_similar_images_have_no_drift(stage: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    stage.answer(range(200))
    found = stage.look()
    assert found["model"] == {"version": "1", "sha256": "1".rjust(64, "0")}
    assert found["reason"] is None
    report = found["report"]
    assert (report["drifted"], report["answers"], report["validation_images"]) == (False, 200, 300)
    assert (report["since"], report["until"]) == ("2026-01-01T00:00:00Z", "2026-01-01T00:03:19Z")
    assert [aspect["aspect"] for aspect in report["aspects"]] == ["labels", "confidence", "distance"]
    measured = drifts(capsys)
    assert measured.keys() == {(None, None)} | {(TASK, name) for name in ("labels", "confidence", "distance")}
    assert measured[None, None] == 0


def test_different_images_have_drift(stage: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    stage.answer(range(100), label=UNLIKE)
    report = stage.look()["report"]
    assert report["drifted"]
    assert [aspect["aspect"] for aspect in report["aspects"] if aspect["drifted"]] == ["labels"]
    measured = drifts(capsys)
    assert measured[None, None] == measured[TASK, "labels"] > 0.25
    (alarm,) = [alarm.properties for alarm in alarms() if alarm.name == "drift"]
    assert (alarm["Namespace"], alarm["MetricName"], alarm["Threshold"]) == ("Negatoscope", "Drift", 0.25)
    assert [dimension["Name"] for dimension in alarm["Dimensions"]] == ["stage"]


def test_insignificant_difference_records_no_drift_of_the_stage(
    stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    few = {**PROFILE, "images": 10}
    stage.bundle("2", validation={"profile": few})
    stage.answer(range(100), version="2", probability=0.5)
    stage.answer(range(60), version="2")
    assert not stage.look()["report"]["drifted"]
    measured = drifts(capsys)
    assert measured[TASK, "confidence"] > 0.25
    assert measured[None, None] == 0


@pytest.mark.parametrize("validation", ["cross", "rotating"])  # the latter in release 0.1
def test_reference_after_cross_validation_is_the_test_part(stage: Stage, validation: str) -> None:
    metrics = {"test": METRICS | {"profile": PROFILE}, "validation": {"profile": PROFILE | {"images": 1}}}
    facts = {**stage.package.facts, "training": {"validation": validation}, "metrics": metrics}
    stage.package = ModelPackage(stage.package.folder, facts)
    stage.answer(range(200))

    assert stage.look()["report"]["validation_images"] == PROFILE["images"]


@pytest.mark.parametrize(
    ("images", "metrics", "reason"),
    [
        (99, {"validation": {"profile": PROFILE}}, "classified 99 images; 100 are needed"),
        (200, {"validation": {}}, "no profile of its validation images"),
        (200, {}, "no profile of its validation images"),
    ],
)
def test_report_is_missing_without_a_basis(
    stage: Stage, capsys: pytest.CaptureFixture[str], images: int, metrics: dict[str, Any], reason: str
) -> None:
    stage.bundle("2", **metrics)
    stage.answer(range(images), label=UNLIKE, version="2")
    found = stage.look(retrain=True)
    assert found["report"] is None
    assert reason in found["reason"]
    assert drifts(capsys) == {(None, None): 0}
    assert stage.started == []


def test_tasks_without_model_or_check_are_explained(stage: Stage) -> None:
    other = load_task("breast-histology")
    assert "has not been checked" in (stage.monitor().last(other)["reason"] or "")
    missing = stage.monitor().last(other)["missing"]
    assert missing
    assert missing["code"] == "not-checked"
    stage.monitor().run()
    assert "No model package" in (stage.monitor().last(other)["reason"] or "")


def test_only_the_latest_answers_of_the_current_model_count(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drift_monitor, "MAX_ANSWERS", 100)
    stage.answer(range(140), label=UNLIKE)  # older answers
    stage.answer(range(140, 240))
    stage.answer(range(240, 300), label=UNLIKE, version="0")
    stage.answer(range(300, 320), label=UNLIKE, status=result_document.RECEIVED)
    report = stage.look()["report"]
    assert (report["answers"], report["since"]) == (100, "2026-01-01T00:02:20Z")
    assert not report["drifted"]


def test_answers_without_distances_are_compared_in_the_rest(stage: Stage) -> None:
    stage.answer(range(200), distance=None)
    assert [aspect["aspect"] for aspect in stage.look()["report"]["aspects"]] == ["labels", "confidence"]


def test_current_model_is_the_reference(stage: Stage) -> None:
    deployed = {"version": "7", "sha256": "7".rjust(64, "0"), "metrics": {"validation": {"profile": PROFILE}}}
    stage.bucket.write_json(f"models/{TASK}/7/model.json", deployed)
    current = {
        "version": "7",
        "sha256": deployed["sha256"],
        "endpoint": None,
        "previous": None,
        "since": "now",
    }
    stage.bucket.write_json(f"models/{TASK}/current.json", current)
    stage.answer(range(200), label=UNLIKE)  # by the bundled model
    found = stage.look()
    assert found["model"]["version"] == "7"
    assert "classified 0 images" in found["reason"]
    assert found["missing"] == {"code": "few-answers", "answers": 0, "needed": drift.MIN_ANSWERS}


def test_drift_starts_one_retraining_for_a_model(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drift_monitor, "MAX_ANSWERS", 100)
    stage.answer(range(100), label=UNLIKE)
    assert stage.look()["retraining"] is None  # people decide

    first = stage.look(retrain=True)["retraining"]
    assert stage.started == [(TASK, first["reason"])]
    assert "model 1 was validated on, by labels (PSI" in first["reason"]
    assert first["name"] == "retraining-1"

    assert stage.look(retrain=True)["retraining"] == first
    stage.answer(range(100, 200))
    calm = stage.look(retrain=True)
    assert (calm["report"]["drifted"], calm["retraining"]) == (False, first)
    stage.answer(range(200, 300), label=UNLIKE)
    assert stage.look(retrain=True)["report"]["drifted"]
    assert len(stage.started) == 1

    stage.bundle("2", validation={"profile": PROFILE})
    stage.answer(range(300, 400), label=UNLIKE, version="2")
    assert stage.look(retrain=True)["retraining"]["model"]["version"] == "2"
    assert len(stage.started) == 2


def test_missing_drift_starts_no_retraining(stage: Stage) -> None:
    stage.answer(range(200))
    assert stage.look(retrain=True)["retraining"] is None
    assert stage.started == []


def test_retraining_that_cannot_be_started_is_reported_and_repeated(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(task: str, why: str) -> str:
        raise ConnectionError("no")

    stage.answer(range(100), label=UNLIKE)
    with monkeypatch.context() as patch:
        patch.setattr(stage, "start", refuse)
        with pytest.raises(DriftCheckFailed, match=TASK):
            stage.monitor(retrain=True).run()
    assert drifts(capsys)[None, None] > 0.25
    found = stage.monitor().last(TASK_)
    assert found["report"]
    assert found["report"]["drifted"]
    assert found["retraining"] is None
    assert stage.look(retrain=True)["retraining"]["name"] == "retraining-1"


def test_task_in_retraining_is_not_a_failure(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(task: str, why: str) -> str:
        raise AlreadyRetraining("It is.")

    stage.answer(range(100), label=UNLIKE)
    with monkeypatch.context() as patch:
        patch.setattr(stage, "start", refuse)
        assert stage.look(retrain=True)["retraining"] is None
    assert stage.look(retrain=True)["retraining"]["name"] == "retraining-1"


def test_failing_task_does_not_stop_the_others(stage: Stage) -> None:
    first = next(iter(load_tasks()))
    assert first != TASK
    stage.bucket.write(f"models/{first}/current.json", b"{", "application/json")
    stage.answer(range(100), label=UNLIKE)
    with pytest.raises(DriftCheckFailed, match=f"^the drift check failed for {first}$"):
        stage.monitor().run()
    report = stage.monitor().last(TASK_)["report"]
    assert report
    assert report["drifted"]

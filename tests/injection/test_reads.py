"""Reading routes: when any call fails, the answer is complete or an error, and nothing has changed."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from chalicelib import dependencies
from chalicelib.exports.request import ExportRequest
from chalicelib.models.archive import pack, package_files
from chalicelib.models.classifier import Classifier
from chalicelib.models.deployed_models import DeployedModels
from chalicelib.results.selection import Selection
from chalicelib.results.table import ResultsTable
from chalicelib.retraining.repository import empty_record
from chalicelib.storage.user_names import UserNames
from tests import images, policies
from tests.injection.conftest import NewWorld
from tests.injection.faults import Call, Fault, Kind
from tests.injection.scenarios import CLASSES, CLASSIFY, RESULT
from tests.injection.world import World
from tests.models import TASK
from tests.stage import RETRAINING_ARN, RETRAININGS_TABLE, TABLE

READING = ("BatchGet", "Describe", "Filter", "Get", "Head", "List", "Query", "Scan")
"""Prefixes of AWS operations that change nothing."""
USER = "0f8fad5b-d9cb-469f-a165-70867728950e"
LOGGED = {
    "at": "1767225600000",
    "user": USER,
    "method": "GET",
    "path": "/api/me",
    "status": "401",
    "refused": "-",
}
"""An entry of the access log."""
WAYS = (Kind.REFUSED, Kind.TIMED_OUT)
"""A read has no effects, so kills and late failures need not be tried."""
VERSION, RUN, BATCH = "current", "run", "batch"
MAP_RUN = "arn:aws:states:us-east-1:123456789012:mapRun:negatoscope-test-batch/folder:1"
COUNTS = ("total", "pending", "running", "succeeded", "failed", "timedOut", "aborted")
EMAIL = {"Name": "email", "Value": "ada@example.org"}


STORED_BATCH = {
    "batch": {
        "name": BATCH,
        "task": TASK,
        "kind": "folder",
        "source": "archive/",
        "concurrency": 1,
        "requested_at": "2026-01-01T00:00:00Z",
    },
    "requested_by": "me",
    "estimate": {},
}


@dataclass(frozen=True)
class Read:
    """A request of a reading route."""

    path: str
    parameters: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    calls: int = 1
    """The least number of AWS calls."""

    @property
    def route(self) -> str:
        """Method and path."""
        return f"GET {self.path}"


_TASK = {"task": TASK}
_NAME = {"name": RUN}
EXPORT_NAME = "20260101-000000-0a1b2c3d"
EXPORT = Read("/results.csv", calls=3)
"""It is in the audit record."""
READS = (
    Read("/health", calls=0),
    Read("/openapi.json", calls=0),
    Read("/me", calls=0),
    Read("/stage", calls=0),
    Read("/tasks"),
    Read("/tasks/{task}/models", _TASK, calls=3),
    Read("/tasks/{task}/models/{version}/{file}", {**_TASK, "version": VERSION, "file": "model.json"}),
    Read("/tasks/{task}/models/{version}/{file}", {**_TASK, "version": VERSION, "file": "model.tar.gz"}),
    Read("/tasks/{task}/drift", _TASK),
    Read("/tasks/{task}/training-data", _TASK, calls=5),
    Read("/tasks/{task}/labelled-images", _TASK),
    Read("/tasks/{task}/review-statistics", _TASK, calls=3),
    Read("/tasks/{task}/agreement", _TASK, calls=3),
    Read("/tasks/{task}/review-rule", _TASK, calls=2),
    Read("/results", query={"limit": "2"}),
    Read("/results", query={"label": CLASSES[0], "limit": "1"}),
    Read("/results", query={"task": TASK, "order": "least-sure", "limit": "2"}),
    EXPORT,
    Read("/exports", calls=4),
    Read("/exports/{export}", {"export": EXPORT_NAME}, calls=3),
    Read(RESULT, {"id": "ID"}),
    Read(f"{RESULT}/preview", {"id": "ID"}, calls=2),
    Read(f"{RESULT}/picture", {"id": "ID"}, calls=2),
    Read(f"{RESULT}/picture", {"id": "FILM"}, {"frame": "1"}, calls=3),
    Read(f"{RESULT}/frames", {"id": "FILM"}, calls=2),
    Read(f"{RESULT}/heatmap", {"id": "ID"}, {"label": CLASSES[0]}, calls=2),
    Read("/retrainings", query={"limit": "5"}, calls=2),
    Read("/retrainings/{name}", _NAME, calls=4),
    Read("/retrainings/{name}/files/{file}", {**_NAME, "file": "report.md"}, calls=2),
    Read("/batches", query={"limit": "5"}, calls=4),
    Read("/batches/{batch}", {"batch": BATCH}, calls=5),
    Read("/audit", query={"limit": "1"}, calls=2),
    Read("/access-log", query={"from": "2026-01-01T00:00:00Z"}, calls=2),
)


@pytest.fixture
def world(new_world: NewWorld, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    """A stage with objects of every kind, and lists of several pages."""
    world = new_world({"ResultsTable": TABLE, "RetrainingsTable": RETRAININGS_TABLE})
    execution = {"status": "RUNNING", "input": "{}", "startDate": datetime(2026, 1, 1, tzinfo=UTC)}
    world.fakes |= {
        "cognito-idp:ListUsers": lambda _: {"Users": [{"Attributes": [EMAIL]}]},
        "logs:FilterLogEvents": lambda _: {"events": [{"message": json.dumps(LOGGED)}]},
        "sagemaker:DescribeTrainingJob": lambda _: {},
        "stepfunctions:DescribeExecution": lambda _: execution,
        "stepfunctions:ListMapRuns": lambda _: {"mapRuns": [{"mapRunArn": MAP_RUN, "startDate": 1}]},
        "stepfunctions:DescribeMapRun": lambda _: {
            "status": "RUNNING",
            "itemCounts": dict.fromkeys(COUNTS, 1),
        },
        "stepfunctions:GetExecutionHistory": lambda _: {"events": []},
    }
    for number in range(3):
        world.ask("POST", CLASSIFY, images.grey_file(height=100 + number), task=TASK)
    world.ask("POST", CLASSIFY, images.film(), task=TASK)
    world.settle()
    package = package_files(tmp_path / "current" / TASK)
    with world.process():
        dependencies.registry().add(TASK, pack(package), {})
        (record,) = dependencies.registry().versions(TASK)
        dependencies.registry().decide(TASK, record["version"], accepted=True, reasons=["Good."])
        dependencies.registry().promote(TASK, record["version"], None, None)
        arn = f"{RETRAINING_ARN.replace(':stateMachine:', ':execution:')}:{RUN}"
        dependencies._repository().create(
            empty_record(RUN, arn, _TASK) | {"started_at": "2026-01-01", "job": f"negatoscope-test-{RUN}"}
        )
        dependencies.bucket().write(
            f"retrainings/{TASK}/{RUN}/evaluation/report.md", b"# Better", "text/markdown"
        )
        request = ExportRequest(Selection(), "csv").to_json()
        dependencies.bucket().write_json(f"exports/local/{EXPORT_NAME}/request.json", request)
        dependencies.bucket().write_json(f"drift/{TASK}.json", {"task": TASK, "reason": None})
        batches = dependencies.bucket()
        batches.write_json(f"batches/{BATCH}/request.json", STORED_BATCH)
        batches.write_json(f"batches/{BATCH}/report.json", {"images": 1})
        batches.write(f"batches/{BATCH}/passes/000001", b"", "text/plain")
        for number in range(2):
            dependencies.audit().record("me", "start-retraining", f"{RUN}{number}")
    reader = ResultsTable._reader

    def reads_single_items(
        table: ResultsTable, selection: Any, attributes: Any, place: Any = None, limit: int = 1
    ) -> Any:
        return reader(table, selection, attributes, place, limit)

    monkeypatch.setattr(ResultsTable, "_reader", reads_single_items)
    return world


def ask(world: World, read: Read, monkeypatch: pytest.MonkeyPatch, fault: Fault | None = None) -> Any:
    """The answer of a process without caches."""
    names = UserNames(lambda: dependencies._client("cognito-idp"), policies.USER_POOL)
    monkeypatch.setattr(dependencies, "user_names", lambda: names)
    dependencies.review_rules.cache_clear()
    deployed, rules = DeployedModels(dependencies.registry()), dependencies.review_rules()
    fresh = Classifier({}, lambda: None, deployed=deployed, rules=rules)
    monkeypatch.setattr(dependencies, "classifier", lambda: fresh)
    object.__setattr__(dependencies.pipeline(), "classifier", fresh)
    film, *_, image = dependencies.table().page(limit=4)[0]
    ids = {"ID": image["id"], "FILM": film["id"]}
    dependencies.table().sharding.__init__(dependencies.table()._table)  # type: ignore[misc]
    parameters = {name: ids.get(value, value) for name, value in read.parameters.items()}
    status, answer = world.ask("GET", read.path, fault=fault, query=read.query, **parameters)
    if location := world.last_headers.get("Location"):
        return status, location.partition("?")[0]
    if isinstance(answer, dict) and isinstance(answer.get("failures"), str):
        answer["failures"] = answer["failures"].partition("?")[0]  # another signature each time
    return status, answer


def is_error(answer: Any) -> bool:
    status, body = answer
    return status >= 500 and body.keys() == {"code", "message", "request_id"} and bool(body["message"])


def wrong_answers(read: Read, world: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The problems with the answers to one request while its calls fail in turn."""
    whole = ask(world, read, monkeypatch)
    calls: list[Call] = world.last_calls
    if whole[0] not in (200, 303) or len(calls) < read.calls:
        yield f"{len(calls)} calls, {whole}"
    for number, call in enumerate(calls):
        if not call.operation.startswith(READING) and read != EXPORT:
            yield f"{call} may change something"
        for way in WAYS:
            answer = ask(world, read, monkeypatch, Fault(number, way))
            if not is_error(answer) and answer != whole:
                yield f"{call} {way}: {answer}"
    if ask(world, read, monkeypatch) != whole:
        yield "the answer has changed"


def test_read_is_complete_or_fails(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    found = {f"{read}: {wrong}" for read in READS for wrong in wrong_answers(read, world, monkeypatch)}
    assert not found, "\n".join(sorted(found))

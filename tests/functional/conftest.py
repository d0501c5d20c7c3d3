"""The application in this process: Chalice's test client and moto."""

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from chalice.app import Chalice, CognitoUserPoolAuthorizer
from chalice.local import LambdaContext
from chalice.test import Client, HTTPResponse, TestLambdaClient

import app
from chalicelib import dependencies
from chalicelib.api import http
from chalicelib.api.route import Route
from chalicelib.batches.batch import Batch
from chalicelib.batches.executions import BatchExecutions
from chalicelib.batches.locations import request_key
from chalicelib.errors import NegatoscopeError
from chalicelib.exports.service import ExportService
from chalicelib.models.classifier import Classifier
from chalicelib.observability import measure_seconds
from chalicelib.pipeline import decoding
from chalicelib.retraining.administrator import Administrator
from chalicelib.retraining.executions import Executions
from chalicelib.retraining.repository import empty_record
from chalicelib.storage import inbox
from chalicelib.tasks import load_task
from tests import images, lambdas
from tests.functional.cloudwatch import World
from tests.injection.faults import Call as AwsCall
from tests.injection.faults import Interceptor
from tests.lambdas import FakeLambda, in_process
from tests.models import METRICS, TASK, VERSION, write_package
from tests.policies import WATCH, Running
from tests.stage import BATCH_ARN, EXPORT_ARN, RETRAINING_ARN
from tests.stepfunctions import FakeStepFunctions

Call = Callable[..., HTTPResponse]

IMAGE = images.grey_file()
REAL = {
    "task": TASK,
    "id": inbox.new_id("api", TASK, IMAGE),
    "name": "run",
    "batch": "20260101-000000-run",
    "version": VERSION,
    "file": "report.md",
    "export": "20260101-000000-0a1b2c3d",
}
"""Path parameters of the objects in a `stocked` stage."""
CELL = 128
"""Pixels per cell of the heat maps: few cells, because moto is slow with numbers in items."""


@pytest.fixture
def client(cloud: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Client]:
    """Chalice's test client, with a tiny model for one task."""
    for made_once in vars(dependencies).values():
        if hasattr(made_once, "cache_clear"):
            made_once.cache_clear()
    write_package(tmp_path / TASK, cell=CELL)
    classifier = Classifier({}, lambda: None, tmp_path)
    monkeypatch.setattr(dependencies, "classifier", lambda: classifier)
    decoder = in_process(dependencies.bucket(), monkeypatch)
    monkeypatch.setattr(dependencies, "decoder", lambda: decoder)
    administration = FakeLambda(lambda event: app.administration(event, LambdaContext("administration", 512)))
    administrator = Administrator(lambda: administration, "administration")
    monkeypatch.setattr(dependencies, "administrator", lambda: administrator)
    executions = Executions(FakeStepFunctions(), EXPORT_ARN)
    exports = ExportService(dependencies.bucket(), executions, deployed=True)
    monkeypatch.setattr(dependencies, "exports", lambda: exports)
    with Client(app.app) as client:
        yield client


@pytest.fixture(autouse=True)
def _roles_allow_all_calls(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No Lambda may make a call that its role does not allow. Calls of tests themselves are a person's."""
    running = Running()

    def within[**Given, T](function: Callable[Given, T], name: str | None = None) -> Callable[Given, T]:
        def run(*given: Given.args, **more: Given.kwargs) -> T:
            with running.entered(str(given[1]) if name is None else name):
                return function(*given, **more)

        return run

    def check(call: AwsCall) -> None:
        if running.function:
            WATCH.call(running.function, call.service, call.operation, call.parameters)

    monkeypatch.setattr(Chalice, "__call__", within(Chalice.__call__, "api"))
    monkeypatch.setattr(TestLambdaClient, "invoke", within(TestLambdaClient.invoke))
    monkeypatch.setattr(app, "administration", within(app.administration, "administration"))
    monkeypatch.setattr(decoding, "answer", within(decoding.answer, "decode"))
    # With the permissions of whoever made the link.
    monkeypatch.setattr(lambdas, "download", within(lambdas.download, ""))
    with Interceptor(began=check).active():
        yield
    forbidden, WATCH.forbidden = WATCH.forbidden, set()
    assert forbidden == set()


@pytest.fixture(autouse=True)
def _declared_errors(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Every error that a route answers must be among those that app.py declares for it."""
    undeclared: list[str] = []

    def note(route: Route, error: NegatoscopeError) -> None:
        undeclared.append(f"{route.method} {route.path}: {error.code}")

    monkeypatch.setattr(http, "report_undeclared", note)
    yield
    assert undeclared == []


@pytest.fixture
def call(client: Client) -> Call:
    """Calls a route: `call("POST", "/uploads", json={...})`."""

    def send(method: str, path: str, body: bytes = b"", json: Any = None, **headers: str) -> HTTPResponse:
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        if json is not None:
            import json as codec

            body, names = codec.dumps(json).encode(), {"Content-Type": "application/json"} | names
        return client.http.request(method, path, headers=names, body=body)

    return send


def store_batch(name: str) -> None:
    """Store a batch, and start its first pass."""
    batch: Batch = {
        "name": name,
        "task": TASK,
        "kind": "folder",
        "source": "archive/2019/",
        "concurrency": 4,
        "requested_at": "2026-01-01T00:00:00Z",
    }
    estimate = {"images": 1, "complete": True, "dollars": 0.0001, "seconds": 0.2}
    stored = {"batch": batch, "requested_by": "me", "estimate": estimate}
    dependencies.bucket().write_json(request_key(name), stored)
    dependencies.batch_service()._begin(batch, 1)


@pytest.fixture
def stocked(client: Client, call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stage with a result, a retraining, a batch and fake state machines."""
    executions = Executions(FakeStepFunctions(), RETRAINING_ARN)
    monkeypatch.setattr(dependencies, "_executions", lambda: executions)
    batches = BatchExecutions(FakeStepFunctions(), BATCH_ARN)
    monkeypatch.setattr(dependencies, "_batch_executions", lambda: batches)
    dependencies.bucket().write("archive/2019/a.png", IMAGE, "image/png")
    store_batch(REAL["batch"])
    response = call("POST", f"/tasks/{TASK}/classify", IMAGE, Content_Type="image/png")
    assert response.json_body["id"] == REAL["id"]
    record = empty_record("run", executions.arn("run"), {"task": TASK})
    dependencies._repository().create(record | {"started_at": "2026-01-01T00:00:00Z", "status": "deployed"})
    dependencies.bucket().write(f"retrainings/{TASK}/run/evaluation/report.md", b"# Better", "text/markdown")


@pytest.fixture
def world(
    capsys: pytest.CaptureFixture[str], request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> World:
    """A stage under observation, whose sweeper has just found nothing unfinished."""
    measure_seconds("OldestUnfinishedAge", 0)
    return World(capsys, request, monkeypatch)


@pytest.fixture
def profiled(client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A model whose validation images were grey; its distance is the mean grey level."""
    names = load_task(TASK).class_names
    profile = {
        "images": 500,
        "labels": {name: 1 / len(names) for name in names},
        "confidence_deciles": [0.5 + level / 20 for level in range(9)],
        "distance_deciles": [20.0 * level for level in range(1, 10)],
    }
    write_package(
        tmp_path / "p" / TASK, cell=CELL, metrics={"test": METRICS, "validation": {"profile": profile}}
    )
    classifier = Classifier({}, lambda: None, tmp_path / "p")
    monkeypatch.setattr(dependencies, "classifier", lambda: classifier)


@pytest.fixture
def _login(monkeypatch: pytest.MonkeyPatch) -> None:
    """The stage requires login, as API Gateway does at AWS."""
    authorizer = CognitoUserPoolAuthorizer("users", provider_arns=["arn:aws:cognito-idp:::userpool/x"])
    monkeypatch.setattr(http.api, "_authorizer", authorizer)


def as_member(
    groups: str,
    method: str,
    path: str,
    body: Any = None,
    query: Mapping[str, str] | None = None,
    /,
    **parameters: str,
) -> tuple[int, Any]:
    """Status and body of the answer to a request with a valid token."""
    claims = {"sub": "4711", "email": "Ada.Lovelace@example.org"}
    if groups:
        claims["cognito:groups"] = groups
    context = {"resourcePath": path, "httpMethod": method, "requestId": "r-1"}
    request = {
        "httpMethod": method,
        "requestContext": context | {"authorizer": {"claims": claims}},
        "headers": {"content-type": app.app.routes[path][method].content_types[0]},
        "multiValueQueryStringParameters": {name: [value] for name, value in query.items()}
        if query
        else None,
        "pathParameters": parameters,
        "body": json.dumps(body) if body else None,
        "stageVariables": None,
        "isBase64Encoded": False,
    }
    response = app.app(request, LambdaContext("api_handler", 2048))
    text = response["body"]
    return response["statusCode"], json.loads(text) if text.startswith("{") else text

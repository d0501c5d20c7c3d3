"""A stage in this process: S3 sends events, Lambda repeats failed runs, people repeat requests."""

import base64
import json
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from datetime import UTC, datetime, timedelta
from functools import partial
from io import StringIO
from typing import Any
from urllib.parse import quote_plus

from chalice.local import LambdaContext

import app
from chalicelib import dependencies
from chalicelib.models.classifier import Classifier
from chalicelib.storage import inbox
from tests import lambdas, policies
from tests.injection.faults import Answer, Call, Fault, Interceptor, Killed
from tests.policies import Need, Running
from tests.stage import BUCKET

Event = Mapping[str, Any]
ATTEMPTS = 3
"""Lambda's attempts at an event: one, and two retries."""


class World:
    """The deployed application, and the events between its parts."""

    def __init__(self, older: Classifier) -> None:
        """`older` classifies with the model before the current one."""
        self._older = older
        self.pending: deque[tuple[str, Event]] = deque()
        """Events that Lambda will deliver: function and event."""
        self.lost: list[tuple[str, Event]] = []
        """Events that Lambda has given up."""
        self.arrived: dict[str, bytes] = {}
        """Every object that was ever stored below inbox/, by key."""
        self.last_calls: list[Call] = []
        """The calls of the last process."""
        self.last_headers: dict[str, str] = {}
        """Headers of the last answer."""
        self.fakes: dict[str, Answer] = {"lambda:Invoke": self._invoked}
        """Answers of services that moto does not run, by "service:operation"."""
        self.needed: set[tuple[str, Need]] = set()
        """What the Lambdas needed, each with the name of the Lambda."""
        self._running = Running()
        self.unconditional: list[str] = []
        """Updates of items without a condition, which could create an item that has expired."""
        self._printed = StringIO()

    # ------------------------------------------------------------------ what people do

    def drop(self, key: str, body: bytes) -> None:
        """Store a file in the bucket."""
        with self.process():
            dependencies.bucket()._client.put_object(Bucket=BUCKET, Key=key, Body=body)

    def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        fault: Fault | None = None,
        query: Mapping[str, str] | None = None,
        **parameters: str,
    ) -> tuple[int, Any]:
        """Status and answer of an API request; 0 if the connection was lost."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        request = {
            "httpMethod": method,
            "requestContext": {"resourcePath": path, "httpMethod": method, "requestId": "r-1"},
            "headers": {"content-type": app.app.routes[path][method].content_types[0]},
            "multiValueQueryStringParameters": {name: [value] for name, value in query.items()}
            if query
            else None,
            "pathParameters": parameters,
            "body": data.decode("latin-1") if body is not None else None,
            "stageVariables": None,
            "isBase64Encoded": False,
        }
        if isinstance(body, bytes):
            request |= {"body": base64.b64encode(body).decode(), "isBase64Encoded": True}
        with self.process(fault) as interceptor, self.running("api"):
            response = app.app(request, LambdaContext("api_handler", 2048))
        if interceptor.killed:
            return 0, None
        self.last_headers = response["headers"]
        answer = response["body"]
        return response["statusCode"], json.loads(answer) if answer.startswith("{") else answer

    @contextmanager
    def older_model(self) -> Iterator[None]:
        """Classify with the model before the current one within the context."""
        pipeline = dependencies.pipeline()
        current = pipeline.classifier
        object.__setattr__(pipeline, "classifier", self._older)
        try:
            yield
        finally:
            object.__setattr__(pipeline, "classifier", current)

    # ------------------------------------------------------------------ what AWS does

    def invoke(self, function: str, event: Event, fault: Fault | None = None) -> bool:
        """Run a Lambda once; False if it failed or was killed."""
        with self.process(fault) as interceptor, self.running(function):
            try:
                getattr(app, function)(dict(event), LambdaContext(function, 2048))
            except Killed:
                raise
            except Exception:
                return False
        return not interceptor.killed

    def deliver(self, function: str, event: Event, fault: Fault | None = None, strikes: int = 1) -> None:
        """Run a Lambda for an event, with retries. The fault occurs in the first `strikes` runs."""
        for attempt in range(ATTEMPTS):
            if self.invoke(function, event, fault if attempt < strikes else None):
                return
        self.lost.append((function, event))

    def settle(self) -> None:
        """Deliver events until there are none."""
        for _ in range(100):
            if not self.pending:
                return
            self.deliver(*self.pending.popleft())
        raise AssertionError("events without end")

    def redrive(self) -> None:
        """Send the lost events again."""
        lost, self.lost = self.lost, []
        for function, event in lost:
            self.deliver(function, event)
        self.settle()

    def sweep(self, minutes: float, fault: Fault | None = None) -> bool:
        """Run the sweeper that many minutes from now; False if it failed or was killed."""
        with self.process(fault) as interceptor, self.running("sweep"):
            try:
                dependencies.sweeper().run(datetime.now(UTC) + timedelta(minutes=minutes))
            except Exception:
                return False
        return not interceptor.killed

    def pass_time(self, hours: float = 26) -> None:
        """Run the sweeper often enough to find everything, after any failure."""
        for minutes in (11, hours * 60):
            self.sweep(minutes)
            self.settle()

    @contextmanager
    def process(self, fault: Fault | None = None) -> Iterator[Interceptor]:
        """A process of a Lambda, or a person."""
        interceptor = Interceptor(fault, self.fakes, self._notify, self._began)
        with redirect_stdout(self._printed), interceptor.active():
            yield interceptor
        self.last_calls = interceptor.calls

    @contextmanager
    def running(self, function: str) -> Iterator[None]:
        """Check all calls in this block against the policies of a Lambda's role; none if it has no name."""
        with self._running.entered(function):
            yield

    def needs(self, service: str, operation: str, parameters: Mapping[str, Any]) -> None:
        """Check a call of the Lambda that is running."""
        function = self._running.function
        if not function:
            return  # a person's
        found = policies.WATCH.call(function, service, operation, parameters)
        self.needed |= {(function, need) for need in found}

    def _invoked(self, call: Call) -> Any:
        function = call.parameters["FunctionName"].rsplit("-", 1)[-1]
        if "InvocationType" not in call.parameters:
            handler = partial(getattr(app, function), context=LambdaContext(function, 2048))
            with self.running(function):
                return lambdas.answer(handler, call.parameters["Payload"])
        self.pending.append((function, json.loads(call.parameters["Payload"])))
        return {"StatusCode": 202}

    def _began(self, call: Call) -> None:
        self.needs(call.service, call.operation, call.parameters)

    def _notify(self, call: Call, answer: Any) -> None:
        if call.operation == "UpdateItem" and "ConditionExpression" not in call.parameters:
            self.unconditional.append(call.parameters["UpdateExpression"])
        if call.operation not in ("PutObject", "CopyObject", "CompleteMultipartUpload"):
            return
        key = call.parameters["Key"]
        if not key.startswith((inbox.INBOX, inbox.PREPARED)):
            return
        body = call.parameters.get("Body", b"")
        content = body if isinstance(body, bytes) else b""
        entry = {
            "key": quote_plus(key, safe="/"),
            "eTag": answer["ETag"].strip('"'),
            "size": len(content),
        }
        if answer.get("VersionId", "null") != "null":
            entry["versionId"] = answer["VersionId"]
        if key.startswith(inbox.INBOX):
            self.arrived[key] = content
        time = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        record = {"eventTime": time, "s3": {"bucket": {"name": BUCKET}, "object": entry}}
        function = "prepare" if key.startswith(inbox.INBOX) else "classify"
        self.pending.append((function, {"Records": [record]}))

    # ------------------------------------------------------------------ results

    def counted(self, metric: str) -> int:
        """How often a metric of the stage was counted."""
        lines = [json.loads(line) for line in self._printed.getvalue().splitlines() if line.startswith("{")]
        return int(sum(sum(line[metric]) for line in lines if metric in line and "task" not in line))

"""What CloudWatch sees while the application works: its own metrics, and those of the services around it.

The application really runs. Lambda, API Gateway, DynamoDB and Step Functions are played by this module, which
emits the metrics that their documentation promises, under the names and dimensions it gives.
"""

import json
from collections.abc import Callable, Collection
from datetime import timedelta
from functools import cache
from typing import Any

import boto3
import pytest
from botocore.client import BaseClient
from botocore.exceptions import ClientError
from chalice.deploy.swagger import SwaggerGenerator
from chalice.test import Client, HTTPResponse

import app
from chalicelib import timestamps
from chalicelib.storage import inbox
from tests import alarms
from tests.alarms import STAGE, Point
from tests.stage import BUCKET, ROOT

TRIES = 3
"""Runs of an asynchronous event: one, and two retries that deploy/application.py configures."""
ATTEMPTS = 4
"""Attempts of the AWS SDK at a throttled request; see chalicelib/dependencies.py."""
API_STAGE = json.loads((ROOT / ".chalice" / "config.json").read_text())["api_gateway_stage"]
STATE_MACHINE = f"arn:aws:states:us-east-1:123456789012:stateMachine:negatoscope-{STAGE}-retrain"
SCHEDULED = {
    "source": "aws.events",
    "detail-type": "Scheduled Event",
    "version": "0",
    "account": "123456789012",
    "id": "1",
    "region": "us-east-1",
    "time": "2026-01-01T00:00:00Z",
    "resources": [],
    "detail": {},
}

Fault = Callable[[str, str, dict[str, Any]], None]
"""Gets a service, an operation and its request, and raises if the operation fails."""


class ProcessDied(BaseException):
    """A Lambda's process ended, so that no handler of exceptions ran."""


class World:
    """A stage under observation. Tests control its clock."""

    def __init__(
        self,
        capsys: pytest.CaptureFixture[str],
        request: pytest.FixtureRequest,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        self.points: list[Point] = []
        self.now = 1_000_000.0
        self.monkeypatch = monkeypatch
        self.fixture = request.getfixturevalue
        """A fixture, because only some scenarios need the application, which takes a second to start."""
        self.queue_refuses = False
        self._capsys, self._output = capsys, ""
        self._faults: list[Fault] = []
        self._inject_faults()

    @property
    def client(self) -> Client:
        """The application."""
        client: Client = self.fixture("client")
        return client

    def ringing(self) -> set[str]:
        """The names of the alarms that are ringing."""
        self._collect()
        return alarms.ringing(alarms.alarms(), self.points, self.now)

    def wait(self, **time: float) -> None:
        """Advance the clock: `wait(minutes=5)`."""
        self._collect()
        self.now += timedelta(**time).total_seconds()

    # ---------------------------------------------------------------------------------------- the API

    def request(self, method: str, path: str, body: bytes = b"", **arguments: Any) -> HTTPResponse | None:
        """Send a request through API Gateway; None if its Lambda fails."""
        try:
            response: HTTPResponse = self.fixture("call")(method, path, body, **arguments)
        except (Exception, ProcessDied):
            self._lambda_ran("", failed=True)
            self.gateway_answered(502)
            return None
        self._lambda_ran("", failed=False)
        self.gateway_answered(response.status_code)
        return response

    def gateway_answered(self, status: int) -> None:
        """API Gateway Developer Guide, "Amazon API Gateway dimensions and metrics"."""
        for metric, counts in (("4XXError", status // 100 == 4), ("5XXError", status // 100 == 5)):
            self._emit("AWS/ApiGateway", metric, counts, ApiName=api_name(), Stage=API_STAGE)

    def gateway_took(self, seconds: float) -> None:
        """API Gateway answered a request after this time."""
        self._emit("AWS/ApiGateway", "Latency", seconds * 1000, ApiName=api_name(), Stage=API_STAGE)

    # ---------------------------------------------------------------------------------------- Lambdas

    def store(self, key: str, body: bytes) -> dict[str, Any]:
        """Store an object, and return its event."""
        self.fixture("client")
        etag = boto3.client("s3").put_object(Bucket=BUCKET, Key=key, Body=body)["ETag"].strip('"')
        return inbox.event_for(inbox.InboxObject(BUCKET, key, etag, len(body), time=timestamps.now()))

    def drop(self, key: str, body: bytes) -> None:
        """Drop a file into the bucket and run the Lambdas prepare and classify with S3's events."""
        self.deliver("prepare", self.store(key, body))
        self.deliver_prepared()

    def deliver_prepared(self) -> None:
        """Run the Lambda classify for every prepared image."""
        s3 = boto3.client("s3")
        for entry in s3.list_objects_v2(Bucket=BUCKET, Prefix="prepared/").get("Contents", ()):
            original = inbox.InboxObject(BUCKET, entry["Key"], entry["ETag"].strip('"'), entry["Size"])
            self.deliver("classify", inbox.event_for(original))

    def schedule(self, function: str) -> None:
        """Run a scheduled Lambda."""
        self.deliver(function, SCHEDULED)

    def deliver(self, function: str, event: dict[str, Any]) -> None:
        """Run a Lambda for an asynchronous event, with Lambda's retries, after which the event is lost.

        Lambda Developer Guide, "Types of metrics for Lambda functions"; SQS Developer Guide, "Available
        CloudWatch metrics for Amazon SQS".
        """
        if any(self.run(function, event) for _ in range(TRIES)):
            return
        if self.queue_refuses:
            self._emit("AWS/Lambda", "DestinationDeliveryFailures", 1, FunctionName=function_name(function))
        else:
            queue = f"negatoscope-{STAGE}-lost-events"
            self._emit("AWS/SQS", "ApproximateNumberOfMessagesVisible", 1, QueueName=queue)

    def run(self, function: str, event: dict[str, Any]) -> bool:
        """Run a Lambda once; False if it fails."""
        try:
            self.client.lambda_.invoke(function, event)
        except Exception:
            self._lambda_ran(function, failed=True)
            return False
        self._lambda_ran(function, failed=False)
        return True

    def throttle_lambda(self, function: str) -> None:
        """Lambda has no concurrency left for this function."""
        self._emit("AWS/Lambda", "Throttles", 1, FunctionName=function_name(function))

    def lambda_took(self, function: str, seconds: float) -> None:
        """A run of the function ended after this time."""
        self._emit("AWS/Lambda", "Duration", seconds * 1000, FunctionName=function_name(function))

    def lambdas_at_once(self, count: int) -> None:
        """So many Lambdas of the account ran at the same time."""
        self._emit("AWS/Lambda", "ConcurrentExecutions", count)

    def _lambda_ran(self, function: str, *, failed: bool) -> None:
        self._emit("AWS/Lambda", "Errors", failed, FunctionName=function_name(function))
        self._emit("AWS/Lambda", "Throttles", 0, FunctionName=function_name(function))

    # ------------------------------------------------------------------------------------ retrainings

    def execution_ended(self, status: str) -> None:
        """Step Functions Developer Guide, "Execution metrics"."""
        for metric in ("ExecutionsFailed", "ExecutionsSucceeded", "ExecutionsTimedOut"):
            self._emit("AWS/States", metric, metric == f"Executions{status}", StateMachineArn=STATE_MACHINE)

    # ----------------------------------------------------------------------------------------- faults

    def refuse(self, *services: str) -> None:
        """Let every request to these services fail."""
        self.fixture("client")

        def fail(service: str, operation: str, _request: dict[str, Any]) -> None:
            if service in services:
                raise failure("InternalServerError", operation)

        self._faults.append(fail)

    def observe(self, watch: Fault) -> None:
        """Call `watch` before every request to AWS."""
        self._faults.append(watch)

    def recover(self) -> None:
        """Let all requests succeed again."""
        self._faults.clear()

    def throttle_table(
        self, metric: str, operations: Collection[str], table: str, index: str | None = None
    ) -> None:
        """DynamoDB throttles some operations on a table because of the table itself, or because of an index.

        A write is throttled for an index that cannot keep up, too. Amazon DynamoDB Developer Guide, "DynamoDB
        metrics and dimensions": what an index throttles counts under TableName and GlobalSecondaryIndexName.
        """
        self.fixture("client")
        named = {"TableName": table.replace("-test-", f"-{STAGE}-")}
        if index:
            named["GlobalSecondaryIndexName"] = index

        def fail(service: str, operation: str, request: dict[str, Any]) -> None:
            same = service == "DynamoDB" and operation in operations and request.get("TableName") == table
            if same and (metric == "WriteThrottleEvents" or request.get("IndexName") == index):
                self._emit("AWS/DynamoDB", metric, ATTEMPTS, **named)
                raise failure("ProvisionedThroughputExceededException", operation)

        self._faults.append(fail)

    def _inject_faults(self) -> None:
        send = BaseClient._make_api_call

        def send_unless_it_fails(client: BaseClient, operation: str, request: dict[str, Any]) -> Any:
            if operation == "Invoke":  # moto has no Lambdas; AWS accepts an event and runs them later
                return {"StatusCode": 202}
            for fault in self._faults:
                fault(client.meta.service_model.service_id, operation, request)
            return send(client, operation, request)

        self.monkeypatch.setattr(BaseClient, "_make_api_call", send_unless_it_fails)

    # ---------------------------------------------------------------------------------------- metrics

    def _emit(self, namespace: str, metric: str, value: float, **dimensions: str) -> None:
        self.points.append(Point(namespace, metric, frozenset(dimensions.items()), value, self.now))

    def output(self) -> str:
        """Everything that the application has printed."""
        self._collect()
        return self._output

    def _collect(self) -> None:
        printed = self._capsys.readouterr().out
        self._output += printed
        self.points += alarms.emitted(printed, self.now)


@cache
def api_name() -> str:
    """The name of the API: the title of the definition that Chalice uploads."""
    handler = "arn:aws:lambda:us-east-1:123456789012:function:x"
    definition = SwaggerGenerator("us-east-1", {"api_handler_arn": handler}).generate_swagger(app.app)
    return str(definition["info"]["title"])


def function_name(function: str) -> str:
    """The name of a Lambda; "" for that of the API."""
    return f"negatoscope-{STAGE}-{function}" if function else f"negatoscope-{STAGE}"


def failure(code: str, operation: str) -> ClientError:
    """An error of AWS."""
    return ClientError({"Error": {"Code": code, "Message": "made up"}}, operation)


def s3_event(key: str) -> dict[str, Any]:
    """The event of an object that has just been stored."""
    return inbox.event_for(inbox.InboxObject(BUCKET, key, "0" * 32, 1))

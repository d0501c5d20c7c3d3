"""The local system under load: sends images, records failures, and waits until it is at rest."""

import json
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from itertools import count
from typing import Any

import boto3
from botocore.config import Config

from chalicelib.storage import inbox
from local.deployment import aws_environment
from local.stack import BUCKET, LocalStack
from tests.soak.images import fresh, unusable
from tests.soak.invariant import Stage, problems, unfinished
from tests.stack.client import PATIENCE, TASK, Client
from tests.stack.processes import running
from tests.stage import ROOT

TABLE = "negatoscope-local-results"
LOST_EVENTS = "negatoscope-local-lost-events"
SWEEPS = (11, 22, 26 * 60, 26 * 60 + 11)
"""Minutes from now at which the sweeper runs: often enough to find all stuck images."""
SENDERS = 8

SWEEPER = """
import sys
from datetime import UTC, datetime, timedelta
from chalicelib import dependencies
for line in sys.stdin:
    try:
        dependencies.sweeper().run(datetime.now(UTC) + timedelta(minutes=float(line)))
        print("swept", flush=True)
    except Exception as error:
        print(f"failed: {error}", flush=True)
"""


class System:
    """A running system, and everything that was sent to it. `say` gets progress messages."""

    def __init__(self, stack: LocalStack, say: Callable[[str], None]) -> None:
        self.stack = stack
        self.client = Client(stack)
        self.say = say
        self._run = time.time_ns()
        self._numbers = count()
        self.arrived: dict[str, str] = {}
        """By id, the key of every file in the inbox; "" for images sent to the API."""
        self.redriven = 0
        """Events that Lambda gave up and that were sent again."""
        self.swept = 0
        """Runs of the sweeper until everything was finished."""
        config = Config(max_pool_connections=SENDERS, retries={"mode": "standard", "total_max_attempts": 10})
        self.s3 = self.client.aws("s3", config=config)
        dynamodb = boto3.resource(
            "dynamodb",
            endpoint_url=stack.aws_url,
            region_name="us-east-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",
        )
        self.stage = Stage(self.s3, dynamodb, BUCKET, TABLE)
        self._ignore_earlier_images()

    def _ignore_earlier_images(self) -> None:
        """Wait until nothing is in progress; later, only what this run sends counts."""
        self.wait_for_events(PATIENCE)
        sqs = self.client.aws("sqs")
        sqs.purge_queue(QueueUrl=sqs.get_queue_url(QueueName=LOST_EVENTS)["QueueUrl"])
        self.stage.look()
        self.stage.ignored = frozenset(self.stage.items)

    # --------------------------------------------------------------------------------------- images

    def drop(self, contents: Iterable[bytes], folder: str = TASK) -> None:
        """Store files in the drop folder, several at a time."""
        keys = (f"inbox/{folder}/{self._run}-{number}.png" for number in self._numbers)
        with ThreadPoolExecutor(SENDERS) as senders:
            list(senders.map(self.put, keys, contents))

    def drop_synthetic(self, images: int) -> None:
        """Drop `count` small images, one in a hundred unusable."""
        self.drop(unusable() if number % 100 == 99 else fresh() for number in range(images))

    def put(self, key: str, content: bytes) -> inbox.InboxObject:
        """Store a file in the inbox, with retries."""
        etag = self.s3.put_object(Bucket=BUCKET, Key=key, Body=content)["ETag"].strip('"')
        original = inbox.InboxObject(BUCKET, key, etag, len(content))
        self.arrived[original.id] = key
        return original

    def classify(self, content: bytes) -> int:
        """Classify an image through the API, and return the status of the answer."""
        self.arrived[inbox.new_id("api", TASK, content)] = ""
        answer = self.client.api("POST", f"/api/tasks/{TASK}/classify", content, Content_Type="image/png")
        assert answer.status == 200 or {"code", "message", "request_id"} <= answer.json.keys(), answer.body
        return answer.status

    @contextmanager
    def without_notifications(self) -> Iterator[None]:
        """S3 sends no events within the context."""
        settings = self.s3.get_bucket_notification_configuration(Bucket=BUCKET)
        settings.pop("ResponseMetadata")
        self.s3.put_bucket_notification_configuration(Bucket=BUCKET, NotificationConfiguration={})
        try:
            yield
        finally:
            self.s3.put_bucket_notification_configuration(Bucket=BUCKET, NotificationConfiguration=settings)

    def send_event(self, function: str, event: Any) -> None:
        """Send an event to a Lambda, like S3."""
        self.client.functions.invoke(
            FunctionName=f"negatoscope-local-{function}", InvocationType="Event", Payload=json.dumps(event)
        )

    # ----------------------------------------------------------------------------------------- rest

    def rest(self, patience: float) -> list[str]:
        """Wait until nothing is in progress, run the sweeper and the redrive, and return the problems."""
        self.wait_for_events(patience)
        for minutes in SWEEPS:
            while self.redrive():
                self.wait_for_events(patience)
            self.stage.look()
            if not unfinished(self.stage, self.arrived):
                break
            self.sweep(minutes)
            self.wait_for_events(patience)
        self.stage.look()
        return problems(self.stage, self.arrived)

    def pending(self) -> int:
        """The number of asynchronous invocations that wait or run."""
        with closing(sqlite3.connect(self.stack.directory / "state" / "events.sqlite")) as events:
            return int(events.execute("SELECT count(*) FROM events").fetchone()[0])

    def _events(self) -> set[tuple[int, str]]:
        """The asynchronous invocations that wait or run: number and function."""
        with closing(sqlite3.connect(self.stack.directory / "state" / "events.sqlite")) as events:
            return set(events.execute("SELECT id, function FROM events"))

    def wait_for_events(self, patience: float) -> None:
        """Wait until every event is processed; raise if none finishes within `patience` seconds."""
        least, since, said = self.pending(), time.monotonic(), time.monotonic()
        while left := self.pending():
            if left < least:
                least, since = left, time.monotonic()
            if time.monotonic() - since > patience:
                raise AssertionError(f"{left} events, and none was done within {patience:.0f} s")
            if time.monotonic() - said > 10:
                said = time.monotonic()
                self.say(f"  {left} events left")
            time.sleep(0.2)

    def redrive(self) -> int:
        """Send the events again that Lambda gave up, and return their number."""
        sqs, sent = self.client.aws("sqs"), 0
        queue = sqs.get_queue_url(QueueName=LOST_EVENTS)["QueueUrl"]
        while messages := sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages"):
            for message in messages:
                lost = json.loads(message["Body"])
                function = lost["requestContext"]["functionArn"].split(":function:")[1].split(":")[0]
                self.send_event(function.removeprefix("negatoscope-local-"), lost["requestPayload"])
                sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
                sent += 1
        self.redriven += sent
        return sent

    def sweep(self, minutes: float) -> None:
        """Run the app's sweeper as if that many minutes had passed."""
        self.swept += 1
        stage = json.loads((ROOT / ".chalice" / "config.json").read_text())["stages"]["local"]
        done = subprocess.run(
            [sys.executable, "-c", SWEEPER],
            cwd=ROOT,
            env=aws_environment(self.stack.aws_url) | stage["environment_variables"],
            input=f"{minutes}\n",
            capture_output=True,
            text=True,
            check=True,
        )
        self.say(f"  sweep in {minutes:g} minutes: {done.stdout.splitlines()[-1]}")

    # ------------------------------------------------------------------------------------- failures

    def lambdas(self) -> list[int]:
        """The processes that run Lambdas."""
        return self.processes("lambda_bootstrap.py")

    def processes(self, program: str) -> list[int]:
        """The processes of the emulator that run a program."""
        return running(self.stack.processes["AWS emulator"], program)

    @contextmanager
    def killing(self, kill: Callable[[], int], seconds: float) -> Iterator[list[int]]:
        """Call `kill` every so many seconds while this lasts; what it returned each time.

        While no event is done between two kills, the pause doubles: on a busy machine processes may take
        longer to start than they are given to live, and nothing would ever be done.
        """
        over, killed = threading.Event(), list[int]()

        def kill_on() -> None:
            pause, before = seconds, self._events()
            while not over.wait(pause):
                killed.append(kill())
                left = self._events()
                pause = 2 * pause if before and before <= left else seconds
                before = left

        with ThreadPoolExecutor(1) as thread:
            ended = thread.submit(kill_on)
            try:
                yield killed
            finally:
                over.set()
            ended.result()
